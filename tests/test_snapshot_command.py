"""`manage.py snapshot`, and the folder that a snapshot becomes."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from inspections import snapshots
from inspections.models import Person, Snapshot
from ml.rows import read_rows
from ml.splits import guard
from tests import cast
from tests.labelled import a_mill_of_labels
from workers.exporting import write_out


@pytest.fixture
def mara(db: None) -> Person:
    person = cast.mara()
    a_mill_of_labels(person, rolls=9)
    return person


def said(*words: str) -> Any:
    out = io.StringIO()
    call_command("snapshot", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_makes_lists_and_shows_them(mara: Person) -> None:
    made = said("make", "--by", "mara", "--classes", "good,hole", "--note", "first")
    golden = said("golden", "--by", "mara")
    assert (made["name"], golden["name"]) == ("S1", "G1")
    assert [one["name"] for one in said("list")] == ["G1", "S1"]
    assert said("show", "S1") == made
    out = io.StringIO()
    call_command("snapshot", "show", "S1", stdout=out)
    assert "left out, golden: 2" in out.getvalue()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "S9"), "no snapshot"),
        (("make", "--by", "olga"), "no manager"),
        (("make", "--by", "mara", "--classes", "good,wool"), "no class wool"),
    ],
)
def test_what_cannot_be_done_is_told(mara: Person, words: tuple[str, ...], told: str) -> None:
    cast.olga()
    with pytest.raises(CommandError, match=told):
        said(*words)


def test_an_export_is_what_the_trainer_reads(mara: Person, tmp_path: Path) -> None:
    said("make", "--by", "mara")
    snapshot = Snapshot.objects.get(name="S1")
    assert said("export", "S1", str(tmp_path / "out"))["written"] == 16
    rows = read_rows(tmp_path / "out" / "manifest.csv")
    guard(rows)
    stored = snapshot.rows.exclude(side="out").select_related("defect_class")
    assert sorted((row.label, row.source, row.split) for row in rows) == sorted(
        (row.defect_class.code, row.source, row.side) for row in stored
    )
    assert all(row.path.read_bytes() for row in rows)
    assert {row.camera for row in rows} == {"loom-1/left"}


def test_the_golden_set_is_exported_as_what_tests(mara: Person, tmp_path: Path) -> None:
    said("golden", "--by", "mara")
    assert said("export", "G1", str(tmp_path / "out"))["written"] == 2
    assert {row.split for row in read_rows(tmp_path / "out" / "manifest.csv")} == {"test"}


def test_a_missing_file_is_listed_and_stops_a_training(mara: Person, tmp_path: Path) -> None:
    said("make", "--by", "mara")
    snapshot = Snapshot.objects.get(name="S1")
    row = snapshot.rows.exclude(side="out").select_related("capture").first()
    assert row is not None
    default_storage.delete(row.capture.path)
    with pytest.raises(CommandError) as error:
        said("export", "S1", str(tmp_path / "out"))
    assert error.value.returncode == 3
    assert row.capture.path in str(error.value)
    with pytest.raises(FileNotFoundError, match="1 images of S1 are gone"):
        write_out(snapshot, tmp_path / "again")


def test_a_folder_that_holds_something_is_left_alone(mara: Person, tmp_path: Path) -> None:
    said("make", "--by", "mara")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        said("export", "S1", str(tmp_path))


def test_without_the_split_the_column_is_not_there(mara: Person, tmp_path: Path) -> None:
    found = snapshots.freeze(mara, mara.date_joined)
    assert isinstance(found, Snapshot)
    write_out(found, tmp_path, with_split=False)
    with (tmp_path / "manifest.csv").open() as file:
        assert next(csv.reader(file)) == ["path", "label", "source", "weight", "licence", "camera"]
