"""The registry: bundles come in once, under codes of the mill's, and the version in force is one pointer."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from inspections import registry
from inspections.models import AuditEvent, DefectClass, Line, ModelVersion, Origin, State, VerdictEvidence
from ml.bundle import BundleError
from tests import cast, gates, mill
from tests.bundles import HOLE, cloth, small_bundle
from tests.cast import a_line
from workers import inspectors

pytestmark = pytest.mark.django_db
OTHER_NAMES = ("ok", "gap", "slash")
MAP = {"ok": "good", "gap": "hole", "slash": "cut"}


@pytest.fixture(autouse=True)
def no_engine_of_another_test() -> None:
    inspectors.forget()


@pytest.fixture
def mapped(tmp_path: Path) -> ModelVersion:
    version = registry.add(small_bundle(tmp_path / "a", classes=OTHER_NAMES), timezone.now(), class_map=MAP)
    registry.put_in_force(version)
    return version


def test_what_a_killed_upload_left_is_removed_once_it_is_old(tmp_path: Path, settings: Any) -> None:
    version = registry.add(small_bundle(tmp_path / "a"), timezone.now())
    left = [settings.BUNDLES / name for name in ("upload-x1", f"{version.digest}.ab12.part")]
    for folder in left:
        folder.mkdir()
        (folder / "weights.safetensors").write_bytes(b"half")
    registry.remove_left_behind(timezone.now())
    assert all(folder.exists() for folder in left)
    registry.remove_left_behind(timezone.now() + timedelta(hours=7))
    assert not any(folder.exists() for folder in left)
    assert registry.bundle_is_there(version)


def test_a_version_knows_where_it_comes_from(tmp_path: Path, db: None) -> None:
    ada, now = cast.ada(), timezone.now()
    parent = registry.add(small_bundle(tmp_path / "a"), now)
    snapshot = gates.a_golden_set(ada, classes=())
    version = registry.add(
        small_bundle(tmp_path / "b", 1), now, origin=Origin.TRAINED, by=ada, parent=parent, snapshot=snapshot
    )
    assert (version.origin, version.installed_by, version.parent, version.snapshot) == (
        "trained",
        ada,
        parent,
        snapshot,
    )
    assert (version.state, version.is_default) == (State.CANDIDATE, False)
    assert AuditEvent.objects.get(action="new-model").subject == f"model {version}"


def test_only_what_a_bundle_has_is_kept(tmp_path: Path, db: None) -> None:
    folder = small_bundle(tmp_path / "a")
    (folder / "secrets.txt").write_text("not ours")
    (folder / "CARD.md").symlink_to("/etc/hostname")
    version = registry.add(folder, timezone.now())
    kept = {path.name for path in version.folder.iterdir()}
    assert kept == {"spec.json", "graph.onnx", "weights.safetensors"}
    assert [path.name for path in version.folder.parent.iterdir()] == [version.digest]


def test_a_mapped_version_speaks_the_mills_codes_everywhere(mapped: ModelVersion, posting: Client) -> None:
    capture = mill.judged(posting, cloth(HOLE))
    assert capture.defect_class == DefectClass.objects.get(code="hole")
    body = posting.get(f"/api/v1/captures/{capture.pk}/").json()
    assert body["verdict"]["label"] == "hole"
    assert set(body["verdict"]["probabilities"]) == {"good", "hole", "cut"}
    assert body["verdict"]["probabilities"]["hole"] > 0.99
    assert len(bytes(VerdictEvidence.objects.get().probabilities)) == 12  # type: ignore[arg-type]


def test_expected_shares_of_a_line_name_the_mills_codes(mapped: ModelVersion, posting: Client) -> None:
    Line.objects.update(shares={"good": 0.98, "hole": 0.01, "cut": 0.01})
    assert mill.judged(posting, cloth(HOLE)).defect_class == DefectClass.objects.get(code="hole")


def test_the_same_bundle_under_another_map_is_refused(tmp_path: Path, mapped: ModelVersion) -> None:
    with pytest.raises(BundleError, match=f"as {mapped}, with its classes mapped otherwise"):
        registry.add(tmp_path / "a", timezone.now(), class_map={**MAP, "slash": "thread"})
    assert registry.add(tmp_path / "a", timezone.now()) == mapped


def test_a_line_of_its_own_and_the_mill_each_have_one(tmp_path: Path, db: None) -> None:
    first, second, third = (gates.registered(tmp_path, seed) for seed in range(3))
    line = a_line()
    registry.put_in_force(first)
    registry.put_in_force(second, line)
    assert (registry.in_force(), registry.in_force(line)) == (first, second)
    assert set(registry.all_in_force()) == {first, second}
    registry.put_in_force(third)
    assert registry.in_force(line) == second
    states = dict(ModelVersion.objects.values_list("name", "state"))
    assert states == {first.name: "retired", second.name: "active", third.name: "active"}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_bundle_added_by_many_at_once_is_one_version(tmp_path: Path) -> None:
    folder = small_bundle(tmp_path / "a")
    found: list[Any] = []

    def add() -> None:
        try:
            found.append(registry.add(folder, timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    assert set(found) == {ModelVersion.objects.get()}
    assert registry.bundle_is_there(found[0])
