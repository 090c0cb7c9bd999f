"""`manage.py import_images`: what was labelled elsewhere becomes captures and labels, once each, whatever happens."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from inspections import snapshots
from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    HourlyCount,
    How,
    Label,
    Line,
    Person,
    ReviewItem,
    Roll,
    Snapshot,
    Status,
)
from inspections.review.answers import decide
from inspections.review.undoing import undo
from tests import cast
from tests.bundles import HOLE, cloth
from tests.cast import a_png
from tests.mill import install
from workers.import_plan import roll_code, some_sources
from workers.judging import drain

ROOT = Path(__file__).parent.parent


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


def a_manifest(folder: Path, rows: list[tuple[str, str]], **columns: list[str]) -> Path:
    """A CSV of (label, source) with an image of its own for each row."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "manifest.csv"
    with place.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["path", "label", "source", *columns])
        for number, (label, source) in enumerate(rows):
            (folder / f"{number}.png").write_bytes(a_png(number))
            out.writerow([f"{number}.png", label, source, *(values[number] for values in columns.values())])
    return place


SOME = [("good", "R1"), ("hole", "R1"), ("good", "R2"), ("cut", "R3")]


def brought(place: Path, *options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_images", str(place), "--by", "mara", "--json", *options, stdout=out)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def refused(place: Path, *options: str) -> str:
    with pytest.raises(CommandError) as error:
        brought(place, *options)
    return str(error.value)


# --- what it makes --------------------------------------------------------------------------------------------------


def test_a_manifest_becomes_captures_of_its_rolls_with_labels_in_a_managers_name(mara: Person, tmp_path: Path) -> None:
    told = brought(a_manifest(tmp_path, SOME))
    assert (told["new"], told["labelled"], told["there"], told["skipped"]) == (4, 4, 0, [])
    rows = Capture.objects.order_by("id").values_list("roll__code", "label__defect_class__code", "camera__slug")
    assert list(rows) == [(roll, code, "import") for code, roll in SOME]
    assert set(Label.objects.values_list("how", "person__username", "defect_class__code")) == {
        (How.IMPORT, "mara", code) for code in ("good", "hole", "cut")
    }
    assert Line.objects.get().slug == "import"
    (event,) = AuditEvent.objects.all()
    assert (event.action, event.subject, event.detail["images"]) == ("import", "line import", 4)


def test_a_second_run_meets_all_again_and_changes_nothing(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, SOME)
    brought(place)
    told = brought(place)
    assert (told["new"], told["labelled"], told["there"]) == (0, 0, 4)
    assert (Capture.objects.count(), Label.objects.count()) == (4, 4)


def test_the_same_image_twice_is_one_capture(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, SOME)
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes())
    told = brought(place)
    assert (told["new"], told["there"], told["other_label"]) == (3, 1, 1)


def test_class_folders_make_a_source_of_each_image(mara: Person, tmp_path: Path) -> None:
    for number, code in enumerate(("good", "good", "hole")):
        (tmp_path / code).mkdir(exist_ok=True)
        (tmp_path / code / f"{number}.png").write_bytes(a_png(number))
    assert brought(tmp_path)["sources"] == 3
    assert set(Roll.objects.values_list("code", flat=True)) == {"good/0.png", "good/1.png", "hole/2.png"}


def test_numpy_arrays_come_in_whole(mara: Person, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "X.npy", rng.integers(0, 255, (4, 32, 32), dtype=np.uint8))
    np.save(tmp_path / "Y.npy", np.array(["good", "hole", "good", "cut"]))
    assert brought(tmp_path)["labels"] == {"cut": 1, "good": 2, "hole": 1}
    assert Capture.objects.values_list("width", "suffix").distinct().get() == (32, "bmp")


def test_the_roll_column_and_the_licence_go_with_the_roll(mara: Person, tmp_path: Path) -> None:
    brought(a_manifest(tmp_path, SOME, roll=["A", "A", "B", ""], licence=["CC BY 4.0"] * 4))
    assert dict(Roll.objects.values_list("code", "licence")) == dict.fromkeys(("A", "B", "R3"), "CC BY 4.0")


def test_a_long_source_is_cut_and_still_told_from_others() -> None:
    long = "x" * 100
    assert roll_code("R1") == "R1"
    assert len(roll_code(long)) == 64
    assert roll_code(long) != roll_code(f"{long}y")


# --- labels before verdicts -----------------------------------------------------------------------------------------


def test_a_label_that_stands_before_the_verdict_stays_and_nothing_is_asked(mara: Person, tmp_path: Path) -> None:
    install(tmp_path)
    place = a_manifest(tmp_path / "cloth", [("good", "R1"), ("cut", "R2")])
    for name in ("0.png", "1.png"):
        (tmp_path / "cloth" / name).write_bytes(cloth(HOLE, seed=int(name[0])))
    brought(place)
    assert set(Capture.objects.values_list("status", flat=True)) == {Status.PENDING}
    drain()
    rows = Capture.objects.order_by("id").values_list("status", "flagged", "defect_class__code", "label__how")
    assert list(rows) == [(Status.JUDGED, True, "good", "import"), (Status.JUDGED, True, "cut", "import")]
    assert not ReviewItem.objects.exists()
    counts = HourlyCount.objects.order_by("defect_class").values_list("defect_class", "judged", "flagged", "anomalies")
    assert list(counts) == [("cut", 1, 1, 1), ("good", 1, 1, 0)]


def test_a_label_taken_back_before_the_verdict_leaves_the_counts_right(mara: Person, tmp_path: Path) -> None:
    install(tmp_path)
    place = a_manifest(tmp_path / "cloth", [("good", "R1")])
    (tmp_path / "cloth" / "0.png").write_bytes(cloth(HOLE))
    brought(place)
    undo(mara, Label.objects.get(), timezone.now())
    drain()
    assert list(HourlyCount.objects.values_list("defect_class", "judged", "anomalies")) == [("hole", 1, 1)]
    assert ReviewItem.objects.count() == 1
    assert brought(place)["labelled"] == 0  # what was taken back does not come back


def test_images_alone_are_asked_about_and_a_later_import_of_labels_answers(mara: Person, tmp_path: Path) -> None:
    install(tmp_path)
    place = a_manifest(tmp_path / "cloth", [("good", "R1"), ("cut", "R2")])
    for name in ("0.png", "1.png"):
        (tmp_path / "cloth" / name).write_bytes(cloth(HOLE, seed=int(name[0])))
    assert brought(place, "--unlabelled")["labelled"] == 0
    drain()
    first = Capture.objects.order_by("id").first()
    assert first is not None
    decide(mara, first, "hole", timezone.now())
    told = brought(place)
    assert (told["labelled"], told["other_label"]) == (1, 1)  # what a person said stands
    assert not ReviewItem.objects.open().exists()
    assert set(Capture.objects.values_list("defect_class__code", flat=True)) == {"hole", "cut"}


def test_what_was_imported_can_be_frozen(mara: Person, tmp_path: Path) -> None:
    brought(a_manifest(tmp_path, [(code, f"R{number}") for number in range(6) for code in ("good", "hole")]))
    found = snapshots.freeze(mara, timezone.now())
    assert isinstance(found, Snapshot), found
    assert found.weights["import"] == 1


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_a_share_of_the_sources_holds_three_of_each_class_and_is_the_same_for_a_seed(
    mara: Person, tmp_path: Path
) -> None:
    place = a_manifest(tmp_path, [("good", f"R{n}") for n in range(30)] + [("hole", f"R{n}") for n in range(5)])
    first = brought(place, "--share", "0.2", "--seed", "7")
    assert first["sources"] == 6
    assert first["labels"]["hole"] >= 3
    again = brought(place, "--share", "0.2", "--seed", "7")
    assert (again["new"], again["there"]) == (0, first["new"])
    assert brought(place, "--share", "0.2", "--seed", "8")["new"] > 0


def test_sources_can_be_counted_or_listed(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, [("good", f"R{n}") for n in range(9)])
    assert brought(place, "--sources", "4")["sources"] == 4
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("R1\nR2\n")
    brought(place, "--sources-file", str(wanted))
    wanted.write_text("R1\nR-none\n")
    assert "no image is of source: R-none" in refused(place, "--sources-file", str(wanted))


def test_few_sources_are_all_taken() -> None:
    assert some_sources([], 3, 0) == []


def test_labels_are_merged_and_renamed_into_the_mills_classes(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, [("good", "1"), ("nep", "2"), ("fuzzyball", "3"), ("broken", "4")])
    told = refused(place)
    assert "the mill has no class broken, fuzzyball, nep" in told
    assert not Capture.objects.exists()
    found = brought(place, "--merge", "spot=nep,fuzzyball", "--map", "broken=thread", "--make-classes")
    assert found["labels"] == {"good": 1, "spot": 2, "thread": 1}
    assert DefectClass.objects.get(code="spot").active
    assert AuditEvent.objects.filter(action="new-class", subject="class spot").exists()


# --- refused and skipped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "words"),
    [("unknown", "answers and can be no class"), ("Big Hole", "no code of a class"), ("color", "retired")],
)
def test_what_can_be_no_label_is_refused_before_anything_is_done(
    mara: Person, tmp_path: Path, label: str, words: str
) -> None:
    DefectClass.objects.filter(code="color").update(active=False)
    assert words in refused(a_manifest(tmp_path, [("good", "1"), (label, "2")]), "--make-classes")
    assert not Capture.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("path,label\na.png,good\n", "lacks the column source"), ("path,label,source\na.png,,R1\n", "row 2 lacks")],
)
def test_a_broken_manifest_is_refused_in_one_message(mara: Person, tmp_path: Path, text: str, words: str) -> None:
    place = tmp_path / "manifest.csv"
    place.write_text(text)
    assert words in refused(place)


def test_an_operator_imports_nothing(db: None, tmp_path: Path) -> None:
    cast.olga()
    with pytest.raises(CommandError, match="no manager"):
        call_command("import_images", str(a_manifest(tmp_path, SOME)), "--by", "olga")


def test_bad_images_are_listed_and_the_others_taken(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, SOME)
    (tmp_path / "1.png").write_bytes(b"no image")
    (tmp_path / "2.png").unlink()
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_images", str(place), "--by", "mara", "--json", stdout=out)
    assert error.value.returncode == 3
    assert "row 3 (1.png)" in str(error.value)
    assert "row 4 (2.png): missing file" in str(error.value)
    assert json.loads(out.getvalue())["new"] == 2


def test_a_wrong_share_and_a_wrong_map_are_told(mara: Person, tmp_path: Path) -> None:
    place = a_manifest(tmp_path, SOME)
    assert "--share wants" in refused(place, "--share", "2")
    assert "--map wants" in refused(place, "--map", "nonsense")
    assert "no image is labelled: nonsense" in refused(place, "--map", "nonsense=hole")


def test_a_disk_that_is_full_stops_it_and_the_next_run_goes_on(
    mara: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_manifest(tmp_path, SOME)
    from inspections.storage import AtomicFileStorage

    real, calls = AtomicFileStorage._write, []

    def full(self: Any, part: Path, content: Any) -> None:
        calls.append(part)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(self, part, content)

    monkeypatch.setattr(AtomicFileStorage, "_write", full)
    assert "No space left" in refused(place)
    assert Capture.objects.count() == 2
    assert brought(place)["new"] == 2


# --- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.stack
def test_an_import_killed_in_the_middle_goes_on_and_the_counts_are_exact(tmp_path: Path) -> None:
    rows = [(code, f"R{number}") for number in range(150) for code in ("good", "hole")]
    place = a_manifest(tmp_path / "cloth", rows)
    mine = {"DATA": str(tmp_path / "data"), "SECRET_KEY": "x" * 50}
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | mine
    (tmp_path / "data").mkdir()

    command = [sys.executable, "manage.py"]

    def manage(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def counted() -> tuple[int, int, int]:
        """Captures, labels, captures without one; read without the product."""
        with closing(sqlite3.connect(tmp_path / "data" / "selvedge.sqlite3")) as database:
            of = "SELECT count(*) FROM inspections_"
            rows = (f"{of}capture", f"{of}label", f"{of}capture WHERE label_id IS NULL")
            return tuple(database.execute(text).fetchone()[0] for text in rows)  # type: ignore[return-value]

    manage("migrate", "-v", "0")
    make = "from inspections.models import Person; Person.objects.create_user('mara', role='manager')"
    manage("shell", "-v", "0", "-c", make)
    stored = tmp_path / "data" / "media"
    killed = subprocess.Popen([*command, "import_images", str(place), "--by", "mara"], cwd=ROOT, env=environment)
    until = time.monotonic() + 60
    while len(list(stored.rglob("*.png"))) < 40 and time.monotonic() < until:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    captures, labels, bare = counted()
    assert 0 < captures < 300
    assert (labels, bare) == (captures, 0)  # each with its label, in one commit
    told = json.loads(manage("import_images", str(place), "--by", "mara", "--json"))
    assert (told["there"], told["new"]) == (captures, 300 - captures)
    assert counted() == (300, 300, 0)
