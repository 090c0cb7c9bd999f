"""One recall: how far it is, what would change, roll by roll and class by class, and the list as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Comparison, Recall, Roll
from inspections.models.defect_class import UNKNOWN
from inspections.pages.access import PersonRequest, deed, for_managers, lines_of, page
from inspections.pages.comparisons import Filters, matrix_table, rows_of
from inspections.pages.csv_file import csv_file
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import percent
from inspections.review.blind import withheld
from inspections.second_looks import cancel as cancel_recall
from inspections.second_looks.figures import Changed, Total, total
from inspections.second_looks.reading import apart, changed_rolls, groups
from inspections.snapshots import Refused

TEMPLATE, PART = "inspections/recall.html", "inspections/_recall.html"
MOST_ROLLS = 100
COLUMNS = (
    "capture", "line", "roll", "position_m", "taken", "before", "after", "flagged_before", "flagged_after", "label",
)  # fmt: skip


@dataclass(frozen=True)
class RollRow:
    """What would change of one roll; without a code, of the captures that belong to none."""

    code: str
    total: Total


@page
def recall(request: PersonRequest, number: int) -> HttpResponseBase:
    """The page of one recall, for managers; it looks again while the recall goes on."""
    for_managers(request.user)
    return _shown(request, _recall_of(number))


@deed
def cancel(request: PersonRequest, number: int) -> HttpResponseBase:
    """End it; what was judged so far stays."""
    for_managers(request.user)
    outcome = cancel_recall(_recall_of(number), request.user, timezone.now())
    if isinstance(outcome, Refused):
        return _shown(request, _recall_of(number), str(outcome.reason), status=409)
    messages.success(request, _("The recall has ended. What was judged so far stays."))
    return HttpResponseRedirect(reverse("recall", args=[outcome.pk]))


@page
def as_csv(request: PersonRequest, number: int) -> HttpResponseBase:
    """What would change, as a table; an export, so it is written down who took it."""
    for_managers(request.user)
    found = _recall_of(number)
    form = _filters(request)
    if not form.is_valid():
        return _shown(request, found)
    wanted = form.wanted(found.version, found, withheld(request.user))
    AuditEvent.note(request.user, "export", f"recall {found.pk}", timezone.now(), filters=request.GET.dict())
    related = ("capture__roll", "capture__label__defect_class", "line", "before", "after")
    rows = wanted.rows().filter(agrees=False).select_related(*related).order_by("id")
    return csv_file(f"recall-{found.pk}", COLUMNS, map(_cells, rows.iterator(chunk_size=500)))


def _recall_of(number: int) -> Recall:
    rows = Recall.objects.select_related("version", "line", "asked_by").defer("version__spec")
    found: Recall = get_object_or_404(rows, pk=number)
    return found


def _filters(request: PersonRequest) -> Filters:
    return Filters(request.GET, lines_of(request.user), class_names(), (_("Was"), _("Would be")))


def _shown(request: PersonRequest, found: Recall, objection: str = "", status: int = 200) -> HttpResponseBase:
    form = _filters(request)
    is_valid = form.is_valid()
    context: dict[str, Any] = {
        "recall": found,
        "form": form,
        "is_valid": is_valid,
        "objection": objection,
        "share": round(100 * (found.done + found.dropped) / found.total) if found.total else 0,
        **(_figures(request, found, form) if is_valid else {}),
    }
    moving = is_valid and found.is_live and not request.GET.get("after")
    return live(request, TEMPLATE, PART, context, status=status if is_valid else 400, moving=moving)


def _figures(request: PersonRequest, found: Recall, form: Filters) -> dict[str, Any]:
    wanted, names = form.wanted(found.version, found, withheld(request.user)), class_names()
    counted, changed = groups(wanted), changed_rolls(wanted)
    listed = apart(wanted, form.cleaned_data["after"])
    sums = total(counted)
    return {
        "total": sums,
        "agreement": percent(sums.agreement),
        "rolls": roll_rows(changed[:MOST_ROLLS]),
        "more_rolls": max(0, len(changed) - MOST_ROLLS),
        "matrix": matrix_table(counted, names),
        "apart": listed,
        "rows": rows_of(listed, names),
        "is_first": form.cleaned_data["after"] is None,
    }


def roll_rows(changed: Sequence[Changed]) -> list[RollRow]:
    codes = dict(Roll.objects.filter(pk__in=[one.roll for one in changed if one.roll]).values_list("pk", "code"))
    return [RollRow(codes[one.roll] if one.roll else "", one.total) for one in changed]


def _cells(one: Comparison) -> tuple[str, ...]:
    capture = one.capture
    label = capture.label
    return (
        str(capture.pk),
        one.line.slug,
        capture.roll.code if capture.roll else "",
        "" if capture.position_m is None else f"{capture.position_m:.3f}",
        capture.captured_at.isoformat(),
        one.before.code if one.before else UNKNOWN,
        one.after.code if one.after else UNKNOWN,
        "yes" if one.before_flagged else "no",
        "yes" if one.after_flagged else "no",
        label.answer if label else "",
    )
