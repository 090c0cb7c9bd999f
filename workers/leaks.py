"""Whether golden images had a part in what trained a version, itself or the versions whose weights it began with."""

from collections.abc import Iterator
from dataclasses import dataclass

from inspections.models import Capture, ModelVersion, Side, Snapshot, SnapshotRow

LEARNT = (Side.TRAIN, Side.VAL)  # what validates sets the threshold and the temperature, so it leaks too
MOST_GENERATIONS = 100


@dataclass(frozen=True)
class TrainedOn:
    """Golden captures (or captures of the very same file) and sources in the snapshots that trained a version."""

    captures: int
    sources: int
    names: list[str]  # of the first sources
    snapshots: list[str]


def trained_on(version: ModelVersion, golden: Snapshot) -> TrainedOn:
    snapshots = list(dict.fromkeys(_snapshots(version)))
    learnt = SnapshotRow.objects.filter(snapshot__in=snapshots, side__in=LEARNT)
    held = SnapshotRow.objects.filter(snapshot=golden, side=Side.GOLDEN)
    same_file = Capture.objects.filter(snapshot_rows__in=held).values("sha256")
    captures = learnt.filter(capture__sha256__in=same_file).values("capture").distinct().count()
    sources = learnt.filter(source__in=held.values("source")).values_list("source", flat=True).distinct()
    names = sorted(sources)
    return TrainedOn(captures, len(names), names[:6], [one.name for one in snapshots])


def untold(version: ModelVersion) -> list[ModelVersion]:
    """Those whose weights it began with and that came as a bundle: only what they keep tells what trained them."""
    return [one for one in _line_of(version) if one != version and one.snapshot is None]


def _snapshots(version: ModelVersion) -> Iterator[Snapshot]:
    """Its own and its ancestors'."""
    return (one.snapshot for one in _line_of(version) if one.snapshot)


def _line_of(version: ModelVersion) -> Iterator[ModelVersion]:
    """It, its parent, and so on."""
    one: ModelVersion | None = version
    for _generation in range(MOST_GENERATIONS):
        if one is None:
            return
        yield one
        one = one.parent
