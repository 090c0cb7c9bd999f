"""The form of an alarm rule: every kind with its own fields, in people's units. `alarms.objection` judges the sense."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import alarms
from inspections.models import AlarmRule, Channel, DefectClass, Line, RuleKind
from inspections.models.defect_class import GOOD, titles
from inspections.pages.flagged import CHOICE

WEEKS = {"1": gettext_lazy("1 week"), "4": gettext_lazy("4 weeks"), "13": gettext_lazy("13 weeks")}
USUAL_WEEKS = "4"
HINTS = {
    RuleKind.SIGNAL: gettext_lazy("The line's own baseline is the limit; it says nothing until one stands."),
    RuleKind.LIMIT: gettext_lazy("One rate for all days, with a baseline or without."),
    RuleKind.CLASS_SEEN: gettext_lazy("One image is enough: for what must never come, such as metal."),
    RuleKind.SILENT: gettext_lazy("A camera has sent nothing for as long as its settings allow."),
    RuleKind.QUEUE: gettext_lazy("More flagged images wait for an answer than people can look at."),
    RuleKind.STALE: gettext_lazy("No model loads, images wait for their verdict, or the model is old."),
}
# What each kind asks for beside its name, line and ways of telling.
FIELDS: dict[str, tuple[str, ...]] = {
    RuleKind.SIGNAL: ("defect_class", "k", "n"),
    RuleKind.LIMIT: ("defect_class", "percent", "minutes", "at_least", "k", "n"),
    RuleKind.CLASS_SEEN: ("seen", "k", "n"),
    RuleKind.SILENT: (),
    RuleKind.QUEUE: ("waiting",),
    RuleKind.STALE: ("wait_s", "model_days"),
}
OWN = ("seen", "defect_class", "percent", "minutes", "at_least", "waiting", "wait_s", "model_days", "k", "n")
USUAL: dict[str, Any] = {
    "kind": RuleKind.LIMIT, "percent": 5, "minutes": 15, "at_least": 20, "waiting": 200, "wait_s": 300,
    "model_days": 0, "k": 1, "n": 1, "cool_down": 15, "enabled": True, "weeks": USUAL_WEEKS,
}  # fmt: skip


class RuleForm(forms.Form):
    """A rule as it shall be; `rule` is the one that it changes."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    kind = forms.ChoiceField(
        label=gettext_lazy("Raise an alarm when"),
        choices=[(kind.value, kind.label) for kind in RuleKind],
        error_messages=CHOICE,
        widget=forms.RadioSelect,
    )
    percent = forms.FloatField(label=gettext_lazy("Above, in percent"), required=False, min_value=0, max_value=100)
    minutes = forms.IntegerField(label=gettext_lazy("Looked at over, in minutes"), required=False, min_value=0)
    at_least = forms.IntegerField(label=gettext_lazy("Images that make a rate"), required=False, min_value=0)
    waiting = forms.IntegerField(label=gettext_lazy("More images than"), required=False, min_value=0)
    wait_s = forms.IntegerField(label=gettext_lazy("An image may wait, in seconds"), required=False, min_value=0)
    model_days = forms.IntegerField(
        label=gettext_lazy("A model is old after, in days (0: never)"), required=False, min_value=0, max_value=3650
    )
    k = forms.IntegerField(label=gettext_lazy("Looks that must see it"), required=False, min_value=0)
    n = forms.IntegerField(label=gettext_lazy("of the last looks"), required=False, min_value=0)
    cool_down = forms.IntegerField(
        label=gettext_lazy("No second alarm within, in minutes"), min_value=0, max_value=1440
    )
    critical = forms.BooleanField(label=gettext_lazy("Critical: first in lists, with its own sound"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("On: it raises alarms"), required=False)
    weeks = forms.ChoiceField(
        label=gettext_lazy("Try it on the last"), choices=list(WEEKS.items()), required=False, widget=forms.RadioSelect
    )

    def __init__(self, data: QueryDict | None = None, rule: AlarmRule | None = None) -> None:
        self.rule = rule
        first = {"seen": _critical(), **(values_of(rule) if rule else USUAL)}
        super().__init__(data, initial=first, label_suffix="", auto_id="rule-%s")
        self.fields["name"].required = data is None or "try" not in data
        self.fields["name"].widget.attrs["required"] = True  # of whoever saves; the button that tries does not ask
        self.fields["line"] = forms.ModelChoiceField(
            Line.objects.order_by("slug"), label=_("Line"), required=False,
            empty_label=_("Every line"), to_field_name="slug",
            widget=forms.Select(attrs={"class": "form-select"}),
        )  # fmt: skip
        known = list(classes())
        self.fields["defect_class"] = _one_of(_("Class"), [("", _("All defects together")), *known])
        self.fields["seen"] = _one_of(_("Class that must not come"), [("", _("Choose a class")), *known])
        self.fields["channels"] = forms.ModelMultipleChoiceField(
            Channel.objects.order_by("name"), label=_("Told besides the pages by"), required=False,
            widget=forms.CheckboxSelectMultiple,
        )  # fmt: skip

    @property
    def kinds(self) -> list[tuple[Any, str]]:
        """Each kind's button with what it means."""
        return [(button, str(HINTS[RuleKind(button.data["value"])])) for button in self["kind"]]

    @property
    def own(self) -> list[tuple[str, forms.BoundField]]:
        """The fields of kinds, each with the style classes of the kinds that have it."""
        return [(" ".join(f"of-{kind}" for kind, names in FIELDS.items() if one in names), self[one]) for one in OWN]

    @property
    def wish(self) -> alarms.Wish:
        """In the units of the rule; fields that are not the kind's own stay as they usually are."""
        said, kind = self.cleaned_data, RuleKind(self.cleaned_data["kind"])
        own = {name: said[name] for name in FIELDS[kind] if said.get(name) not in (None, "")}
        return alarms.Wish(
            name=said["name"], kind=kind, line=said["line"],
            defect_class=own.get("seen" if kind == RuleKind.CLASS_SEEN else "defect_class", ""),
            limit=_limit(kind, own), minutes=_minutes(kind, own), at_least=own.get("at_least", USUAL["at_least"]),
            k=own.get("k", 1), n=own.get("n", 1), cool_down_s=60 * said["cool_down"], critical=said["critical"],
            enabled=said["enabled"], channels=tuple(said["channels"]), rule=self.rule,
        )  # fmt: skip


def _one_of(label: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, required=False, error_messages=CHOICE, widget=widget)


def _critical() -> str:
    """What a rule about one class is mostly for."""
    first = DefectClass.objects.filter(active=True, critical=True).exclude(code=GOOD)
    return first.values_list("code", flat=True).first() or ""


def _limit(kind: RuleKind, own: dict[str, Any]) -> float | None:
    if kind == RuleKind.LIMIT:
        return None if "percent" not in own else float(own["percent"]) / 100
    return own.get("waiting") if kind == RuleKind.QUEUE else own.get("wait_s")


def _minutes(kind: RuleKind, own: dict[str, Any]) -> int:
    if kind == RuleKind.STALE:
        return 24 * 60 * int(own.get("model_days", 0))
    return int(own.get("minutes", 10))


def values_of(rule: AlarmRule) -> dict[str, Any]:
    """A rule in the form's units."""
    found = {
        **USUAL, "name": rule.name, "kind": rule.kind, "line": rule.line and rule.line.slug, "k": rule.k, "n": rule.n,
        "defect_class": rule.defect_class, "at_least": rule.at_least, "cool_down": rule.cool_down_s // 60,
        "critical": rule.critical, "enabled": rule.enabled, "channels": list(rule.channels.all()),
    }  # fmt: skip
    if rule.kind == RuleKind.CLASS_SEEN:
        return {**found, "seen": rule.defect_class, "defect_class": ""}
    if rule.kind == RuleKind.LIMIT:
        return {**found, "percent": round(100 * (rule.limit or 0), 6), "minutes": rule.minutes}
    if rule.kind == RuleKind.STALE:
        return {**found, "wait_s": round(rule.limit or 0), "model_days": rule.minutes // (24 * 60)}
    return {**found, "waiting": round(rule.limit or 0)} if rule.kind == RuleKind.QUEUE else found


def classes() -> Iterable[tuple[str, str]]:
    return titles(DefectClass.objects.exclude(code=GOOD)).items()
