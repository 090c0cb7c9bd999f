"""The list of captures: what was flagged, what counts as an anomaly, or all that was judged; newest or worst first,
narrowed by line, class and time, all of it in the address."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inspections.models import Line
from inspections.models.defect_class import GOOD, suspect
from inspections.pages import when
from inspections.pages.access import PersonRequest, page
from inspections.pages.list_count import count
from inspections.pages.live import live
from inspections.pages.notices import notices
from inspections.pages.overview import class_names
from inspections.pages.when import When
from inspections.pages.when_asked import ANY
from inspections.pages.worklist import Mark, Order, Place, Show, Wanted
from inspections.pages.worklist import page as page_of
from inspections.review.blind import withheld
from inspections.watching import watched_lines

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NARROWING = ("line", "class", "classes", "since", "until", "camera", "roll", "metres", "place")
# What the list holds: its title, and what that means.
HEADS = {
    Show.FLAGGED: (_("Flagged"), _("Captures that the model flagged, and what people said of them.")),
    Show.ANOMALIES: (
        _("Anomalies"),
        _("What the anomaly rate counts: flagged and not called good, or called a defect by a person."),
    ),
    Show.JUDGED: (_("Judged"), _("Every capture that a model judged, newest first.")),
}
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

    show = forms.ChoiceField(
        label=_("Show"),
        choices=Show.choices,
        required=False,
        error_messages=CHOICE,
        widget=forms.RadioSelect,
    )
    order = forms.ChoiceField(
        label=_("Order"),
        choices=Order.choices,
        required=False,
        error_messages=CHOICE,
        widget=forms.RadioSelect,
    )
    since = TimeField(label=_("From"), required=False, error_messages=TIME)
    until = TimeField(label=_("To"), required=False, error_messages=TIME)
    camera = forms.SlugField(label=_("Camera"), required=False, max_length=50, widget=forms.HiddenInput)
    roll = forms.CharField(label=_("Roll"), required=False, max_length=64, widget=forms.HiddenInput)
    metres = forms.CharField(label=_("Metres"), required=False, max_length=21, widget=forms.HiddenInput)
    place = forms.CharField(label=_("Place"), required=False, max_length=21, widget=forms.HiddenInput)
    classes = forms.CharField(label=_("Classes"), required=False, max_length=3000, widget=forms.HiddenInput)
    after = forms.CharField(label=_("Page"), required=False, max_length=100)

    def __init__(self, data: QueryDict, lines: Sequence[Line], names: dict[str, str]) -> None:
        data = data.copy()
        data.setdefault("order", Order.NEW)
        data.setdefault("show", Show.FLAGGED)
        super().__init__(data, label_suffix="")
        self.lines, self.names = lines, names
        every_line = [("", _("All lines")), *((line.slug, str(line)) for line in lines)]
        # An anomaly is never one that people called good, so that class means what no defect class leads.
        of_show = {**names, GOOD: suspect()} if data.get("show") == Show.ANOMALIES else names
        every_class = [("", _("All classes")), *of_show.items()]
        self.fields["line"] = select(_("Line"), every_line)
        self.fields["class"] = select(_("Class"), every_class)

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self["line"]] if self.is_of_all else [self["line"], self["class"]]

    @property
    def picks(self) -> list[forms.BoundField]:
        return [self["show"]] if self.is_of_all else [self["show"], self["order"]]

    @property
    def times(self) -> list[forms.BoundField]:
        return [self["since"], self["until"]]

    @property
    def is_timed(self) -> bool:
        """What only links ask for: times to the second, within the period."""
        return any(self.cleaned_data.get(name) for name in ("since", "until"))

    def clean_metres(self) -> Place | None:
        text = self.cleaned_data["metres"]
        try:
            return Place.parse(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("These are no metres of a roll. Write them like 300-400.")) from error

    def clean_place(self) -> Place | None:
        text = self.cleaned_data["place"]
        try:
            return Place.parse(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("This is no place across the width. Write it like 300-400.")) from error

    @property
    def hidden(self) -> list[forms.BoundField]:
        """What only links ask for: a camera, a roll and metres of it, a place across the width, several classes. All
        that was judged is kept by no place: whoever asks where nothing lies would read years."""
        metres = ("metres",) if self["roll"].data else ()
        names = ("camera", "roll", *metres, *(() if self.is_of_all else ("place", "classes")))
        return [field for field in map(self.__getitem__, names) if field.data]

    def clean_classes(self) -> frozenset[str]:
        codes = frozenset(code for code in self.cleaned_data["classes"].split(",") if code)
        if strange := sorted(codes - self.names.keys()):
            raise forms.ValidationError(CHOICE["invalid_choice"] % {"value": strange[0]})
        return codes

    @property
    def class_words(self) -> str:
        """The several classes, by name."""
        return ", ".join(self.names[code] for code in sorted(self.cleaned_data.get("classes", ())))

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
    def chosen_show(self) -> Show:
        """What the list holds; the usual where the address says something else."""
        return Show(self.cleaned_data.get("show") or Show.FLAGGED)

    @property
    def is_of_all(self) -> bool:
        """All that was judged has one order, and no class: nothing keeps it by severity or class."""
        return self.chosen_show == Show.JUDGED

    @property
    def chosen_order(self) -> Order:
        return Order.NEW if self.is_of_all else Order(self.cleaned_data["order"] or Order.NEW)

    def wanted(self, asked: When, without: Iterable[UUID] = ()) -> Wanted:
        """What was asked for; the period and `since` and `until` narrow each other."""
        found = self.cleaned_data
        starts = [moment for moment in (found["since"], asked.span.since) if moment]
        ends = [moment for moment in (found["until"], asked.until) if moment]
        return Wanted(
            lines=tuple(line for line in self.lines if found["line"] in ("", line.slug)),
            show=self.chosen_show,
            order=self.chosen_order,
            defect_class="" if self.is_of_all else found["class"],
            classes=frozenset() if self.is_of_all else found["classes"],
            since=None if asked.picker.is_any and not found["since"] else max(starts),
            until=min(ends, default=None),
            camera=found["camera"],
            roll=found["roll"],
            metres=found["metres"],
            place=None if self.is_of_all else found["place"],
            after=found["after"] or None,
            without=frozenset(without),
        )


def select(label: Any, choices: list[tuple[str, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=choices,
        required=False,
        error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


@page
def flagged(request: PersonRequest) -> HttpResponseBase:
    """A page of the list; the first page brings new ones by itself."""
    now = timezone.now()
    lines = list(watched_lines(request.user))
    form, asked = Filters(request.GET, lines, class_names()), period_of(request, now)
    is_valid = form.is_valid()
    wanted = form.wanted(asked, withheld(request.user)) if is_valid else None
    title, words = HEADS[form.chosen_show]
    context = {
        "form": form,
        "when": asked.narrowed(wanted.since, wanted.until, untimed(request.GET, "after"))
        if wanted and form.is_timed
        else asked,
        "title": title,
        "words": words,
        "lines": lines,
        "notices": notices(request.user, lines, now),
        "page": page_of(wanted) if wanted else None,
        "count": count(wanted) if wanted else None,
        "is_first": not request.GET.get("after"),
        "is_narrowed": not asked.picker.is_any or any(request.GET.get(name) for name in NARROWING),
    }
    return live(
        request,
        "inspections/flagged.html",
        "inspections/_flagged.html",
        context,
        status=asked.status if is_valid else 400,
        moving=is_valid and not asked.errors and not request.GET.get("after"),
    )


def untimed(said: QueryDict, mark: str) -> str:
    """The address that lets go of the times to the second, and of the page in them, which `mark` names."""
    kept = said.copy()
    for name in ("since", "until", mark):
        kept.pop(name, None)
    return kept.urlencode()


def period_of(request: PersonRequest, now: datetime) -> When:
    """Any time where the address says nothing. Times to the second stand beside it."""
    return when.chosen(request, now, ANY, compares=False, drops=("since", "until"))
