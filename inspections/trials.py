"""Trained without somebody's labels: what the golden set says of it, beside the model that had them."""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Exists, OuterRef

from inspections.lineage import snapshot_of
from inspections.models import GateReport, JobState, ModelVersion, Purpose, Quarantine, Snapshot
from inspections.snapshots.bars import Bar


@dataclass(frozen=True)
class Figures:
    """What the golden set said of one version. Shares, None where they were not measured."""

    version: ModelVersion
    macro_f1: float | None
    low: float | None  # 95 %, by source
    high: float | None
    overkill: float | None

    @classmethod
    def of(cls, version: ModelVersion, measured: dict[str, Any]) -> Self:
        ends = measured.get("interval", {}).get("macro_f1") or [None, None]
        return cls(version, measured.get("macro_f1"), ends[0], ends[1], measured.get("overkill"))


@dataclass(frozen=True)
class Trial:
    """A version whose snapshot left a quarantine's labels out to see what that does. `without`: its figures, None
    where the gate has not measured it; `beside`: of the version in force then, and of the one trained with them."""

    quarantine: Quarantine
    golden: Snapshot | None
    without: Figures | None
    beside: tuple[Figures, ...]


def trial_of(version: ModelVersion) -> Trial | None:
    """None for a version that was not trained without somebody's labels."""
    snapshot = snapshot_of(version)
    if snapshot is None or snapshot.without is None:
        return None
    report = _measured().filter(version=version).first()
    if report is None:
        return Trial(snapshot.without, None, None, ())
    measured = report.measured or {}
    beside = []
    if report.champion and measured.get("champion"):
        beside.append(Figures.of(report.champion, measured["champion"]))
    beside += [
        one for one in [_with_them(report, snapshot, snapshot.without)] if one and one.version != report.champion
    ]
    own = measured.get("challenger")
    return Trial(snapshot.without, report.golden, Figures.of(version, own) if own else None, tuple(beside))


def _with_them(report: GateReport, snapshot: Snapshot, quarantine: Quarantine) -> Figures | None:
    """The newest version that was trained with these labels and held against the same golden set.

    Of its list's rows one at least is such a label: while the quarantine stands, no list holds them.
    """
    theirs = Bar.of(quarantine).learned().filter(snapshot=OuterRef("version__snapshot"))
    twins = _measured().filter(
        golden=report.golden_id, version__snapshot__purpose=Purpose.TRAIN, version__snapshot__without=None
    )
    twins = twins.filter(Exists(theirs), version__snapshot__classes=snapshot.classes)
    twin = twins.exclude(version=report.version_id).first()
    found = (twin.measured or {}).get("challenger") if twin else None
    return Figures.of(twin.version, found) if twin and found else None


def _measured() -> Any:
    """Reports that are done, newest first."""
    rows = GateReport.objects.filter(state=JobState.DONE).select_related("version", "champion", "golden")
    return rows.defer("answers", "version__spec", "champion__spec").order_by("-id")
