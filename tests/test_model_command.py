"""`manage.py model …`: what it prints, what it changes, and how it ends."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from inspections import changes, registry
from inspections.models import AuditEvent, Line, ModelVersion, Snapshot
from ml import bundle
from tests import cast, gates
from tests.bundles import CENTRES, small_bundle
from tests.gates import a_golden_set, registered

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("model", *words, stdout=out)
    return out.getvalue().strip()


def as_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def ending(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as ended:
        run(*words)
    return ended.value.returncode, str(ended.value)


@pytest.fixture
def champion(tmp_path: Path) -> ModelVersion:
    gates.three_classes()
    a_golden_set(cast.mara())
    version = registered(tmp_path, 0)
    changes.install(version, None, timezone.now())
    return version


def test_the_whole_way_of_a_version(tmp_path: Path, champion: ModelVersion) -> None:
    installed = as_json("install", str(small_bundle(tmp_path / "new", 1)))
    name = installed["version"]
    assert (installed["was_here"], as_json("show", name)["state"]) == (False, "candidate")
    assert ending("promote", name, "--reason", "better") == (1, "It was not held against the golden set yet.")
    assert "passed" in run("gate", name)
    assert run("promote", name, "--reason", "better", "--as", "mara") == f"{name} judges the mill."
    assert [row["in_force"] for row in as_json("list")] == [["the mill"], []]
    assert as_json("rollback", "--reason", "worse")["version"] == champion.name
    assert AuditEvent.objects.get(action="promote", person__username="mara").detail == {"reason": "better"}


def test_a_line_is_tried_first(tmp_path: Path, champion: ModelVersion) -> None:
    line, version = cast.a_line(), registered(tmp_path, 1)
    run("gate", version.name)
    run("promote", version.name, "--line", "loom-1", "--reason", "a try")
    assert (Line.objects.get(pk=line.pk).version, registry.in_force()) == (version, champion)
    assert "loom-1" in run("list")


def test_one_that_fails_the_gate_ends_with_one_and_every_rule(tmp_path: Path, champion: ModelVersion) -> None:
    worse = registered(tmp_path, 1, centres=(CENTRES[0], CENTRES[2], CENTRES[1]))
    code, words = ending("gate", worse.name)
    assert code == 1
    assert "Hole: recall 0.000" in words


def test_two_are_compared_on_the_golden_set_and_the_look_is_counted(tmp_path: Path, champion: ModelVersion) -> None:
    worse = registered(tmp_path, 1, centres=(CENTRES[0], CENTRES[2], CENTRES[1]))
    text = run("compare", worse.name, champion.name)
    assert "right alone: 0 against 24" in text
    found = as_json("compare", champion.name, worse.name)
    assert found["recall"]["hole"]["challenger"] == 1.0
    assert Snapshot.objects.get().looks == 2


def test_what_is_exported_can_be_installed_and_is_the_same(tmp_path: Path, champion: ModelVersion) -> None:
    run("export", champion.name, str(tmp_path / "out"))
    assert bundle.digest(tmp_path / "out") == champion.digest
    assert as_json("install", str(tmp_path / "out")) == {"version": champion.name, "was_here": True}
    assert ending("export", champion.name, str(tmp_path / "out"))[0] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "2020.1.1"), 2),
        (("promote", "2020.1.1", "--reason", "x"), 2),
        (("rollback", "--line", "nowhere", "--reason", "x"), 2),
        (("rollback", "--reason", "x", "--as", "nobody"), 2),
        (("install", "/nowhere/at/all"), 1),
        (("rollback", "--reason", "x"), 1),
        (("rollback", "--reason", " "), 1),
    ],
)
def test_bad_input_ends_with_two_and_a_refusal_with_one(
    champion: ModelVersion, words: tuple[str, ...], code: int
) -> None:
    assert ending(*words)[0] == code


def test_without_any_version_the_list_says_what_to_do(db: None) -> None:
    assert "install_model ml/starter" in run("list")
