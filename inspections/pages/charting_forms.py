"""What a manager may ask of a chart: how it is drawn, and a baseline out of a period."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.charting import Wish
from inspections.charting.choosing import DECISIONS, METRES, MINUTES, RULES, WEIGHTS
from inspections.models import Baseline, Chart, ChartKind, RuleSet, SubgroupBy
from inspections.pages.periods import rounded

SELECT = {"class": "form-select"}
KIND_WORDS = {
    ChartKind.P: gettext_lazy("p: the rate, where images are judged one by one"),
    ChartKind.LANEY: gettext_lazy("Laney p′: the rate, where it spreads more than chance"),
    ChartKind.U: gettext_lazy("u: anomalies by area, as of a Poisson count"),
    ChartKind.EWMA: gettext_lazy("EWMA: sees a small shift that lasts"),
    ChartKind.CUSUM: gettext_lazy("CUSUM: sees a small shift that lasts, soonest"),
}
RULE_WORDS = {
    1: gettext_lazy("1: a point beyond the limits"),
    2: gettext_lazy("2: 9 in a row on one side (Western Electric: 8)"),
    3: gettext_lazy("3: 6 in a row, each above or each below the one before"),
    4: gettext_lazy("4: 14 in a row, up and down in turn"),
}
WALL = "%Y-%m-%dT%H:%M"


def subgroup_words(by: str, size: int) -> str:
    if by == SubgroupBy.LENGTH:
        return _("%(size)d m of cloth") % {"size": size}
    return _("%(size)d minutes") % {"size": size}


def subgroup_choices() -> list[tuple[str, str]]:
    every = [*((SubgroupBy.TIME, size) for size in MINUTES), *((SubgroupBy.LENGTH, size) for size in METRES)]
    return [(f"{by}-{size}", subgroup_words(by, size)) for by, size in every]


def _figure(label: Any, offered: Sequence[float], usual: float) -> forms.TypedChoiceField:
    """One of a few figures; the usual one where none is said."""
    return forms.TypedChoiceField(
        label=label,
        choices=[(f"{one:g}", rounded(one, 2)) for one in offered],
        coerce=float,
        empty_value=f"{usual:g}",
        required=False,
        widget=forms.Select(attrs=SELECT),
    )


class Settings(forms.Form):
    """How a line or a class on it is charted. Rule 1 is always on."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Chart"), choices=list(KIND_WORDS.items()), widget=forms.Select(attrs=SELECT)
    )
    subgroup = forms.ChoiceField(
        label=gettext_lazy("A point is"), choices=subgroup_choices, widget=forms.Select(attrs=SELECT)
    )
    rule_set = forms.ChoiceField(
        label=gettext_lazy("Set of rules"), choices=RuleSet.choices, widget=forms.Select(attrs=SELECT)
    )
    rules = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Rules that signal"),
        choices=[(number, RULE_WORDS[number]) for number in RULES],
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    weight = _figure(gettext_lazy("What an EWMA’s newest point weighs (λ)"), WEIGHTS, WEIGHTS[0])
    decision = _figure(gettext_lazy("Where a CUSUM signals (h, in standard deviations)"), DECISIONS, DECISIONS[-1])

    @classmethod
    def of(cls, chart: Chart) -> "Settings":
        """Filled in as the chart is."""
        return cls(initial={**plain(chart), "rules": chart.rules or [1]}, label_suffix="", auto_id="chart-%s")

    @property
    def wish(self) -> Wish:
        said = self.cleaned_data
        by, _dash, size = said["subgroup"].partition("-")
        weight, decision = float(said["weight"]), float(said["decision"])
        return Wish(said["kind"], by, int(size), said["rule_set"], said["rules"], weight, decision)


def plain(chart: Chart) -> dict[str, str]:
    """What a form sends for this chart, but for its rules."""
    return {
        "kind": chart.kind,
        "subgroup": f"{chart.subgroup_by}-{chart.size}",
        "rule_set": chart.rule_set,
        "weight": f"{chart.weight:g}",
        "decision": f"{chart.decision:g}",
    }


def _time(label: Any) -> forms.DateTimeField:
    wrong = {"invalid": gettext_lazy("This is no time. Write it like 2026-11-22T06:00.")}
    widget = forms.DateTimeInput(format=WALL, attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, input_formats=[WALL], widget=widget, error_messages=wrong)


class Period(forms.Form):
    """A period that somebody chose, in the mill's own time. Whether it can be one, charting says."""

    since = _time(gettext_lazy("From"))
    until = _time(gettext_lazy("To"))

    @classmethod
    def of(cls, since: datetime, until: datetime) -> "Period":
        there = {"since": timezone.localtime(since), "until": timezone.localtime(until)}
        return cls(initial=there, label_suffix="", auto_id="period-%s")

    @classmethod
    def chosen(cls, since: datetime, until: datetime) -> "Period":
        """As if somebody had written it."""
        said = {"since": f"{timezone.localtime(since):{WALL}}", "until": f"{timezone.localtime(until):{WALL}}"}
        return cls(said, label_suffix="", auto_id="period-%s")


def _moment() -> forms.DateTimeField:
    return forms.DateTimeField(widget=forms.HiddenInput)


class Confirmation(forms.Form):
    """A baseline as somebody saw it. `seen`: of which chart; another one by now is not what they confirmed."""

    since = _moment()
    until = _moment()
    seen = forms.CharField(max_length=60, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Why this is normal"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": gettext_lazy("Say why: the reason is kept with the baseline.")},
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data, label_suffix="", auto_id="confirm-%s")

    @classmethod
    def empty(cls) -> "Confirmation":
        form = cls({})
        form.is_bound = False
        return form


def seen(chart: Chart | Baseline) -> str:
    return f"{chart.kind} {chart.subgroup_by} {chart.size}"
