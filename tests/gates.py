"""A mill of three classes with a golden set, and challengers of every kind, registered as they arrive."""

import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils import timezone

from inspections import gate, registry
from inspections.models import (
    Camera,
    Capture,
    DefectClass,
    GateReport,
    How,
    JobState,
    Label,
    ModelVersion,
    Person,
    Purpose,
    Side,
    Snapshot,
    SnapshotRow,
    State,
)
from tests.bundles import CLASSES, CUT, GOOD, HOLE, cloth, small_bundle
from tests.cast import a_camera
from tests.judged import a_capture, a_version
from workers import assessing

CORNERS = {"good": GOOD, "hole": HOLE, "cut": CUT}
ROLLS = 4  # sources a class in the golden set
IMAGES = 3  # of each


def three_classes() -> None:
    """The mill uses what the small bundles know."""
    DefectClass.objects.exclude(code__in=CLASSES).update(active=False)


def golden_images(classes: Sequence[str] = CLASSES) -> list[tuple[str, str, bytes]]:
    """Class, source, bytes."""
    return [
        (code, f"{code}-{roll}", cloth(CORNERS[code], seed=1000 + 100 * place + 10 * roll + image))
        for place, code in enumerate(classes)
        for roll in range(ROLLS)
        for image in range(IMAGES)
    ]


def a_golden_set(by: Person, classes: Sequence[str] = CLASSES, camera: Camera | None = None) -> Snapshot:
    """The next version of it, with captures of its own."""
    found = [
        (code, source, a_capture(camera or a_camera(), data=data)) for code, source, data in golden_images(classes)
    ]
    number = Snapshot.objects.filter(purpose=Purpose.GOLDEN).count() + 1
    return a_snapshot(by, found, Side.GOLDEN, name=f"G{number}", purpose=Purpose.GOLDEN)


def a_snapshot(by: Person, found: Sequence[tuple[str, str, Capture]], side: Side, **fields: Any) -> Snapshot:
    """Of class, source and capture."""
    values = {"purpose": Purpose.TRAIN, "digest": "0" * 64, "classes": list(CLASSES), "counts": {}, "sources": {}}
    snapshot = Snapshot.objects.create(created_at=timezone.now(), created_by=by, **{**values, **fields})
    classes = DefectClass.objects.in_bulk(field_name="code")
    for code, source, capture in found:
        label = Label.objects.create(
            capture=capture, person=by, defect_class=classes[code], at=timezone.now(), how=How.SINGLE
        )
        SnapshotRow.objects.create(
            snapshot=snapshot, capture=capture, label=label, defect_class=classes[code], source=source, side=side
        )
    return snapshot


def in_force(folder: Path, seed: int = 0, **options: Any) -> ModelVersion:
    version = registered(folder, seed, **options)
    registry.put_in_force(version)
    return version


def registered(folder: Path, seed: int, **options: Any) -> ModelVersion:
    """A small bundle in the registry; `parent` and `snapshot` go to its row."""
    kept = {name: options.pop(name) for name in ("parent", "snapshot", "origin") if name in options}
    return registry.add(small_bundle(folder / f"bundle-{seed}", seed, **options), timezone.now(), **kept)


def held(version: ModelVersion, by: Person | None = None, now: datetime | None = None) -> GateReport:
    """Asked for and measured, as the worker does."""
    report = gate.ask(version, by, now or timezone.now())
    assert isinstance(report, GateReport), report
    assessing.work()
    report.refresh_from_db()
    return report


def failed(report: GateReport) -> dict[str, str]:
    """The rules that did not pass, with their words."""
    return {f"{rule['name']} {rule['subject']}".strip(): rule["words"] for rule in report.rules if not rule["passed"]}


def later(minutes: int) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def a_challenger(by: Person, name: str = "2026.11.7", passed: bool = True) -> ModelVersion:
    """A version, in name only, beside the one in force, with a report that stands; there is no golden set."""
    version = a_version(name, is_default=False, state=State.CANDIDATE)
    a_report(version, by, passed)
    return version


def a_report(version: ModelVersion, by: Person | None = None, passed: bool = True) -> GateReport:
    """One that stands, in a mill without a golden set, as if it had been measured."""
    rules = [] if passed else [{"name": "recall", "passed": False, "words": "hole: recall 0.1", "subject": "hole"}]
    report: GateReport = GateReport.objects.create(
        version=version, champion=ModelVersion.objects.filter(is_default=True).first(), asked_by=by,
        asked_at=timezone.now(), state=JobState.DONE, passed=passed, rules=rules,
    )  # fmt: skip
    return report


def zipped_bundle(**options: Any) -> bytes:
    """As somebody would upload it."""
    out = BytesIO()
    with TemporaryDirectory() as scratch, zipfile.ZipFile(out, "w") as archive:
        for path in small_bundle(Path(scratch) / "mill-7", **{"seed": 77, **options}).iterdir():
            archive.write(path, f"mill-7/{path.name}")
    return out.getvalue()
