"""Probably wrong labels and confused classes, as they stand now: what was settled meanwhile is not shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Count, F
from django.utils.translation import gettext as _

from inspections.models import Capture, Label, Person
from inspections.pages.history import name_of

MOST = 24  # probably wrong labels shown


@dataclass(frozen=True)
class SuspectLabel:
    """One label that the model, when it has not learnt from its roll, takes for another class."""

    capture: Capture
    given: str
    opinion: str
    opinion_code: str
    given_code: str
    percent: float
    who: str
    how: str
    expected: UUID
    token: UUID


@dataclass(frozen=True)
class ConfusedPair:
    first: str
    second: str
    count: int
    percent: float
    as_first: Sequence[Capture]
    as_second: Sequence[Capture]
    suggestion: str


def captures_for(body: Mapping[str, Any], person: Person, secret: Iterable[UUID]) -> dict[str, Capture]:
    """All the captures that the figures name, of this person's lines, less those that they are asked blind."""
    keys = {one["capture"] for one in body["suspects"]} | {key for one in body["pairs"] for key in one["captures"]}
    rows = Capture.objects.seen_by(person).filter(pk__in=keys).exclude(pk__in=set(secret)).distinct()
    rows = rows.select_related("defect_class", "line", "roll", "label__person", "label__defect_class")
    return {str(row.pk): row for row in rows}


def suspects(
    body: Mapping[str, Any], captures: Mapping[str, Capture], names: Mapping[str, str], active: Iterable[str]
) -> list[SuspectLabel]:
    """The surest first; without labels that were changed meanwhile, or that two answers agree on."""
    there = [one for one in body["suspects"] if one["capture"] in captures and one["opinion"] in set(active)]
    there = [one for one in there if str(captures[one["capture"]].label_id) == one["label"]]
    sure = _confirmed([captures[one["capture"]] for one in there])
    return [_suspect(one, captures[one["capture"]], names) for one in there if one["capture"] not in sure][:MOST]


def _confirmed(captures: Iterable[Capture]) -> set[str]:
    """Captures about which at least two answers stand that name the effective class."""
    rows = Label.objects.standing().filter(capture__in=captures, defect_class=F("capture__defect_class"))
    counted = rows.values("capture").annotate(count=Count("pk")).filter(count__gt=1).order_by()
    return {str(row["capture"]) for row in counted}


def _suspect(one: Mapping[str, Any], capture: Capture, names: Mapping[str, str]) -> SuspectLabel:
    assert capture.label is not None
    return SuspectLabel(
        capture=capture,
        given=names.get(one["given"], one["given"]),
        opinion=names.get(one["opinion"], one["opinion"]),
        opinion_code=one["opinion"],
        given_code=one["given"],
        percent=100 * one["chance"],
        who=name_of(capture.label.person),
        how=capture.label.get_how_display(),
        expected=capture.label.pk,
        token=uuid4(),
    )


def pairs(body: Mapping[str, Any], captures: Mapping[str, Capture], names: Mapping[str, str]) -> list[ConfusedPair]:
    return [_pair(one, captures, names) for one in body["pairs"]]


def _pair(one: Mapping[str, Any], captures: Mapping[str, Capture], names: Mapping[str, str]) -> ConfusedPair:
    there = [captures[key] for key in one["captures"] if key in captures]
    first, second = names.get(one["first"], one["first"]), names.get(one["second"], one["second"])
    suggestion = _(
        "Collect more of both, above all from rolls that are not there yet. Where people cannot tell them apart "
        "either, write down in the classes how to, or merge them."
    )
    return ConfusedPair(
        first=first,
        second=second,
        count=one["count"],
        percent=100 * one["share"],
        as_first=_of(there, one["first"]),
        as_second=_of(there, one["second"]),
        suggestion=suggestion,
    )


def _of(captures: Iterable[Capture], code: str) -> list[Capture]:
    """Those that are labelled so now."""
    return [row for row in captures if row.label_id and row.defect_class and row.defect_class.code == code]
