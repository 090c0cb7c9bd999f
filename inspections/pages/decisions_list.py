"""What people decided, one by one, latest first: what each figure of the review statistics counted, as a page and as a
file. Which of them, and when, is all in the address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db.models import TextChoices
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.decisions import Listed, Narrowed, listed
from inspections.models import How, Label, Line, Person
from inspections.pages.access import PersonRequest, for_managers, lines_of, page
from inspections.pages.csv_file import Value, csv_file
from inspections.pages.exports import day_of, note_export, refuse_no_period, refuse_wrong
from inspections.pages.flagged import TIME, TimeField, period_of, select, untimed
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.when import When
from inspections.review.blind import withheld

PAGE = 60


class Which(TextChoices):
    """Good images that were flagged; and answers about flagged images, by whether the model's stood in sight."""

    OVERKILL = "overkill", gettext_lazy("Good images sent")
    SEEN = "seen", gettext_lazy("In sight of the model")
    BLIND = "blind", gettext_lazy("Blind")


class Same(TextChoices):
    YES = "yes", gettext_lazy("The model's class")
    NO = "no", gettext_lazy("Another class")


class Filters(forms.Form):
    """What may stand in the address. Lines come from what this person may see, so that others' do not exist."""

    since = TimeField(required=False, error_messages=TIME, label=gettext_lazy("From"), widget=forms.HiddenInput)
    until = TimeField(required=False, error_messages=TIME, label=gettext_lazy("To"), widget=forms.HiddenInput)
    page = forms.IntegerField(required=False, min_value=1, max_value=10_000, label=gettext_lazy("Page"))

    def __init__(self, data: QueryDict, lines: Sequence[Line], names: dict[str, str]) -> None:
        super().__init__(data, label_suffix="")
        self.lines = lines
        self.fields["line"] = select(_("Line"), [("", _("All lines")), *((line.slug, str(line)) for line in lines)])
        self.fields["which"] = select(_("Decisions"), [("", _("All decisions")), *Which.choices])
        self.fields["model"] = select(_("The model said"), [("", _("Anything")), *names.items()])
        self.fields["same"] = select(_("People said"), [("", _("Anything")), *Same.choices])

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self[name] for name in ("line", "which", "model", "same")]

    @property
    def kept(self) -> list[forms.BoundField]:
        """What stands in the address and has no field to choose it in."""
        return [self[name] for name in ("since", "until") if self.data.get(name)]

    @property
    def is_narrowed(self) -> bool:
        return any(self.data.get(name) for name in ("line", "which", "model", "same", "since", "until"))

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            self.add_error("until", _("This must be later than “From”."))
        return self.cleaned_data

    @property
    def narrowed(self) -> Narrowed:
        which, same = self.cleaned_data["which"], self.cleaned_data["same"]
        return Narrowed(
            overkill=which == Which.OVERKILL,
            blind=which == Which.BLIND if which in (Which.SEEN, Which.BLIND) else None,
            model=self.cleaned_data["model"],
            same=same == Same.YES if same else None,
        )

    def span(self, asked: When) -> tuple[datetime, datetime]:
        """The period and the times in the address narrow each other."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return max(since or asked.span.since, asked.span.since), min(until or asked.span.until, asked.span.until)

    def found(self, asked: When, reader: Person) -> Listed:
        since, until = self.span(asked)
        slug = self.cleaned_data["line"]
        lines = [line.pk for line in self.lines if slug in ("", line.slug)]
        return listed(lines, since, max(since, until), self.narrowed, withheld(reader))


@dataclass(frozen=True)
class Row:
    """One decision as the page shows it. `model`: empty where it had said nothing."""

    label: Label
    model: str
    said: str

    @property
    def is_blind(self) -> bool:
        return self.label.how == How.BLIND

    @property
    def stands(self) -> bool:
        return self.label.capture.label_id == self.label.pk

    @property
    def is_overruled(self) -> bool:
        """Another class stands by now."""
        now = self.label.capture.label
        return now is not None and now.defect_class_id != self.label.defect_class_id

    @property
    def took(self) -> float | None:
        """Seconds; None where the page did not measure it."""
        return None if self.label.took_ms is None else self.label.took_ms / 1000


@page
def decisions(request: PersonRequest) -> HttpResponseBase:
    """A page of the list, for managers and admins: it tells who said what, and how fast; and whoever is asked hidden
    questions would see which of their answers are not in it."""
    for_managers(request.user)
    names, asked = class_names(), period_of(request, timezone.now())
    form = Filters(request.GET, lines_of(request.user), names)
    is_valid = form.is_valid()
    found = form.found(asked, request.user) if is_valid else None
    part = Paginator(found.labels, PAGE).get_page(form.cleaned_data["page"] or 1) if found else None
    context = {
        "form": form,
        "when": _narrowed(asked, form, request.GET) if is_valid else asked,
        "found": found,
        "page": part,
        "rows": rows_of(list(part), names) if part else [],
    }
    return live(
        request,
        "inspections/decisions.html",
        "inspections/_decisions.html",
        context,
        status=asked.status if is_valid else 400,
        moving=asked.is_open and not asked.errors and part is not None and part.number == 1,
    )


def _narrowed(asked: When, form: Filters, said: QueryDict) -> When:
    is_timed = form.cleaned_data["since"] or form.cleaned_data["until"]
    return asked.narrowed(*form.span(asked), untimed(said, "page")) if is_timed else asked


def rows_of(keys: Sequence[UUID], names: dict[str, str]) -> list[Row]:
    """In that order."""
    related = ("capture__line", "capture__roll", "capture__label", "defect_class", "verdict__defect_class", "person")
    labels = Label.objects.select_related(*related).in_bulk(keys)
    return [_row(labels[key], names) for key in keys if key in labels]


def _row(label: Label, names: dict[str, str]) -> Row:
    said, verdict = label.defect_class, label.verdict
    code = verdict.label if verdict else ""
    return Row(label, names.get(code, code), names.get(said.code, said.code) if said else _("Unsure"))


# --- as a file ----------------------------------------------------------------------------------------------------


@page
def as_csv(request: PersonRequest) -> HttpResponseBase:
    """The same decisions. More than the page can read are refused in words, never cut."""
    for_managers(request.user)
    now, names = timezone.now(), class_names()
    asked = refuse_no_period(period_of(request, now))
    form = Filters(request.GET, lines_of(request.user), names)
    refuse_wrong(form)
    found = form.found(asked, request.user)
    if found.cut:
        raise BadRequest(_("There are more decisions in this period than can be counted. Choose a shorter one."))
    head = (
        _("Decided at"), _("Capture"), _("Address"), _("Line"), _("Roll"), _("The model said"), _("Label"),
        _("Labelled by"), _("Blind"), _("Stands"), _("Seconds"),
    )  # fmt: skip
    rows = rows_of(found.labels, names)  # no more than the page reads
    note_export(request, "decisions", now, len(rows))
    return csv_file(f"decisions-{day_of(now)}", head, _told(request, rows))


def _told(request: PersonRequest, rows: Sequence[Row]) -> Iterator[tuple[Value, ...]]:
    for row in rows:
        label, capture = row.label, row.label.capture
        address = request.build_absolute_uri(capture.get_absolute_url())
        yield (
            label.at, capture.pk, address, str(capture.line), capture.roll.code if capture.roll else "", row.model,
            row.said, label.person.get_username(), row.is_blind, row.stands, row.took,
        )  # fmt: skip
