"""Where a verdict comes from: version, training, snapshot, labels, people; and what became of a capture's labels."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from inspections.models import (
    Capture,
    Comparison,
    How,
    ModelVersion,
    Person,
    Side,
    Snapshot,
    SnapshotRow,
    TrainingRun,
    Verdict,
)

MOST_ANCESTORS = 12  # a line of versions, each trained from the one before, is followed so far
LEARNS = (Side.TRAIN, Side.VAL)


@dataclass(frozen=True)
class Teacher:
    """One person's labels in a snapshot, of those that trained or validated."""

    person: Person
    labels: int
    bulk: int
    imported: int


@dataclass(frozen=True)
class Learned:
    """What a version learned from. `teachers`: most labels first."""

    snapshot: Snapshot
    teachers: tuple[Teacher, ...]

    @property
    def labels(self) -> int:
        return sum(one.labels for one in self.teachers)

    @property
    def bulk(self) -> int:
        return sum(one.bulk for one in self.teachers)


@dataclass(frozen=True)
class Descent:
    """One version and how it came to be. `row`: the capture's place in its snapshot, where there is one."""

    version: ModelVersion
    training: TrainingRun | None
    learned: Learned | None
    row: SnapshotRow | None

    @property
    def was_trained_on_it(self) -> bool:
        return self.row is not None and self.row.side == Side.TRAIN


def learned_from(version: ModelVersion) -> Learned | None:
    """The snapshot behind a version, with its labels by person; None where none is known (it came from elsewhere)."""
    snapshot = snapshot_of(version)
    return None if snapshot is None else Learned(snapshot, tuple(_teachers([snapshot]).get(snapshot.pk, ())))


def descent(version: ModelVersion) -> list[ModelVersion]:
    """The version and those whose weights it was trained from, newest first."""
    return _line(version.pk, _registry())


def _registry() -> dict[int, ModelVersion]:
    return {one.pk: one for one in ModelVersion.objects.select_related("snapshot__without").defer("spec")}


def _line(key: int | None, rows: Mapping[int, ModelVersion]) -> list[ModelVersion]:
    found: list[ModelVersion] = []
    while key is not None and key in rows and len(found) < MOST_ANCESTORS and rows[key] not in found:
        found.append(rows[key])
        key = rows[key].parent_id
    return found


def descents(versions: Iterable[ModelVersion], places: Mapping[int, SnapshotRow]) -> list[list[Descent]]:
    """For each version its descent, with what is known of each step. `places`: by snapshot, this capture's row."""
    registry = _registry()
    lines = [_line(version.pk, registry) for version in versions]
    every = {one.pk: one for line in lines for one in line}
    trainings = {run.version_id: run for run in _trainings(every)}
    snapshots = {key: snapshot_of(one, trainings.get(key)) for key, one in every.items()}
    teachers = _teachers([one for one in snapshots.values() if one is not None])

    def step(version: ModelVersion) -> Descent:
        snapshot = snapshots[version.pk]
        learned = None if snapshot is None else Learned(snapshot, tuple(teachers.get(snapshot.pk, ())))
        row = None if snapshot is None else places.get(snapshot.pk)
        return Descent(version, trainings.get(version.pk), learned, row)

    return [[step(one) for one in line] for line in lines]


def places_of(capture: Capture) -> dict[int, SnapshotRow]:
    """By snapshot, the capture's place in it, oldest first."""
    rows = SnapshotRow.objects.filter(capture=capture).order_by("snapshot_id")
    return {row.snapshot_id: row for row in rows.select_related("snapshot", "defect_class", "label__person")}


def standings(capture: Capture, verdicts: Sequence[Verdict]) -> dict[UUID, list[int | None]]:
    """By verdict that stands beside, what asked for it: a recall's number, or None for the shadow."""
    found: dict[UUID, list[int | None]] = defaultdict(list)
    known = {verdict.pk for verdict in verdicts}
    for verdict, recall in Comparison.objects.filter(capture=capture).values_list("verdict_id", "recall_id"):
        if verdict in known:
            found[verdict].append(recall)
    return dict(found)


def snapshot_of(version: ModelVersion, training: TrainingRun | None = None) -> Snapshot | None:
    """The snapshot that a version was trained from, where it was trained here."""
    if version.snapshot_id is not None:
        return version.snapshot
    training = training or TrainingRun.objects.filter(version=version).select_related("snapshot").first()
    return training.snapshot if training else None


def _trainings(versions: Iterable[int]) -> list[TrainingRun]:
    rows = TrainingRun.objects.filter(version__in=list(versions)).select_related("asked_by", "snapshot")
    return list(rows.defer("log", "history"))


def _teachers(snapshots: Sequence[Snapshot]) -> dict[int, list[Teacher]]:
    """By snapshot; two queries, however many."""
    if not snapshots:
        return {}
    rows = SnapshotRow.objects.filter(snapshot__in={one.pk for one in snapshots}, side__in=LEARNS)
    counted = rows.values_list("snapshot_id", "label__person_id", "label__how").annotate(count=Count("pk")).order_by()
    by_snapshot: dict[int, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for snapshot, person, how, count in counted:
        by_snapshot[snapshot][person][how] = count
    people = Person.objects.in_bulk({person for some in by_snapshot.values() for person in some})
    found = {
        key: [_teacher(people[person], hows) for person, hows in some.items()] for key, some in by_snapshot.items()
    }
    return {key: sorted(some, key=lambda one: (-one.labels, one.person.pk)) for key, some in found.items()}


def _teacher(person: Person, hows: Mapping[str, int]) -> Teacher:
    return Teacher(person, sum(hows.values()), hows.get(How.BULK, 0), hows.get(How.IMPORT, 0))
