"""What may be said of a shift. What is wrong with it beyond that `shift_keeping` says."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from inspections.shift_keeping import EVERY_DAY
from inspections.spans import Hours

TIME = {"invalid": _("This is no time of day. Write it like 06:00.")}
DAYS = [(number, WEEKDAYS_ABBR[number - 1]) for number in EVERY_DAY]


def _clock(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": 300})
    return forms.TimeField(label=label, widget=widget, error_messages=TIME)


class ShiftForm(forms.Form):
    """One shift; `hours` fill it where it is there already."""

    name = forms.CharField(label=_("Name"), max_length=60)
    starts = _clock(_("Begins"))
    ends = _clock(_("Ends"))
    days = forms.TypedMultipleChoiceField(
        label=_("Begins on"),
        choices=DAYS,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose the days on which it begins.")},
    )
    zone = forms.CharField(
        label=_("Time zone"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "zones", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, zone: str, hours: Hours | None = None, data: QueryDict | None = None) -> None:
        initial: dict[str, Any] = {"zone": zone, "days": EVERY_DAY}
        if hours:
            names = ("name", "starts", "ends", "days", "zone")
            initial = {name: getattr(hours, name) for name in names}
        prefix = f"shift-{hours.number}" if hours else "shift-new"
        super().__init__(data, initial=initial, label_suffix="", auto_id=f"{prefix}-%s")

    @property
    def hours(self) -> Hours:
        said = self.cleaned_data
        starts, ends = (said[name].replace(tzinfo=None) for name in ("starts", "ends"))
        return Hours(0, said["name"], starts, ends, tuple(sorted(set(said["days"]))), said["zone"])

    @property
    def clocks(self) -> list[forms.BoundField]:
        return [self["starts"], self["ends"]]


def days_words(days: tuple[int, ...]) -> str:
    """`every day`, `Mon – Fri`, `Mon, Wed`."""
    if days == EVERY_DAY:
        return str(_("every day"))
    names = [str(WEEKDAYS_ABBR[day - 1]) for day in days]
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return f"{names[0]} – {names[-1]}"
    if len(days) == 1:
        return str(WEEKDAYS[days[0] - 1])
    return ", ".join(names)


def length_words(hours: Hours) -> str:
    """How long it is where no clock changes."""
    whole, rest = divmod(hours.minutes, 60)
    if not rest:
        return str(_("%(hours)d h")) % {"hours": whole}
    return str(_("%(hours)d h %(minutes)d min")) % {"hours": whole, "minutes": rest}
