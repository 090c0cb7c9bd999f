"""Snapshots while others label and freeze, on real connections; and as large as a mill's."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connections, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from inspections import snapshots
from inspections.models import (
    Camera,
    Capture,
    DefectClass,
    How,
    Label,
    Person,
    Roll,
    Snapshot,
    SnapshotRow,
    SourceSide,
    Status,
)
from inspections.review.effective import settle
from inspections.review.rows import locked
from tests import cast
from tests.cast import a_camera
from tests.labelled import a_mill_of_labels, labelled

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Do it again and again in a thread of its own; what it raises is raised here."""
    stop, raised = threading.Event(), []

    def run() -> None:
        try:
            while not stop.wait(0.05):  # SQLite gives a writer that never rests more than its turn
                work()
        except Exception as error:  # noqa: BLE001  told to the test
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not raised, raised


@pytest.fixture
def mara(transactional_db: None) -> Person:
    return cast.mara()


def relabel_all(person: Person, captures: list[Capture], code: str) -> None:
    """One commit, as labelling in bulk is."""
    found = DefectClass.objects.get(code=code)
    with transaction.atomic():
        rows = locked(capture.pk for capture in captures)
        Label.objects.bulk_create(
            Label(capture=row, person=person, at=timezone.now(), how=How.BULK, defect_class=found) for row in rows
        )
        settle(rows)


def test_labels_that_change_meanwhile_are_wholly_in_or_wholly_out(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=8)
    some = [labelled(mara, "hole", f"R{number}") for number in range(8)]
    turns = iter(["cut", "hole"] * 1000)
    seen: set[str | None] = set()
    with meanwhile(lambda: relabel_all(mara, some, next(turns))):
        until = time.monotonic() + 20
        while len(seen) < 2 and time.monotonic() < until:
            found = snapshots.freeze(mara, timezone.now())
            assert isinstance(found, Snapshot), found
            rows = found.rows.filter(capture__in=[capture.pk for capture in some])
            codes = set(rows.values_list("label__defect_class__code", flat=True))
            assert len(codes) == 1, codes
            seen |= codes
    assert seen == {"hole", "cut"}


def test_two_who_freeze_at_once_give_each_source_one_side_and_each_snapshot_a_name(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=12)

    def freeze() -> None:
        snapshots.freeze(None, timezone.now())

    with meanwhile(freeze), meanwhile(freeze):
        for number in range(6):
            labelled(mara, "cut", f"N{number}")
            snapshots.freeze(mara, timezone.now())
            snapshots.make_golden(mara, timezone.now())
    stands = set(SnapshotRow.objects.exclude(side="out").values_list("source", "side"))
    assert len({source for source, _side in stands}) == len(stands)
    assert stands <= set(SourceSide.objects.values_list("source", "side"))


def a_row(number: int, roll: Roll, camera: Camera) -> Capture:
    at = timezone.now()
    return Capture(
        line=camera.line, camera=camera, roll=roll, captured_at=at, received_at=at, counted_at=at, bytes=1, width=64,
        height=64, suffix="png", sha256=sha256(str(number).encode()).digest(), status=Status.JUDGED,
    )  # fmt: skip


@pytest.mark.soak
def test_fifty_thousand_labelled_captures_are_frozen_in_seconds(mara: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr(FileSystemStorage, "exists", lambda self, name: True)
    camera = a_camera()
    rolls = Roll.objects.bulk_create(Roll(code=f"R{number}") for number in range(500))
    classes = list(DefectClass.objects.all())
    captures = Capture.objects.bulk_create(
        (a_row(number, rolls[number % 500], camera) for number in range(50_000)), 500
    )
    Label.objects.bulk_create(
        (
            Label(capture=one, person=mara, at=one.counted_at, how=How.SINGLE, defect_class=classes[number % 6])
            for number, one in enumerate(captures)
        ),
        500,
    )
    Capture.objects.update(label=Subquery(Label.objects.filter(capture=OuterRef("pk")).values("pk")[:1]))
    start = time.perf_counter()
    found = snapshots.freeze(mara, timezone.now())
    took = time.perf_counter() - start
    assert isinstance(found, Snapshot), found
    assert found.rows.count() == 50_000
    start = time.perf_counter()
    assert snapshots.new_labels_since(found) == 0
    print(f"froze 50 000 labels in {took:.1f} s, counted what is new in {time.perf_counter() - start:.2f} s")
    assert took < 15
