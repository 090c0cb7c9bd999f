"""Recalls: stored captures judged by another version, after everything else; what was said stays."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from inspections import registry
from inspections.models import (
    Camera,
    Comparison,
    JobState,
    ModelVersion,
    Recall,
    Roll,
    SecondLook,
    Status,
    Verdict,
)
from inspections.second_looks import recalling, shadowing
from inspections.second_looks.recalling import Wanted, ask, cancel, preview
from inspections.snapshots import Refused
from tests import cast
from tests.bundles import GOOD, HOLE, cloth, small_bundle
from tests.cast import a_camera
from tests.judged import many_judged
from tests.mill import install, posted
from tests.mill import judged as judged_by_it
from tests.second_looks import a_challenger
from workers import inspectors, looking_again
from workers.sweeping import sweep

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    shadowing.forget()
    inspectors.forget()
    yield
    inspectors.forget()


@pytest.fixture
def newer(tmp_path: Path) -> ModelVersion:
    """A version beside the one in force that calls a hole a cut."""
    install(tmp_path)
    bundle = small_bundle(tmp_path / "newer", 1, classes=("good", "cut", "hole"))
    return registry.add(bundle, timezone.now())


def of_roll(version: ModelVersion, *codes: str) -> Wanted:
    return Wanted(version, rolls=codes)


def asked(wanted: Wanted) -> Recall:
    found = ask(wanted, None, timezone.now())
    assert isinstance(found, Recall), found
    return found


def test_a_recall_says_what_would_change_and_changes_nothing(posting: Client, newer: ModelVersion) -> None:
    hole, good = (judged_by_it(posting, cloth(grey), roll="R-1") for grey in (HOLE, GOOD))
    before = list(Verdict.objects.filter(effective=True).values())
    recall = asked(of_roll(newer, "R-1"))
    looking_again.work()
    recall.refresh_from_db()
    assert (recall.state, recall.done, recall.total) == (JobState.DONE, 2, 2)
    assert list(Verdict.objects.filter(effective=True).values()) == before
    rows = {row.capture_id: row for row in Comparison.objects.filter(recall=recall)}
    assert rows[good.pk].agrees
    assert rows[hole.pk].after is not None
    assert (rows[hole.pk].after.code, rows[hole.pk].agrees) == ("cut", False)
    hole.refresh_from_db()
    assert hole.defect_class is not None
    assert hole.defect_class.code == "hole"


def test_it_waits_for_fresh_captures(posting: Client, newer: ModelVersion) -> None:
    judged_by_it(posting, cloth(HOLE), roll="R-1")
    recall = asked(of_roll(newer, "R-1"))
    posted(posting, cloth(GOOD))
    looking_again.work()
    recall.refresh_from_db()
    assert (recall.state, recall.done) == (JobState.WAITING, 0)


def test_the_preview_counts_what_it_would_judge(posting: Client, newer: ModelVersion, camera: Camera) -> None:
    now = timezone.now()
    for number in range(3):
        judged_by_it(posting, cloth(GOOD, number), roll=f"R-{number % 2}")
    judged_by_it(cast.with_key(a_camera("loom-2")), cloth(GOOD, 9), roll="R-0")
    posted(posting, cloth(GOOD, 5), roll="R-0")
    day = {"since": now - timedelta(days=1), "until": now + timedelta(days=1)}
    later = timezone.now()
    assert preview(of_roll(newer, "R-0"), later) == 3
    assert preview(of_roll(newer, "R-0", "R-1"), later) == 4
    assert preview(Wanted(newer, rolls=("R-0",), line=camera.line), later) == 2
    assert preview(Wanted(newer, **day), later) == 4
    assert isinstance(preview(Wanted(newer, since=day["until"], until=day["until"] + timedelta(1)), later), Refused)


def test_what_the_version_in_force_said_itself_is_not_asked_of_it(posting: Client, newer: ModelVersion) -> None:
    judged_by_it(posting, cloth(GOOD), roll="R-1")
    in_force = ModelVersion.objects.get(is_default=True)
    found = preview(of_roll(in_force, "R-1"), timezone.now())
    assert isinstance(found, Refused)
    assert "judged by this version" in found.reason


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "Choose rolls, or days"),
        ({"rolls": ("R-1",), "since": timezone.now()}, "not both"),
        ({"since": timezone.now(), "until": timezone.now() - timedelta(days=2)}, "first day"),
        ({"rolls": ("R-1", "R-9", "R-8")}, "R-9, R-8"),
        ({"rolls": tuple(f"R-{number}" for number in range(101))}, "more than 100 rolls"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(db: None, choice: Any, words: str) -> None:
    Roll.objects.create(code="R-1")
    found = preview(Wanted(a_challenger(), **choice), timezone.now())
    assert isinstance(found, Refused)
    assert words in found.reason


def test_too_many_captures_are_refused(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalling, "MOST", 3)
    roll = Roll.objects.create(code="R-1")
    for capture in many_judged(camera, 4, timezone.now()):
        capture.roll = roll
        capture.save()
    found = preview(of_roll(a_challenger(), "R-1"), timezone.now())
    assert isinstance(found, Refused)
    assert "more than 3 captures" in found.reason


def test_it_goes_on_where_a_killed_worker_stopped(
    posting: Client, newer: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        judged_by_it(posting, cloth(GOOD, number), roll="R-1")
    monkeypatch.setattr(recalling, "CHUNK", 2)
    recall = asked(of_roll(newer, "R-1"))
    for _step in range(3):
        looking_again.look_once(most=1)
    recall.refresh_from_db()
    assert (recall.state, recall.done) == (JobState.RUNNING, 2)
    inspectors.forget()
    looking_again.work()
    recall.refresh_from_db()
    assert (recall.state, recall.done) == (JobState.DONE, 5)
    assert Comparison.objects.filter(recall=recall).count() == 5


def test_the_sweep_rings_for_a_recall_that_nobody_works_on(
    posting: Client, newer: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("inspections.bell.ring_now", lambda task="": rung.append(task))
    judged_by_it(posting, cloth(GOOD), roll="R-1")
    asked(of_roll(newer, "R-1"))
    sweep(timezone.now())
    looking_again.look_once()  # on the list, and its worker is gone
    sweep(timezone.now())
    assert rung == ["workers.look_again"] * 2


def test_cancelling_ends_it_and_keeps_what_was_judged(posting: Client, newer: ModelVersion) -> None:
    for number in range(3):
        judged_by_it(posting, cloth(GOOD, number), roll="R-1")
    recall = asked(of_roll(newer, "R-1"))
    looking_again.look_once()
    looking_again.look_once(most=1)
    assert isinstance(cancel(recall, None, timezone.now()), Recall)
    looking_again.work()
    recall.refresh_from_db()
    assert (recall.state, recall.done, Comparison.objects.count()) == (JobState.CANCELLED, 1, 1)
    assert not SecondLook.objects.exists()
    assert isinstance(cancel(recall, None, timezone.now()), Refused)


def test_a_version_that_does_not_load_fails_it_in_words(posting: Client, newer: ModelVersion) -> None:
    judged_by_it(posting, cloth(GOOD), roll="R-1")
    recall = asked(of_roll(newer, "R-1"))
    (newer.folder / "spec.json").write_text("{}")
    looking_again.work()
    recall.refresh_from_db()
    assert recall.state == JobState.FAILED
    assert recall.reason
    assert not SecondLook.objects.exists()


def test_a_file_that_is_gone_is_counted(posting: Client, newer: ModelVersion) -> None:
    default_storage.delete(judged_by_it(posting, cloth(GOOD), roll="R-1").path)
    judged_by_it(posting, cloth(GOOD, 2), roll="R-1")
    recall = asked(of_roll(newer, "R-1"))
    looking_again.work()
    recall.refresh_from_db()
    assert (recall.state, recall.done, recall.dropped) == (JobState.DONE, 1, 1)


def test_a_shadow_s_verdict_is_used_again(posting: Client, newer: ModelVersion) -> None:
    shadowing.start_shadow(newer, 1.0, None, timezone.now())
    judged_by_it(posting, cloth(HOLE), roll="R-1")
    looking_again.work()
    said = Verdict.objects.get(version=newer)
    recall = asked(of_roll(newer, "R-1"))
    looking_again.work()
    assert Comparison.objects.get(recall=recall).verdict == said
    assert Comparison.objects.filter(recall=None).count() == 1


def test_captures_that_wait_are_no_part_of_it(posting: Client, newer: ModelVersion) -> None:
    judged_by_it(posting, cloth(GOOD), roll="R-1")
    pending = posted(posting, cloth(GOOD, 2), roll="R-1")
    assert pending.status == Status.PENDING
    assert preview(of_roll(newer, "R-1"), timezone.now()) == 1
