"""`/lines/<slug>/rolls/`: which rolls ran on a line, how they were, and which style they are."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.models import Line, RollCount
from inspections.pages.access import PersonRequest, deed, for_managers, line_of, page
from inspections.pages.charts import anomalies_url
from inspections.pages.worklist import time_of
from inspections.roll_keeping import set_style
from inspections.snapshots import Refused

PAGE = 50
STYLES_OFFERED = 40


@dataclass(frozen=True)
class Row:
    code: str
    style: str
    since: datetime
    judged: int
    anomalies: int
    anomalies_url: str
    breaks: bool  # another style than the roll before it
    picked: bool

    @property
    def percent(self) -> float | None:
        return 100 * self.anomalies / self.judged if self.judged else None


@page
def rolls(request: PersonRequest, slug: str) -> HttpResponseBase:
    """Newest first, a page at a time."""
    return _shown(request, line_of(request.user, slug))


@deed
def style(request: PersonRequest, slug: str) -> HttpResponseBase:
    """The style of the rolls that were picked."""
    line = line_of(request.user, slug)
    for_managers(request.user)
    codes, wanted = dict.fromkeys(request.POST.getlist("roll")), request.POST.get("style", "")
    done = set_style(line, codes, wanted, request.user, timezone.now())
    if isinstance(done, Refused):
        return _shown(request, line, done.reason, wanted, frozenset(codes))
    words = ngettext("The style of %(n)d roll was set.", "The style of %(n)d rolls was set.", done) % {"n": done}
    messages.success(request, words if done else _("They were of that style already. Nothing was changed."))
    query = request.GET.urlencode()
    return HttpResponseRedirect(reverse("rolls", args=[line.slug]) + (f"?{query}" if query else ""))


def _shown(
    request: PersonRequest, line: Line, objection: str = "", wanted: str = "", picked: frozenset[str] = frozenset()
) -> HttpResponseBase:
    after = request.GET.get("after", "")
    mark = _mark_of(after) if after else None
    damaged = bool(after) and mark is None
    found = [] if damaged else list(_ran(line, mark)[: PAGE + 1])
    context: dict[str, Any] = {
        "line": line,
        "rows": _rows(line, found, picked),
        "next": _mark(found[PAGE - 1]) if len(found) > PAGE else "",
        "is_first": not after,
        "damaged": damaged,
        "objection": objection,
        "wanted": wanted,
        "styles": _styles(line),
        "may_set": request.user.sees_every_line,
        "query": request.GET.urlencode(),
    }
    return render(request, "inspections/rolls.html", context, status=400 if objection or damaged else 200)


def _ran(line: Line, mark: tuple[datetime, int] | None) -> QuerySet[RollCount]:
    rows = RollCount.objects.filter(line=line).select_related("roll").order_by("-first_at", "-roll")
    if mark is not None:
        at, roll = mark
        rows = rows.filter(first_at__lte=at).filter(Q(first_at__lt=at) | Q(roll__lt=roll))
    return rows


def _rows(line: Line, found: list[RollCount], picked: frozenset[str]) -> list[Row]:
    """Each beside the one before it, which is the next of the list; the last of a page is not known to differ."""
    before = [row.roll.style for row in found[1:]]
    return [
        Row(
            row.roll.code, row.roll.style, row.first_at, row.judged, row.anomalies,
            anomalies_url(line, roll=row.roll.code),
            number < len(before) and before[number] != row.roll.style,
            row.roll.code in picked,
        )
        for number, row in enumerate(found[:PAGE])
    ]  # fmt: skip


def _styles(line: Line) -> list[str]:
    """The styles of the latest rolls, to choose from."""
    recent = _ran(line, None).values_list("roll__style", flat=True)[: PAGE * 4]
    return sorted({name for name in recent if name})[:STYLES_OFFERED]


def _mark(row: RollCount) -> str:
    return f"{row.first_at.astimezone(UTC).isoformat()}~{row.roll_id}"


def _mark_of(text: str) -> tuple[datetime, int] | None:
    """Where a page ended; None where the text is no such mark."""
    time, _tilde, roll = text.partition("~")
    if not (roll.isascii() and roll.isdigit() and len(roll) < 19):
        return None
    try:
        return time_of(time), int(roll)
    except ValueError:
        return None
