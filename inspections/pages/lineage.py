"""The lineage of one capture: each verdict back to model, snapshot, labels and people; and where its labels went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.lineage import Descent, descents, places_of, standings
from inspections.models import Capture, Label, Person, SnapshotRow, Verdict
from inspections.pages.access import PersonRequest, capture_of, page
from inspections.pages.capture import verdicts_of
from inspections.pages.history import answer_words, labels_of, name_of
from inspections.pages.overview import class_names
from inspections.review.blind import is_withheld


@dataclass(frozen=True)
class Said:
    """One verdict. `standing`: in force, or by what it stands beside."""

    verdict: Verdict
    name: str
    standing: str
    recalls: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """One label, and the snapshots that it went into."""

    label: Label
    person: str
    words: str
    places: tuple[SnapshotRow, ...]
    quarantine: Mapping[str, str]  # what a quarantine of it would name


@page
def lineage(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """All of it, for who may see the capture; nothing for who is asked about it and has not answered."""
    found = capture_of(request.user, key, "line", "camera", "defect_class", "label__person")
    if is_withheld(request.user, found):
        return render(request, "inspections/lineage.html", {"capture": found, "is_withheld": True})
    names, verdicts, places = class_names(), verdicts_of(found), places_of(found)
    context: dict[str, Any] = {
        "capture": found,
        "said": _said(found, verdicts, names),
        "descents": _descents(verdicts, places),
        "places": list(places.values()),
        "answers": _answers(request.user, found, list(places.values()), names),
    }
    return render(request, "inspections/lineage.html", context)


def _said(found: Capture, verdicts: Sequence[Verdict], names: dict[str, str]) -> list[Said]:
    beside = standings(found, verdicts)
    return [
        Said(one, names.get(one.label, one.label), _standing(one, beside.get(one.pk, [])), _recalls(beside, one))
        for one in sorted(verdicts, key=lambda one: not one.effective)
    ]


def _standing(verdict: Verdict, beside: Sequence[int | None]) -> str:
    if verdict.effective:
        return _("in force")
    return _("in shadow") if None in beside else _("stands beside")


def _recalls(beside: Mapping[UUID, Sequence[int | None]], verdict: Verdict) -> tuple[int, ...]:
    return tuple(number for number in beside.get(verdict.pk, ()) if number is not None)


def _descents(verdicts: Sequence[Verdict], places: Mapping[int, SnapshotRow]) -> list[list[Descent]]:
    """One line of descent a version, the one in force first."""
    ordered = sorted(verdicts, key=lambda one: not one.effective)
    return descents([one.version for one in ordered], places)


def _answers(reader: Person, found: Capture, places: Sequence[SnapshotRow], names: dict[str, str]) -> list[Answer]:
    """What people said of it, as this reader may know it: answers that measure a person are told as on its page."""
    told = [one for one in labels_of(found) if not one.beside or one.person_id == reader.pk or reader.sees_every_line]
    return [_answer(one, places, found, names) for one in told if not one.undoes_id]


def _answer(label: Label, places: Sequence[SnapshotRow], found: Capture, names: dict[str, str]) -> Answer:
    mine = tuple(row for row in places if row.label_id == label.pk)
    day = f"{timezone.localdate(label.at):%Y-%m-%d}"
    named = {"person": label.person.get_username(), "camera": str(found.camera_id), "day": day}
    return Answer(label, name_of(label.person), answer_words(label.answer, names), mine, named)
