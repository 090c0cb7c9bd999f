"""Quarantine: whose labels train nothing, seen before it is done, with who and why, and lifted again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from inspections import quarantines, snapshots
from inspections.models import AuditEvent, LeftOut, Person, Quarantine, SnapshotRow
from inspections.quarantines import Wanted
from inspections.snapshots import Refused
from inspections.snapshots.bars import Bar
from tests import cast
from tests.cast import a_camera, signed_in
from tests.labelled import a_mill_of_labels, an_answer, labelled

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> Person:
    return cast.mara()


@pytest.fixture
def by_mara(mara: Person) -> Client:
    return signed_in(mara)


def imposed(by: Person, **wanted: Any) -> Quarantine:
    found = quarantines.impose(by, Wanted(**wanted), "to see", timezone.now())
    assert isinstance(found, Quarantine), found
    return found


def out_of(snapshot: Any, reason: str = LeftOut.QUARANTINED) -> set[Any]:
    return set(SnapshotRow.objects.filter(snapshot=snapshot, reason=reason).values_list("capture", flat=True))


# --- what it keeps back ---------------------------------------------------------------------------------------------


def test_it_keeps_back_one_persons_labels_and_lifting_gives_them_back(mara: Person) -> None:
    a_mill_of_labels(mara)
    hers = labelled(cast.olga(), "hole", "R0")
    stands = imposed(mara, person=hers.labels.get().person)
    assert out_of(snapshots.freeze(mara, timezone.now())) == {hers.pk}
    assert quarantines.lift(mara, stands, timezone.now())
    assert not quarantines.lift(mara, stands, timezone.now())
    assert out_of(snapshots.freeze(mara, timezone.now())) == set()
    actions = list(AuditEvent.objects.filter(subject=f"quarantine {stands.pk}").values_list("action", flat=True))
    assert sorted(actions) == ["lift-quarantine", "quarantine"]


def test_it_keeps_back_the_labels_on_one_cameras_captures(mara: Person) -> None:
    a_mill_of_labels(mara)
    right = labelled(mara, "hole", "R0", camera=a_camera(slug="right"))
    imposed(mara, camera=right.camera)
    assert out_of(snapshots.freeze(mara, timezone.now())) == {right.pk}


def test_where_person_and_camera_meet_both_must_hold(mara: Person) -> None:
    a_mill_of_labels(mara)
    olga = cast.olga()
    both = labelled(olga, "hole", "R0", camera=a_camera(slug="right"))
    labelled(olga, "hole", "R1")
    imposed(mara, person=olga, camera=both.camera)
    assert out_of(snapshots.freeze(mara, timezone.now())) == {both.pk}


def test_days_are_the_mills_and_both_are_included(mara: Person, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    with timezone.override("Asia/Kolkata"):
        bar = Bar.about(None, None, date(2026, 11, 20), date(2026, 11, 21))
    first, last = datetime(2026, 11, 19, 18, 30, tzinfo=UTC), datetime(2026, 11, 21, 18, 29, tzinfo=UTC)
    minute = timedelta(minutes=1)
    held = [bar.holds(1, 1, at) for at in (first - minute, first, last, last + minute)]
    assert held == [False, True, True, False]


def test_it_is_the_effective_label_that_counts(mara: Person) -> None:
    said = a_mill_of_labels(mara)
    olga = cast.olga()
    an_answer(olga, said[0], "cut")
    an_answer(mara, said[0], "good")
    stands = imposed(mara, person=olga)
    assert quarantines.touched(Bar.of(stands)) == []
    assert out_of(snapshots.freeze(mara, timezone.now())) == set()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "Choose a person"),
        ({"last_day": date(2026, 1, 1)}, "on which day it begins"),
        ({"first_day": date(2126, 1, 1)}, "between the year 2000 and today"),
        ({"first_day": date(2026, 1, 2), "last_day": date(2026, 1, 1)}, "cannot be before"),
    ],
)
def test_what_names_nothing_or_no_days_is_refused(mara: Person, wanted: dict[str, Any], words: str) -> None:
    found = quarantines.impose(mara, Wanted(**wanted), "why", timezone.now())
    assert isinstance(found, Refused)
    assert words in found.reason
    with pytest.raises(IntegrityError), transaction.atomic():
        Quarantine.objects.create(reason="nothing", by=mara, at=timezone.now())


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_it_would_keep_back_before_it_is_done(mara: Person, by_mara: Client) -> None:
    olga = cast.olga()
    labelled(olga, "hole", "R0")
    labelled(olga, "cut", "R0")
    labelled(mara, "cut", "R1")
    response = by_mara.get("/quarantine/?person=olga")
    assert dict(response.context["preview"]) == {"Hole": 1, "Cut": 1}
    assert "It keeps back 2 labels" in response.content.decode()
    assert not Quarantine.objects.exists()


def test_it_is_imposed_with_a_reason_and_lifted_on_the_page(mara: Person, by_mara: Client) -> None:
    cast.olga()
    refused = by_mara.post("/quarantine/", {"person": "olga", "reason": " "})
    assert refused.status_code == 400
    assert "Say why" in refused.content.decode()
    assert by_mara.post("/quarantine/", {"person": "olga", "reason": "her first day"}).status_code == 302
    found = Quarantine.objects.get()
    text = by_mara.get("/quarantine/").content.decode()
    assert "Labels of olga" in text
    assert "her first day" in text
    assert f'href="/training/?without={found.pk}"' in text
    assert by_mara.post(f"/quarantine/{found.pk}/lift/").status_code == 302
    assert Quarantine.objects.get().lifted_by == mara
    assert "had lifted it before" in by_mara.post(f"/quarantine/{found.pk}/lift/", follow=True).content.decode()


@pytest.mark.parametrize("query", ["person=nobody", "camera=99", "first_day=nonsense"])
def test_an_address_that_names_nobody_is_told(by_mara: Client, query: str) -> None:
    assert by_mara.get(f"/quarantine/?{query}").status_code == 400


def test_a_quarantine_that_is_not_there_cannot_be_lifted(by_mara: Client) -> None:
    assert by_mara.post("/quarantine/99/lift/").status_code == 404
