"""`/snapshots/<name>/`: one frozen list, whole: counts, what was left out and why, every row, and what used it."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.models import GateReport, LeftOut, ModelVersion, Side, Snapshot, SnapshotRow, TrainingRun
from inspections.pages.access import PersonRequest, for_managers, page
from inspections.pages.flagged import CHOICE
from inspections.pages.overview import class_names
from inspections.pages.snapshot_tables import table_of
from inspections.review.blind import withheld

PAGE = 60


class Filters(forms.Form):
    """What narrows the rows; all of it stands in the address. `after`: the row where the last page ended."""

    after = forms.IntegerField(label=gettext_lazy("Page"), required=False, min_value=1)

    def __init__(self, data: Mapping[str, Any], classes: list[tuple[str, str]]) -> None:
        super().__init__(data, label_suffix="")
        choices: dict[str, tuple[str, Any]] = {
            "side": (_("Side"), Side.choices),
            "class": (_("Class"), classes),
            "reason": (_("Left out because"), LeftOut.choices),
        }
        for name, (label, some) in choices.items():
            self.fields[name] = forms.ChoiceField(
                label=label, choices=[("", _("All")), *some], required=False, error_messages=CHOICE,
                widget=forms.Select(attrs={"class": "form-select"}),
            )  # fmt: skip
        self.fields["source"] = forms.CharField(label=_("Roll or source"), required=False, max_length=140)

    @property
    def shown(self) -> list[forms.BoundField]:
        return [self[name] for name in ("side", "class", "reason", "source")]

    def narrowed(self, rows: QuerySet[SnapshotRow]) -> QuerySet[SnapshotRow]:
        columns = {"side": "side", "class": "defect_class__code", "reason": "reason", "source": "source"}
        chosen = {columns[name]: self.cleaned_data[name] for name in columns if self.cleaned_data[name]}
        return rows.filter(**chosen)

    def next_page(self, last: int) -> str:
        chosen = {name: str(self.cleaned_data[name]) for name in ("side", "class", "reason", "source")}
        return urlencode({**{name: value for name, value in chosen.items() if value}, "after": last})


@page
def snapshot(request: PersonRequest, snapshot: str) -> HttpResponseBase:
    for_managers(request.user)
    found = get_object_or_404(Snapshot.objects.select_related("created_by", "without", "parent"), name=snapshot)
    names = class_names()
    codes = SnapshotRow.objects.filter(snapshot=found).values_list("defect_class__code", flat=True).distinct()
    form = Filters(request.GET, [(code, names.get(code, code)) for code in sorted(codes)])
    is_valid = form.is_valid()
    rows = _rows(found, form, withheld(request.user)) if is_valid else []
    context = {
        "snapshot": found,
        "table": table_of(found, names),
        "form": form,
        "is_valid": is_valid,
        "address": reverse("snapshot", args=[found.name]),
        "rows": rows[:PAGE],
        "next": form.next_page(rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "is_narrowed": any(request.GET.get(name) for name in ("side", "class", "reason", "source")),
        "is_first": not request.GET.get("after"),
        **_used_by(found),
    }
    return render(request, "inspections/snapshot.html", context, status=200 if is_valid else 400)


def _rows(found: Snapshot, form: Filters, secret: Collection[UUID]) -> list[SnapshotRow]:
    """One page and one more, in the order in which they were frozen: by the captures' ids.

    The list can be narrowed to a class, so being in it tells: what the reader is asked blind stays out. Which rows are
    shown is found first, by their keys alone: SQLite would join all of them before it sorts.
    """
    rows = form.narrowed(SnapshotRow.objects.filter(snapshot=found)).exclude(capture__in=secret)
    if after := form.cleaned_data["after"]:
        rows = rows.filter(pk__gt=after)
    related = ("capture__line", "capture__roll", "label__person", "defect_class")
    shown = list(rows.order_by("pk").values_list("pk", flat=True)[: PAGE + 1])
    return list(SnapshotRow.objects.filter(pk__in=shown).select_related(*related).order_by("pk"))


def _used_by(found: Snapshot) -> dict[str, Any]:
    return {
        "trainings": list(TrainingRun.objects.filter(snapshot=found).defer("log", "history")[:PAGE]),
        "versions": list(ModelVersion.objects.filter(snapshot=found).defer("spec")[:PAGE]),
        "gates": list(
            GateReport.objects.filter(golden=found)
            .select_related("version")
            .only("id", "passed", "version__name")[:PAGE]
        ),
        "later": list(Snapshot.objects.filter(parent=found)),
    }
