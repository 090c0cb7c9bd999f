"""Freezing: from what is labelled now to a snapshot that trains, or one more version of the golden set.

What is read is one state (see candidates). The transaction after it is alone with the sides and the names, and short:
it deals sides to sources that have none and writes the rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from inspections.models import AuditEvent, DefectClass, Person, Purpose, Quarantine, Side, Snapshot, SnapshotRow
from inspections.snapshots import objections, sides
from inspections.snapshots.bars import Bar, standing
from inspections.snapshots.candidates import Candidate, read
from inspections.snapshots.outcome import Refused
from inspections.snapshots.placing import Placed, agreed, barred, for_golden, for_training, sources_of
from inspections.snapshots.storing import described, keep


@dataclass(frozen=True)
class Pool:
    """What is labelled, with what stands in the way; the classes by id."""

    candidates: list[Candidate]
    classes: Mapping[int, DefectClass]
    bars: list[Bar]

    @property
    def codes(self) -> dict[int, str]:
        return {key: one.code for key, one in self.classes.items()}


def pool(without: Quarantine | None = None) -> Pool:
    """What could be frozen now. `without`: a quarantine that is not imposed, or not yet."""
    classes = DefectClass.objects.in_bulk()
    bars = standing()
    active = {key for key, one in classes.items() if one.active}
    tried = [Bar.of(without)] if without else []
    return Pool(agreed(barred(read(), active, [*bars, *tried])), classes, bars)


def _pool_of_now(found: Pool, without: Quarantine | None = None) -> Pool:
    """The same; read anew where a quarantine was imposed or lifted since."""
    return found if found.bars == standing() else pool(without)


def sides_for(found: Pool) -> dict[str, Side]:
    """Every source's side: those given, and those that the new ones would be given now."""
    given = sides.given()
    return given | sides.deal(sources_of(found.candidates), given)


def freeze(
    by: Person | None,
    now: datetime,
    classes: Sequence[str] | None = None,
    without: Quarantine | None = None,
    note: str = "",
) -> Snapshot | Refused:
    """Freeze what may train, of these classes or of all that are in use. `by` None: the policy asks.

    Where nothing changed since the newest one, that one is the answer.
    """
    if objection := objections.to_classes(classes):
        return Refused(objection)
    found = pool(without)
    chosen = {key for key, code in found.codes.items() if classes is None or code in classes}
    with transaction.atomic():
        sides.alone()
        found, golden = _pool_of_now(found, without), golden_files()
        placed = _dealt(found, now, lambda known: for_training(found.candidates, known, chosen, golden))
        snapshot = described(Purpose.TRAIN, placed, found.codes)
        snapshot.without = without
        if objection := objections.to_training(snapshot, classes):
            transaction.set_rollback(True)
            return Refused(objection)
        if same := _same_as_newest(snapshot):
            return same
        keep(snapshot, placed, by, now, note)
        AuditEvent.note(by, "snapshot", f"snapshot {snapshot.name}", now, **_told(snapshot))
    return snapshot


def make_golden(by: Person | None, now: datetime, note: str = "") -> Snapshot | Refused:
    """Freeze the next version of the golden set: all that is labelled on its sources."""
    found = pool()
    with transaction.atomic():
        sides.alone()
        found = _pool_of_now(found)
        placed = _dealt(found, now, lambda known: for_golden(found.candidates, known, learnt_files()))
        snapshot = described(Purpose.GOLDEN, placed, found.codes)
        snapshot.parent = newest_golden()
        if objection := objections.to_golden(snapshot):
            transaction.set_rollback(True)
            return Refused(objection)
        keep(snapshot, placed, by, now, note)
        AuditEvent.note(by, "golden-set", f"snapshot {snapshot.name}", now, **_told(snapshot))
    return snapshot


def newest_golden() -> Snapshot | None:
    return Snapshot.objects.filter(purpose=Purpose.GOLDEN).order_by("-id").first()


def golden_files() -> set[bytes]:
    """By their hashes, the files in the newest golden set."""
    rows = SnapshotRow.objects.filter(snapshot=newest_golden(), side=Side.GOLDEN)
    return {bytes(one) for one in rows.values_list("capture__sha256", flat=True)}


def learnt_files() -> set[bytes]:
    """By their hashes, the files that trained or validated in some snapshot."""
    rows = SnapshotRow.objects.filter(snapshot__purpose=Purpose.TRAIN, side__in=(Side.TRAIN, Side.VAL))
    return {bytes(one) for one in rows.order_by().values_list("capture__sha256", flat=True).distinct()}


def _dealt(found: Pool, now: datetime, place: Callable[[Mapping[str, Side]], list[Placed]]) -> list[Placed]:
    """Give the new sources their sides, then place the rows."""
    given = sides.given()
    dealt = sides.deal(sources_of(found.candidates), given)
    sides.give(dealt, now)
    return place(given | dealt)


def _same_as_newest(snapshot: Snapshot) -> Snapshot | None:
    newest = Snapshot.objects.filter(purpose=Purpose.TRAIN).order_by("-id").first()
    if newest is None or newest.without_id != (snapshot.without.pk if snapshot.without else None):
        return None
    same = (newest.digest, newest.classes, newest.left_out) == (snapshot.digest, snapshot.classes, snapshot.left_out)
    return newest if same else None


def _told(snapshot: Snapshot) -> dict[str, Any]:
    """For the audit log."""
    return {"digest": snapshot.digest, "counts": snapshot.counts, "left_out": snapshot.left_out}
