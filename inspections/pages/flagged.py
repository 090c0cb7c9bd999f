"""Flagged captures: newest or worst first, narrowed by line, class and time, all of it in the address."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inspections.models import Line
from inspections.pages.access import PersonRequest, page
from inspections.pages.live import live
from inspections.pages.notices import notices
from inspections.pages.overview import class_names
from inspections.pages.worklist import Mark, Order, Place, Wanted
from inspections.pages.worklist import page as page_of
from inspections.review.blind import withheld
from inspections.watching import watched_lines

PERIODS = {
    "1h": (timedelta(hours=1), _("Last hour")),
    "8h": (timedelta(hours=8), _("8 hours")),
    "24h": (timedelta(hours=24), _("24 hours")),
    "7d": (timedelta(days=7), _("7 days")),
}
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NARROWING = ("line", "class", "period", "since", "until", "camera", "roll", "place")
CHOICE = {"invalid_choice": _("There is no “%(value)s” here to choose.")}
TIME = {"invalid": _("This is no time. Write it like 2026-11-22T14:00.")}


class TimeField(forms.DateTimeField):
    """A time of the browser's picker or of a shared address. Shown back as the picker wants it, however it came."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})

    def to_python(self, value: Any) -> datetime | None:
        moment = super().to_python(value)
        if moment and not EARLIEST <= moment <= LATEST:
            raise forms.ValidationError(_("The year must lie between 2000 and 2100."))
        return moment

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return self.to_python(data)
        except forms.ValidationError:
            return data


class Filters(forms.Form):
    """What may stand in the address. Choices come from what this person may see, so that others' lines do not exist."""

    order = forms.ChoiceField(
        label=_("Order"),
        choices=Order.choices,
        required=False,
        error_messages=CHOICE,
        widget=forms.RadioSelect,
    )
    period = forms.ChoiceField(
        label=_("Period"),
        choices=[("", _("Any time")), *((key, name) for key, (_length, name) in PERIODS.items())],
        required=False,
        error_messages=CHOICE,
        widget=forms.RadioSelect,
    )
    since = TimeField(label=_("From"), required=False, error_messages=TIME)
    until = TimeField(label=_("To"), required=False, error_messages=TIME)
    camera = forms.SlugField(label=_("Camera"), required=False, max_length=50, widget=forms.HiddenInput)
    roll = forms.CharField(label=_("Roll"), required=False, max_length=64, widget=forms.HiddenInput)
    place = forms.CharField(label=_("Place"), required=False, max_length=20, widget=forms.HiddenInput)
    after = forms.CharField(label=_("Page"), required=False, max_length=100)

    def __init__(self, data: QueryDict, lines: Sequence[Line], names: dict[str, str]) -> None:
        data = data.copy()
        data.setdefault("order", Order.NEW)
        super().__init__(data, label_suffix="")
        self.lines = lines
        every_line = [("", _("All lines")), *((line.slug, str(line)) for line in lines)]
        every_class = [("", _("All classes")), *names.items()]
        self.fields["line"] = _select(_("Line"), every_line)
        self.fields["class"] = _select(_("Class"), every_class)

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self["line"], self["class"]]

    @property
    def picks(self) -> list[forms.BoundField]:
        return [self["order"], self["period"]]

    @property
    def times(self) -> list[forms.BoundField]:
        return [self["since"], self["until"]]

    @property
    def has_times(self) -> bool:
        return any(field.data for field in self.times)

    def clean_place(self) -> Place | None:
        text = self.cleaned_data["place"]
        try:
            return Place.parse(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("This is no place across the width. Write it like 300-400.")) from error

    @property
    def hidden(self) -> list[forms.BoundField]:
        """What only links ask for: a camera, a roll, a place across the width."""
        return [field for field in (self["camera"], self["roll"], self["place"]) if field.data]

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            self.add_error("until", _("This must be later than “From”."))
        if self.cleaned_data.get("after") and "order" in self.cleaned_data:
            self._read_mark()
        return self.cleaned_data

    def _read_mark(self) -> None:
        try:
            self.cleaned_data["after"] = Mark.parse(self.cleaned_data["after"], self.chosen_order)
        except ValueError:
            self.add_error("after", _("This address is damaged. Start again at the first page."))

    @property
    def chosen_order(self) -> Order:
        return Order(self.cleaned_data["order"] or Order.NEW)

    def wanted(self, now: datetime, without: Iterable[UUID] = ()) -> Wanted:
        """What was asked for; `period` and `since` both narrow, so the later of the two holds."""
        found = self.cleaned_data
        length = PERIODS[found["period"]][0] if found["period"] else None
        starts = [moment for moment in (found["since"], now - length if length else None) if moment]
        return Wanted(
            lines=tuple(line for line in self.lines if found["line"] in ("", line.slug)),
            order=self.chosen_order,
            defect_class=found["class"],
            since=max(starts, default=None),
            until=found["until"],
            camera=found["camera"],
            roll=found["roll"],
            place=found["place"],
            after=found["after"] or None,
            without=frozenset(without),
        )


def _select(label: Any, choices: list[tuple[str, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=choices,
        required=False,
        error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


@page
def flagged(request: PersonRequest) -> HttpResponseBase:
    """A page of flagged captures; the first page brings new ones by itself."""
    now = timezone.now()
    lines = list(watched_lines(request.user))
    form = Filters(request.GET, lines, class_names())
    is_valid = form.is_valid()
    context = {
        "form": form,
        "lines": lines,
        "notices": notices(request.user, lines, now),
        "page": page_of(form.wanted(now, withheld(request.user))) if is_valid else None,
        "is_first": not request.GET.get("after"),
        "is_narrowed": any(request.GET.get(name) for name in NARROWING),
    }
    return live(
        request,
        "inspections/flagged.html",
        "inspections/_flagged.html",
        context,
        status=200 if is_valid else 400,
        moving=is_valid and not request.GET.get("after"),
    )
