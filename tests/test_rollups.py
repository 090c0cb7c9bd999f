"""`manage.py rollups`: what is kept is held against the captures, and made anew while others write."""

import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.migrations import RunSQL
from django.utils import timezone

from inspections import recount
from inspections.models import (
    Capture,
    DailyPlaceCount,
    HourlyCount,
    HourlyTotal,
    LengthCount,
    Line,
    PlaceCount,
    Roll,
    RollCount,
    SlotCount,
)
from inspections.review.answers import decide
from inspections.review.undoing import undo
from inspections.roll_keeping import set_style
from tests import cast
from tests.cast import a_camera, a_line
from tests.histories import defined, differences, kept
from tests.judged import failed, judged
from tests.labelled import a_roll

ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 11, 22, 12, 3, tzinfo=UTC)
TABLES = (HourlyCount, SlotCount, PlaceCount, DailyPlaceCount, LengthCount, RollCount, HourlyTotal)


@pytest.fixture
def mill(db: None) -> None:
    """Two lines, two days, a roll; something labelled, something failed."""
    left, other = a_camera("loom-1"), a_camera("loom-2")
    where = {"roll": a_roll("R1"), "position_m": 12.0, "offset_mm": 250.0}
    olga = cast.olga()
    for day in (0, 1):
        at = NOON + timedelta(days=day)
        decide(olga, judged(left, "hole", at=at, **where), "good", at)
        judged(left, "good", 0.01, at=at + timedelta(minutes=7), **where)
        judged(other, "cut", at=at)
        failed(other, at=at)


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("rollups", *words, stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def empty() -> None:
    for model in TABLES:
        model._default_manager.all().delete()


# --- verify -----------------------------------------------------------------------------------------------------------


def test_what_the_product_counted_is_found_equal(mill: None) -> None:
    code, text = run("verify")
    assert (code, text.split()[0]) == (0, "0")
    assert kept() == defined()


@pytest.mark.parametrize("model", TABLES)
def test_each_difference_is_said_with_both_sides(mill: None, model: Any) -> None:
    row = model.objects.filter(judged__gt=0).first()
    model.objects.filter(pk=row.pk).update(judged=row.judged + 5)
    code, text = run("verify")
    assert code == 1
    assert f"{model._meta.db_table}: line_id {row.line_id}" in text
    assert f"judged {row.judged + 5} is kept, {row.judged} counted" in text
    assert "1 differences" in text


@pytest.mark.parametrize("model", TABLES)
def test_a_row_that_is_missing_or_too_many_is_a_difference(mill: None, model: Any) -> None:
    row = model.objects.filter(judged__gt=0).first()
    model.objects.filter(pk=row.pk).delete()
    assert [set(one.kept) for one in differences()] == [{0}]
    row.save(force_insert=True)
    row.pk, row.line_id = None, Line.objects.exclude(pk=row.line_id).get().pk
    if model not in {LengthCount, RollCount}:
        start = {SlotCount: "slot", DailyPlaceCount: "day"}.get(model, "hour")
        setattr(row, start, NOON.replace(hour=0, minute=0) + timedelta(days=40))
    row.save(force_insert=True)
    assert [(one.kept[0], set(one.counted)) for one in differences()] == [(row.judged, {0})]


def test_a_row_of_zeros_says_nothing(mill: None) -> None:
    assert HourlyCount.objects.filter(defect_class="hole", judged=0).exists()  # all were relabelled
    assert differences() == []


def test_a_piece_that_begins_before_its_row_says_so_is_a_difference(mill: None) -> None:
    LengthCount.objects.update(first_at=NOON + timedelta(days=9))
    code, text = run("verify")
    assert code == 1
    assert "first_at lies behind" in text


def test_a_style_that_is_not_the_rolls_is_a_difference_and_is_mended(mill: None) -> None:
    Roll.objects.update(style="satin")
    code, text = run("verify")
    assert code == 1
    assert "the style is not its roll's" in text
    assert run("rebuild")[0] == 0
    assert run("verify")[0] == 0
    assert RollCount.objects.get().style == "satin"


def test_json_holds_every_difference(mill: None) -> None:
    SlotCount.objects.filter(defect_class="cut").update(flagged=7)
    code, text = run("verify", "--json")
    told = json.loads(text)["differences"]
    assert code == 1
    assert {(one["table"], one["kept"]["flagged"], one["counted"]["flagged"]) for one in told} == {
        ("inspections_slotcount", 7, 1)
    }
    assert [one["key"]["defect_class"] for one in told] == ["cut", "cut"]


def test_one_line_or_the_days_since_are_looked_at_alone(mill: None) -> None:
    HourlyCount.objects.filter(line__slug="loom-2", hour__lt=NOON + timedelta(hours=12)).update(judged=9)
    assert run("verify", "--line", "loom-1")[0] == 0
    assert run("verify", "--line", "loom-2")[0] == 1
    assert run("verify", "--line", "loom-2", "--since", "2026-11-23")[0] == 0
    assert run("verify", "--since", "2026-11-22")[0] == 1


def test_a_line_that_is_not_there_and_a_day_that_is_none_are_refused(mill: None) -> None:
    with pytest.raises(CommandError, match=r"no line loom-9") as refused:
        run("verify", "--line", "loom-9")
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="is no day"):
        run("verify", "--since", "yesterday")


# --- rebuild ----------------------------------------------------------------------------------------------------------


def test_what_was_lost_or_spoilt_is_counted_anew(mill: None) -> None:
    before = kept()
    empty()
    judged(a_camera(), "thread", at=NOON)
    SlotCount.objects.update(judged=70)
    assert run("rebuild")[0] == 0
    assert kept() == defined()
    assert kept() != before
    assert run("verify")[0] == 0


def test_a_relabelling_goes_on_from_what_was_counted_anew(mill: None) -> None:
    run("rebuild")
    capture = Capture.objects.filter(line__slug="loom-2", defect_class__code="cut").first()
    assert capture is not None
    decide(cast.mara(), capture, "hole", timezone.now())
    assert differences() == []


def test_of_one_line_alone_the_others_stay_as_they_are(mill: None) -> None:
    empty()
    run("rebuild", "--line", "loom-1")
    assert {model.objects.values_list("line__slug", flat=True).distinct().get() for model in TABLES} == {"loom-1"}
    assert run("verify", "--line", "loom-1")[0] == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(mill: None) -> None:
    screen, log = Terminal(), io.StringIO()
    call_command("rollups", "rebuild", stdout=io.StringIO(), stderr=screen)
    call_command("rollups", "rebuild", stdout=io.StringIO(), stderr=log)
    assert "loom-2 2026-11-23" in screen.getvalue()
    assert log.getvalue() == ""


# --- beside writers ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_nothing_is_lost_while_others_judge_and_label() -> None:
    olga, mara = cast.olga(), cast.mara()
    where = {"roll": a_roll("R1"), "position_m": 12.0, "offset_mm": 250.0}
    captures = [judged(a_camera(), "hole", at=NOON, **where) for _ in range(12)]
    lines, done = list(Line.objects.all()), threading.Event()
    rounds = 0

    def judge() -> None:
        for number in range(25):
            judged(a_camera(), ("hole", "good")[number % 2], at=NOON, **where)

    def label(person: Any, answer: str) -> None:
        for number in range(25):
            capture = Capture.objects.get(pk=captures[number % len(captures)].pk)
            said = decide(person, capture, answer, timezone.now(), expected=capture.label_id)
            if number % 3 == 0 and hasattr(said, "label"):
                undo(person, said.label, timezone.now())

    def count_anew() -> None:
        nonlocal rounds
        while not done.is_set():
            for step in recount.steps(lines, every_line=True):
                recount.rebuild(step)
            rounds += 1

    counting = threading.Thread(target=closed(count_anew))
    counting.start()
    at_once(judge, lambda: label(olga, "good"), lambda: label(mara, "cut"))
    done.set()
    counting.join(60)
    assert rounds > 0
    assert kept() == defined()
    assert differences() == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_what_is_equal_is_found_equal_while_others_write() -> None:
    captures = [judged(a_camera(), "hole", at=NOON) for _ in range(4)]
    found: list[recount.Difference] = []
    mara = cast.mara()

    def look() -> None:
        for _ in range(30):
            found.extend(differences())

    def label() -> None:
        for number in range(30):
            capture = Capture.objects.get(pk=captures[number % 4].pk)
            decide(mara, capture, ("good", "cut")[number % 2], timezone.now(), expected=capture.label_id)

    at_once(look, label)
    assert found == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("judged_first", [True, False])
def test_a_style_that_is_said_while_its_roll_is_counted_stands_on_every_line(judged_first: bool) -> None:
    """Whoever begins second begins in the middle of the other one's transaction, and waits for its end."""
    roll, mara, begun = a_roll("R1"), cast.mara(), threading.Event()
    judged(a_camera("loom-1"), "good", at=NOON, roll=roll)

    def judge() -> None:
        judged(a_camera("loom-2"), "good", at=NOON, roll=roll)

    def say() -> None:
        assert set_style(a_line("loom-1"), ["R1"], "satin", mara, NOON) == 1

    def slowly(work: Callable[[], None]) -> None:
        with transaction.atomic():
            work()
            begun.set()
            time.sleep(0.5)

    def meanwhile(work: Callable[[], None]) -> None:
        assert begun.wait(60)
        work()

    first, second = (judge, say) if judged_first else (say, judge)
    a_camera("loom-2")
    at_once(lambda: slowly(first), lambda: meanwhile(second))
    assert dict(RollCount.objects.values_list("line__slug", "style")) == {"loom-1": "satin", "loom-2": "satin"}


def closed(work: Callable[[], None]) -> Callable[[], None]:
    def run_and_close() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return run_and_close


def at_once(*works: Callable[[], None]) -> None:
    """What one raises is raised here, after all have ended."""
    raised: list[BaseException] = []

    def run_it(work: Callable[[], None]) -> None:
        try:
            closed(work)()
        except BaseException as error:  # noqa: BLE001  raised again below
            raised.append(error)

    threads = [threading.Thread(target=run_it, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not raised, raised


# --- an installation from before --------------------------------------------------------------------------------------


def test_what_was_captured_before_there_were_these_rollups_is_counted_by_the_migration(mill: None) -> None:
    before = kept()
    for model in TABLES[1:]:
        model._default_manager.all().delete()
    for name in ("0008_first_rollups", "0011_first_daily_places", "0014_first_hourly_totals"):
        import_module(f"inspections.migrations.{name}").count(apps, SimpleNamespace(connection=connection))
    assert kept() == before
    assert differences() == []


def test_rolls_that_ran_before_their_style_was_kept_are_given_it_by_the_migration(mill: None) -> None:
    Roll.objects.update(style="satin")
    module = import_module("inspections.migrations.0025_style_of_a_roll_count")
    (fill,) = (one for one in module.Migration.operations if isinstance(one, RunSQL))
    with connection.cursor() as cursor:
        cursor.execute(fill.sql)
    assert RollCount.objects.get().style == "satin"


@pytest.mark.stack
def test_an_installation_of_the_version_before_is_brought_up_whole(tmp_path: Path) -> None:
    mine = {"DATA": str(tmp_path), "SECRET_KEY": "x" * 50}
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | mine

    def manage(*words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    manage("migrate", "inspections", "0006", "-v", "0")
    with closing(sqlite3.connect(tmp_path / "selvedge.sqlite3")) as database, database:
        plant(database)
    manage("migrate", "-v", "0")
    told = json.loads(manage("rollups", "verify", "--json"))
    assert told["differences"] == []
    with closing(sqlite3.connect(tmp_path / "selvedge.sqlite3")) as database:
        slots = database.execute("SELECT slot, defect_class, judged FROM inspections_slotcount ORDER BY 1").fetchall()
    assert slots == [("2026-03-01 09:55:00", "good", 2), ("2026-03-01 10:00:00", "good", 1)]


def plant(database: sqlite3.Connection) -> None:
    """Three captures as the version before had them, counted by hour alone."""
    now = "2026-03-01 10:00:00"
    database.execute("INSERT INTO inspections_line (id, slug, name, created_at) VALUES (1, 'loom-1', '', ?)", [now])
    database.execute(
        "INSERT INTO inspections_camera (id, line_id, slug, enabled, silent_after_s, created_at)"
        " VALUES (1, 1, 'left', 1, 60, ?)",
        [now],
    )
    (good,) = database.execute("SELECT id FROM inspections_defectclass WHERE code = 'good'").fetchone()
    for key, at in enumerate(("2026-03-01 09:55:00", "2026-03-01 09:59:59.999999", now)):
        database.execute(
            "INSERT INTO inspections_capture (id, line_id, camera_id, captured_at, received_at, counted_at, sha256,"
            " bytes, width, height, suffix, warnings, status, attempts, failure, defect_class_id, flagged, severity)"
            " VALUES (?, 1, 1, ?, ?, ?, x'', 1, 64, 64, 'png', '', 1, 1, '', ?, 0, 0)",
            [f"{key:032x}", at, at, at, good],
        )
    for hour, judged_then in (("2026-03-01 09:00:00", 2), (now, 1)):
        database.execute(
            "INSERT INTO inspections_hourlycount (line_id, hour, defect_class, judged, flagged, anomalies, defects,"
            " failed) VALUES (1, ?, 'good', ?, 0, 0, 0, 0)",
            [hour, judged_then],
        )
