"""A line on its own page."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone

from inspections.changes import changes_between
from inspections.models import Capture, Line, Status
from inspections.pages.access import PersonRequest, line_of, page
from inspections.pages.charts import flagged_url, with_swaps
from inspections.pages.live import live
from inspections.pages.notices import notices
from inspections.pages.overview import Card, cards, class_names
from inspections.rates import Day
from inspections.review.blind import withheld

STRIP = 12
FAILED_SHOWN = 12


@page
def line(request: PersonRequest, slug: str) -> HttpResponseBase:
    """One line: its day by hour and class, its cameras, the latest of its captures."""
    now = timezone.now()
    found = line_of(request.user, slug)
    names, secret = class_names(), withheld(request.user)
    (card,) = cards([found], names, now)
    swaps = changes_between(found, card.day.hours[0].start, now)
    card = replace(card, chart=with_swaps(card.chart, swaps))
    context = {
        "card": card,
        "line": found,
        "classes": class_rows(card, names),
        "latest": latest(found),
        "flagged": latest_flagged(found, secret),
        "secret": secret,
        "failed": latest_failed(found, card.day),
        "notices": notices(request.user, [found], now),
    }
    return live(request, "inspections/line.html", "inspections/_line.html", context)


@dataclass(frozen=True)
class ClassRow:
    """A class's share of a day: a bar, and the list behind it where something of it was flagged."""

    name: str
    judged: int
    anomalies: int
    share: int  # percent of the longest bar
    url: str


def class_rows(card: Card, names: dict[str, str]) -> list[ClassRow]:
    shown = [one for one in card.day.classes if one.tally.anomalies]
    most = max((one.tally.anomalies for one in shown), default=1)
    return [
        ClassRow(
            name=names.get(one.code, one.code),
            judged=one.tally.judged,
            anomalies=one.tally.anomalies,
            share=round(100 * one.tally.anomalies / most),
            url=flagged_url(card.line, period="24h", **{"class": one.code}),
        )
        for one in shown
    ]


def latest(line: Line) -> list[Capture]:
    rows = Capture.objects.filter(line=line).select_related("defect_class", "label__person")
    return list(rows.order_by("-counted_at", "-id")[:STRIP])


def latest_flagged(line: Line, secret: set[UUID]) -> list[Capture]:
    """Without what the reader is being asked blind."""
    rows = Capture.objects.filter(line=line, flagged=True).select_related("defect_class", "label__person")
    rows = rows.exclude(pk__in=secret) if secret else rows
    return list(rows.order_by("-counted_at", "-id")[:STRIP])


def latest_failed(line: Line, day: Day) -> list[Capture]:
    """The newest failures of the day. The rollup names the hour that has one, so that one hour is read, not a day."""
    hour = next((hour for hour in reversed(day.hours) if hour.tally.failed), None)
    if hour is None:
        return []
    rows = Capture.objects.filter(line=line, counted_at__gte=hour.start, counted_at__lt=hour.end, status=Status.FAILED)
    return list(rows.select_related("camera").order_by("-counted_at", "-id")[:FAILED_SHOWN])
