"""`/alarms/<id>/`: one alarm: what, since when, its images, who was told, and what people did with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Sum
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.alarms.acting import ABOUT_CLOTH
from inspections.alarms.notes import told_of
from inspections.models import (
    Alarm,
    AlarmState,
    AuditEvent,
    Capture,
    Delivery,
    Line,
    Person,
    RuleKind,
    SlotCount,
)
from inspections.models.defect_class import held_for
from inspections.models.rollup import SLOT
from inspections.pages.access import PersonRequest, page
from inspections.pages.alarm_list import row_of
from inspections.pages.alarm_plot import alarm_plot
from inspections.pages.charts import anomalies_url
from inspections.pages.durations import duration_words
from inspections.pages.history import name_of
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import percent, rounded
from inspections.pages.worklist import Order, Show, Wanted
from inspections.pages.worklist import page as page_of
from inspections.review.blind import withheld
from inspections.standing import slot_of

IMAGES = 12
RATES = frozenset({"rate", "limit", "centre", "upper", "lower"})


@dataclass(frozen=True)
class Event:
    """One step of an alarm's life. `who` empty: the product itself."""

    at: datetime
    title: str
    who: str = ""
    text: str = ""


def alarm_of(person: Person, key: int) -> Alarm:
    """404 for an alarm of a line that is not this person's."""
    rows = Alarm.objects.filter(line__in=Line.objects.seen_by(person))
    return get_object_or_404(rows.select_related("rule", "line", "acknowledged_by", "resolved_by"), pk=key)


@page
def alarm(request: PersonRequest, alarm: int) -> HttpResponseBase:
    return shown(request, alarm_of(request.user, alarm))


def shown(request: PersonRequest, found: Alarm, refused: str = "", status: int = 200) -> HttpResponseBase:
    """The page, or its moving part; `refused`: why something that was asked for was not done."""
    now, names = timezone.now(), class_names()
    context = {
        "alarm": found,
        "row": row_of(found, now),
        "facts": facts(found, names),
        "plot": alarm_plot(found, names, now),
        "events": events(found),
        "deliveries": list(Delivery.objects.filter(alarm=found).select_related("channel").order_by("id")),
        "is_of_cloth": found.rule.kind in ABOUT_CLOTH,
        "is_of_class": found.rule.kind == RuleKind.CLASS_SEEN,
        "latest": latest(found),
        "images": images(found, withheld(request.user)),
        "images_url": images_url(found),
        "is_open": found.state != AlarmState.RESOLVED,
        "quiet": duration_words(found.rule.cool_down_s) if found.rule.cool_down_s else "",
        "refused": refused,
    }
    moving = found.state != AlarmState.RESOLVED and not refused
    return live(request, "inspections/alarm.html", "inspections/_alarm.html", context, status=status, moving=moving)


def facts(found: Alarm, names: dict[str, str]) -> list[tuple[str, str]]:
    """The figures that the alarm keeps, named; those of other kinds of rule are not there."""
    named = {
        "rate": _("Rate"), "limit": _("Limit"), "centre": _("Usual"), "upper": _("Upper limit"),
        "judged": _("Judged"), "count": _("Anomalies"), "waiting": _("Waiting"), "leading": _("Leading defect"),
        "signals": _("Signals"), "camera": _("Camera"),
    }  # fmt: skip
    kept = {key: value for key, value in found.figures.items() if value not in (None, "", [])}
    if found.rule.kind == RuleKind.CLASS_SEEN:
        kept["count"] = _so_far(found)
    elif found.signs > 1:  # its words are of the first sign, and its figures of the latest
        named |= {"rate": _("Rate at the latest sign"), "judged": _("Judged then"), "count": _("Anomalies then")}
    if kept.get("unit"):  # a chart with a memory: what is usual is 0, and its limits are no rates
        kept |= {"centre": None, "upper": f"± {rounded(kept['upper'], 2)} {kept['unit']}"}
    return [(name, _said(key, kept[key], names)) for key, name in named.items() if kept.get(key) is not None]


def latest(found: Alarm) -> datetime:
    """When its last sign was; that of a class is its newest image, where the alarm itself knows five minutes."""
    if found.rule.kind != RuleKind.CLASS_SEEN:
        return found.last_at
    rows = Capture.objects.filter(held_for(_code(found)), line=found.line, anomaly=True)
    rows = rows.filter(counted_at__gte=slot_of(found.last_at), counted_at__lt=_until(found))
    return rows.aggregate(latest=Max("counted_at"))["latest"] or max(found.last_at, found.since)


def _so_far(found: Alarm) -> int:
    """All of its class since it began: its figures hold the latest five minutes alone."""
    rows = SlotCount.objects.filter(line=found.line, defect_class=_code(found), slot__gte=slot_of(found.since))
    total: int = rows.filter(slot__lt=_until(found)).aggregate(total=Sum("anomalies", default=0))["total"]
    return total


def _said(key: str, value: Any, names: dict[str, str]) -> str:
    if key in RATES and isinstance(value, int | float) and 0 <= value <= 1:
        return percent(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return names.get(value, value) if isinstance(value, str) else str(value)


def events(found: Alarm) -> list[Event]:
    """From its first sign on; what people said stands in the audit log, and is read from there."""
    began = Event(found.since, _("First sign"))
    raised = Event(found.raised_at, _("Raised"), text=found.words)
    said = [_of_person(one) for one in told_of(found)]
    ended = found.resolved_at is not None and found.resolved_by is None
    quiet = [Event(found.resolved_at or found.last_at, _("Resolved"), text=found.outcome)] if ended else []
    return [began, raised, *sorted([*said, *quiet], key=lambda one: one.at)]


def _of_person(one: AuditEvent) -> Event:
    titles = {"acknowledge-alarm": _("Acknowledged"), "resolve-alarm": _("Resolved"), "note-alarm": _("Note"),
              "tell-again": _("Sent again")}  # fmt: skip
    text = str(one.detail.get("note") or one.detail.get("outcome") or one.detail.get("channel") or "")
    return Event(one.at, titles.get(one.action, one.action), name_of(one.person) if one.person else "", text)


def _until(found: Alarm) -> datetime:
    return found.last_at + SLOT


def _code(found: Alarm) -> str:
    return found.rule.defect_class


def images(found: Alarm, secret: set[UUID]) -> list[Capture]:
    """The worst of its anomalies; without what the reader is being asked blind."""
    if found.rule.kind not in ABOUT_CLOTH:
        return []
    wanted = Wanted(
        lines=(found.line,), show=Show.ANOMALIES, order=Order.WORST, defect_class=_code(found), since=found.since,
        until=_until(found), without=frozenset(secret),
    )  # fmt: skip
    return page_of(wanted, IMAGES).captures


def images_url(found: Alarm) -> str:
    times = {"since": f"{found.since:%Y-%m-%dT%H:%M:%SZ}", "until": f"{_until(found):%Y-%m-%dT%H:%M:%SZ}"}
    return anomalies_url(found.line, order="worst", **times, **({"class": _code(found)} if _code(found) else {}))
