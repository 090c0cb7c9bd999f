"""How far people agree with known answers and with each other. For managers and admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase
from django.utils import timezone

from inspections.agreement import Agreement, agreement
from inspections.models import Person
from inspections.pages.access import PersonRequest, page
from inspections.pages.dots import Whisker, lying
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import AGREEMENT_PERIODS, Filters, percent, period_of, refused, rounded
from inspections.quality import Reading, against_each_other, against_truth, by_pair, by_person
from inspections.review.blind import withheld

MOST_DISAGREEMENTS = 60


@dataclass(frozen=True)
class AgreementRow:
    """One person against the truth, or two people against each other."""

    names: tuple[str, ...]
    agreement: Agreement
    unsure: int
    whisker: Whisker
    confusion: tuple[tuple[str, tuple[int, ...]], ...]  # a class of the first's, and what the second said
    classes: tuple[str, ...]
    left: str  # where the scale of its picture begins

    @property
    def name(self) -> str:
        return " · ".join(self.names)

    @property
    def raw(self) -> str:
        return percent(self.agreement.raw)

    @property
    def kappa(self) -> str:
        return "–" if self.agreement.kappa is None else rounded(self.agreement.kappa, 2)

    @property
    def between(self) -> str:
        found = self.agreement.between
        return "–" if found is None else f"{rounded(found.low, 2)} – {rounded(found.high, 2)}"


@dataclass(frozen=True)
class Disagreement:
    capture: UUID
    at: datetime
    first: str
    said: str
    person: str
    first_person: str  # empty: it is the truth


@page
def page_of_agreement(request: PersonRequest) -> HttpResponseBase:
    """Managers and admins: people against known answers, and against each other."""
    if not request.user.sees_every_line:
        raise PermissionDenied
    form = Filters(request.GET, AGREEMENT_PERIODS, timezone.localdate())
    if not form.is_valid():
        return refused(request, form, "agreement")
    period = period_of(form.cleaned_data["until"], form.weeks, form.today)
    truths, seconds = against_truth(period.since, period.until), against_each_other(period.since, period.until)
    people, names = _people(), class_names()
    apart = disagreements([*truths, *seconds], people, names, withheld(request.user))
    context = {
        "form": form,
        "period": period,
        "by_person": person_rows(truths, people, names),
        "by_pair": pair_rows(seconds, people, names),
        "apart": apart[:MOST_DISAGREEMENTS],
        "more": max(len(apart) - MOST_DISAGREEMENTS, 0),
    }
    return live(request, "inspections/agreement.html", "inspections/_agreement.html", context)


def _people() -> dict[int, str]:
    return {person.pk: person.get_full_name() or person.get_username() for person in Person.objects.all()}


def person_rows(readings: Sequence[Reading], people: dict[int, str], names: dict[str, str]) -> list[AgreementRow]:
    found = by_person(readings)
    keys = sorted(found, key=lambda key: people[key].lower())
    return _rows([((people[key],), [one.pair for one in found[key]]) for key in keys], names)


def pair_rows(readings: Sequence[Reading], people: dict[int, str], names: dict[str, str]) -> list[AgreementRow]:
    found = by_pair(readings)
    keys = sorted(found, key=lambda pair: (people[pair[0]].lower(), people[pair[1]].lower()))
    return _rows(
        [((people[one], people[other]), [each.ordered(one) for each in found[one, other]]) for one, other in keys],
        names,
    )


Said = tuple[tuple[str, ...], list[tuple[str, str] | None]]  # whose, and the pairs of answers; None: unsure


def _rows(said: Sequence[Said], names: dict[str, str]) -> list[AgreementRow]:
    """All intervals on one scale, which reaches below zero where one of them does."""
    found = [(whose, pairs, agreement(pair for pair in pairs if pair)) for whose, pairs in said]
    lowest = min((one.between.low for _whose, _pairs, one in found if one.between), default=0.0)
    left = -1.0 if lowest < -0.5 else -0.5 if lowest < 0 else 0.0
    return [
        AgreementRow(
            names=whose,
            agreement=one,
            unsure=pairs.count(None),
            whisker=lying(one.kappa, one.between, left),
            confusion=tuple((names.get(code, code), row) for code, row in zip(one.classes, one.confusion, strict=True)),
            classes=tuple(names.get(code, code) for code in one.classes),
            left=rounded(left, 1) if left else "0",
        )
        for whose, pairs, one in found
    ]


def disagreements(
    readings: Sequence[Reading], people: dict[int, str], names: dict[str, str], kept_back: set[UUID]
) -> list[Disagreement]:
    """Newest first; without captures that the reader is being asked about."""
    apart = [one for one in readings if one.said not in (None, one.first) and one.capture not in kept_back]
    return [
        Disagreement(
            capture=one.capture,
            at=one.at,
            first=names.get(one.first, one.first),
            said=names.get(one.said or "", one.said or ""),
            person=people[one.person],
            first_person=people[one.first_person] if one.first_person is not None else "",
        )
        for one in sorted(apart, key=lambda one: one.at, reverse=True)
    ]
