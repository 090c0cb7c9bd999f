"""`manage.py install_model`: a bundle is loaded, asked its probe, kept and put in force; anything else is refused."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inspections import changes
from inspections.models import DefectClass, ModelVersion, State
from tests.bundles import small_bundle

pytestmark = pytest.mark.django_db


def install(folder: Path, *words: str) -> str:
    out = StringIO()
    call_command("install_model", str(folder), *words, stdout=out)
    return out.getvalue().strip()


def test_a_bundle_is_copied_named_by_month_and_put_in_force(tmp_path: Path) -> None:
    name = install(small_bundle(tmp_path / "a"))
    version = ModelVersion.objects.get()
    year, month, number = name.split(".")
    assert (version.name, version.is_default, version.state, number) == (name, True, State.ACTIVE, "1")
    assert (version.folder / "graph.onnx").exists()


def test_the_next_one_takes_over_and_the_one_before_is_retired(tmp_path: Path) -> None:
    install(small_bundle(tmp_path / "a", 0))
    install(small_bundle(tmp_path / "b", 1))
    assert list(ModelVersion.objects.values_list("state", "is_default")) == [("active", True), ("retired", False)]


def test_the_same_bundle_twice_is_one_version(tmp_path: Path) -> None:
    assert install(small_bundle(tmp_path / "a")) == install(tmp_path / "a")
    assert ModelVersion.objects.count() == 1


def test_a_rejected_version_is_not_put_in_force_by_installing_its_bundle_again(tmp_path: Path) -> None:
    first, second = install(small_bundle(tmp_path / "a", 0)), install(small_bundle(tmp_path / "b", 1))
    ModelVersion.objects.filter(name=first).update(state=State.REJECTED, rejected_for="it misses holes")
    with pytest.raises(CommandError, match="it misses holes"):
        install(tmp_path / "a")
    assert ModelVersion.objects.get(is_default=True).name == second
    assert ModelVersion.objects.get(name=first).state == State.REJECTED


def test_if_none_leaves_the_version_in_force_alone(tmp_path: Path) -> None:
    first = install(small_bundle(tmp_path / "a", 0))
    assert install(small_bundle(tmp_path / "b", 1), "--if-none") == first


def test_a_bundle_that_was_lost_is_restored_by_installing_it_again(tmp_path: Path) -> None:
    install(small_bundle(tmp_path / "a"))
    version = ModelVersion.objects.get()
    (version.folder / "graph.onnx").unlink()
    install(tmp_path / "a", "--if-none")
    assert (version.folder / "graph.onnx").exists()


def test_a_class_that_the_mill_lacks_is_made_out_of_use(tmp_path: Path) -> None:
    install(small_bundle(tmp_path / "a", classes=("good", "hole", "broken_yarn")))
    made = DefectClass.objects.get(code="broken_yarn")
    assert (made.name, made.active) == ("Broken yarn", False)
    assert DefectClass.objects.get(code="hole").active


def test_a_class_of_another_name_is_mapped_to_the_mills(tmp_path: Path) -> None:
    install(small_bundle(tmp_path / "a", classes=("ok", "gap", "cut")), "--map", "ok=good", "--map", "gap=hole")
    assert ModelVersion.objects.get().classes == ["good", "hole", "cut"]
    assert not DefectClass.objects.filter(code__in=["ok", "gap"]).exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--map", "ok"), "is not OLD=NEW"),
        (("--map", "weave=good"), "knows no class 'weave'"),
        (("--map", "hole=cut"), "one and the same code"),
        (("--map", "hole=unsure"), "can be no class's code"),
        (("--map", "hole=a hole"), "can be no class's code"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path: Path, words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        install(small_bundle(tmp_path / "a"), *words)
    assert not ModelVersion.objects.exists()


def test_installing_is_a_change_that_can_be_rolled_back(tmp_path: Path) -> None:
    first = install(small_bundle(tmp_path / "a", 0))
    install(small_bundle(tmp_path / "b", 1))
    assert str(changes.earlier()) == first


@pytest.mark.parametrize("damage", ["truncated", "other weights", "newer format", "no spec", "other answers"])
def test_a_damaged_bundle_is_refused_and_nothing_is_kept(tmp_path: Path, damage: str) -> None:
    folder = small_bundle(tmp_path / "a")
    spec = json.loads((folder / "spec.json").read_text())
    if damage == "truncated":
        (folder / "graph.onnx").write_bytes((folder / "graph.onnx").read_bytes()[:-9])
    elif damage == "other weights":
        (folder / "weights.safetensors").write_bytes(b"x" * 100)
    elif damage == "newer format":
        (folder / "spec.json").write_text(json.dumps({**spec, "format": 99}))
    elif damage == "other answers":
        spec["probe"]["logits"][0][0] += 1
        (folder / "spec.json").write_text(json.dumps(spec))
    else:
        (folder / "spec.json").unlink()
    with pytest.raises(CommandError, match="refused"):
        install(folder)
    assert not ModelVersion.objects.exists()


def test_a_bundle_that_knows_no_good_cloth_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="refused: it knows no class 'good'"):
        install(small_bundle(tmp_path / "a", classes=("weave", "hole", "cut")))
    assert not ModelVersion.objects.exists()
