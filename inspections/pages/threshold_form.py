"""What the threshold page may be asked, and what a change must say."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from inspections.thresholds import MOST_REASON

USUAL_COST = 20.0
NUMBER = {"invalid": _("This is no number. Write it like 0.05.")}


def _number(label: Any, least: float, most: float, step: str, **more: Any) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"step": step, "inputmode": "decimal"})
    return forms.FloatField(
        label=label, min_value=least, max_value=most, widget=widget, error_messages=NUMBER, required=False, **more
    )


class WhatIf(forms.Form):
    """What may stand in the address. `own`: the model's own threshold shall hold again; `step=set`: to be confirmed."""

    threshold = _number(_("Threshold"), 0, 1, "any")
    cost = _number(_("One escape costs as much as so many good images looked at"), 0.01, 100_000, "any")
    budget = _number(_("Flags an hour, at most"), 0, 1_000_000, "any")
    own = forms.BooleanField(required=False)
    step = forms.ChoiceField(choices=[("", ""), ("set", "")], required=False)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__({"cost": f"{USUAL_COST:g}", **{name: data[name] for name in data}}, label_suffix="")

    def clean_cost(self) -> float:
        said: float | None = self.cleaned_data["cost"]
        return USUAL_COST if said is None else said


class Change(forms.Form):
    """A change as it was confirmed. An empty `threshold`: the model's own."""

    threshold = _number(_("Threshold"), 0, 1, "any")
    expected = forms.CharField(required=False, max_length=30, strip=True)
    reason = forms.CharField(
        label=_("Why"),
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why: the reason is kept with the change.")},
    )
