"""The index of look-alikes: built, added to, rebuilt where it is spoilt, and answered without meanwhile."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from inspections.look_alikes import Found, files, like, near
from inspections.models import Capture, ChangeState, ModelVersion, VersionChange
from tests import cast
from tests.alike import index_files, planted, seen, turned
from tests.cast import a_camera, signed_in
from tests.judged import a_version
from tests.labelled import an_answer
from workers import indexing

pytestmark = pytest.mark.django_db
ANGLES = [number / 10 for number in range(8)]


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    """Few captures are worth a file here."""
    settings.LOOK_ALIKE_LEAST = 3


def keys(found: Found) -> list[UUID]:
    return [one.capture_id for one in found.rows]


@pytest.fixture
def mill() -> list[Capture]:
    """Eight captures of an hour ago, in the order of their likeness to the first."""
    return seen(*ANGLES, at=timezone.now() - timedelta(hours=1))


def built(ago: timedelta = timedelta(0)) -> None:
    indexing.work(timezone.now() - ago)


def test_an_index_answers_as_the_rows_do(mill: list[Capture]) -> None:
    before = like(mill[0])
    built()
    after = like(mill[0])
    assert (before.how, after.how, after.note) == ("rows", "exact", "")
    assert keys(after) == keys(before) == [one.pk for one in mill[1:]]
    assert [one.distance for one in after.rows] == pytest.approx([one.distance for one in before.rows])
    assert after.searched == 8


def test_nothing_is_built_for_a_handful(settings: Any, mill: list[Capture]) -> None:
    settings.LOOK_ALIKE_LEAST = 100
    built()
    assert not index_files(a_version())
    assert like(mill[0]).note == ""


def test_what_is_judged_after_the_building_is_found_at_once_and_added_later(mill: list[Capture]) -> None:
    built(ago=timedelta(minutes=30))
    later = seen(0.01, 0.02, at=timezone.now() - timedelta(minutes=2))
    assert keys(like(mill[0], 2)) == [one.pk for one in later]
    built()
    assert not index_files(a_version(), files.MORE)  # two are not worth a file yet
    later += seen(0.03, 0.04, at=timezone.now() - timedelta(minutes=1))
    built()
    assert len(index_files(a_version(), files.MORE)) == 1
    found = like(mill[0], 4)
    assert (keys(found), found.how, found.searched) == ([one.pk for one in later], "exact", 12)


def test_what_was_judged_this_moment_is_found_too(mill: list[Capture]) -> None:
    """The building leaves out the last seconds: a verdict with an older id may be committed after it."""
    (now,) = seen(0.01, at=timezone.now())
    built()
    assert keys(like(mill[0], 1)) == [now.pk]


def test_it_is_made_anew_each_day_and_forgets_what_is_too_old_unless_somebody_labelled_it() -> None:
    long_ago = timezone.now() - timedelta(days=40)
    old, labelled = seen(0.1, 0.2, at=long_ago)
    an_answer(cast.mara(), labelled, "hole")
    recent = seen(0, 0.3, 0.4)
    built()
    assert set(keys(like(recent[0]))) == {labelled.pk, recent[1].pk, recent[2].pk}
    assert old.pk not in keys(like(recent[0]))
    first = index_files(a_version())
    indexing.work(timezone.now() + timedelta(hours=25))
    assert first != index_files(a_version()) and len(index_files(a_version())) == 1


def test_where_there_are_too_many_each_hour_gives_its_share(settings: Any) -> None:
    settings.LOOK_ALIKE_MOST = 20
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    camera, made = a_camera(), {}
    for back in range(1, 11):
        at = hour - timedelta(hours=back, minutes=-10)
        made[back] = {one.pk for one in seen(*ANGLES, at=at, camera=camera)}
    built()
    found = near(a_version(), [turned(0)], 100)
    assert found.searched == 20
    assert all(len(some & set(keys(found))) == 2 for some in made.values())


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x10
    path.write_bytes(data)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def something_else(path: Path) -> None:
    path.write_bytes(b"{}" * 400)


def of_another_version(path: Path) -> None:
    other = a_version("2026.12.1", is_default=False, state="active")
    VersionChange.objects.create(
        kind="promote", version=a_version(), previous=other, asked_at=timezone.now(), decided_at=timezone.now(),
        state=ChangeState.ACTIVE,
    )  # fmt: skip
    seen(*ANGLES, version=other, at=timezone.now() - timedelta(hours=2))
    built()
    path.write_bytes(index_files(other)[0].read_bytes())


@pytest.mark.parametrize("spoil", [flipped, truncated, emptied, something_else, of_another_version, Path.unlink])
def test_a_spoilt_index_is_said_and_answered_without_and_built_anew(
    mill: list[Capture], settings: Any, spoil: Callable[[Path], None]
) -> None:
    settings.METRICS_TOKEN = "token"
    built()
    spoil(index_files(a_version())[0])
    meanwhile = like(mill[0])
    assert keys(meanwhile) == [one.pk for one in mill[1:]]
    assert meanwhile.how == "rows"
    assert "index of look-alikes" in meanwhile.note
    page = signed_in(cast.mara()).get(f"/captures/{mill[0].pk}/look-alikes/").content.decode()
    assert "read one by one" in page
    spoilt = 0.0 if spoil is Path.unlink else 1.0  # one that is not there yet is no fault
    assert f'selvedge_look_alikes_spoilt{{model="2026.11.1"}} {spoilt}' in scraped()
    built()
    after = like(mill[0])
    assert (after.how, after.note, keys(after)) == ("exact", "", [one.pk for one in mill[1:]])
    assert len(index_files(a_version())) == 1
    assert 'selvedge_look_alikes{model="2026.11.1"} 8.0' in scraped()


def scraped() -> str:
    return Client(headers={"Authorization": "Bearer token"}).get("/metrics").content.decode()


def test_a_spoilt_addition_costs_nothing_but_itself(mill: list[Capture]) -> None:
    built(ago=timedelta(minutes=30))
    later = seen(0.01, 0.02, 0.03, at=timezone.now() - timedelta(minutes=1))
    built()
    flipped(index_files(a_version(), files.MORE)[0])
    found = like(mill[0], 3)
    assert (keys(found), found.how) == ([one.pk for one in later], "exact")
    assert "damaged" in found.note
    built()
    assert like(mill[0]).note == ""
    assert not index_files(a_version(), files.MORE)


@pytest.fixture
def many(settings: Any) -> list[Capture]:
    """Four hundred in all directions, too many here for comparing each; half of them of another line."""
    settings.LOOK_ALIKE_EXACT = 150
    pytest.importorskip("usearch")
    rows = np.random.default_rng(7).normal(size=(400, 8))
    at = timezone.now() - timedelta(hours=1)
    return [*planted(rows[:200], a_camera(), at), *planted(rows[200:], a_camera("loom-2"), at + timedelta(minutes=1))]


def test_a_large_index_compares_only_what_is_likely(many: list[Capture]) -> None:
    exact = like(many[5], 10)
    built()
    found = like(many[5], 10)
    assert (exact.how, found.how, found.searched, found.note) == ("rows", "index", 400, "")
    assert len(set(keys(found)) & set(keys(exact))) >= 9
    assert found.rows[0].distance == pytest.approx(exact.rows[0].distance, abs=2e-3)


def test_a_line_of_few_captures_is_compared_exactly(many: list[Capture], settings: Any) -> None:
    settings.LOOK_ALIKE_EXACT = 250
    built()
    line = many[300].line_id
    found = near(a_version(), [turned(0)], 5, line_ids=[line])
    assert (found.how, found.searched) == ("exact", 200)
    assert {Capture.objects.get(pk=key).line_id for key in keys(found)} == {line}


@pytest.mark.parametrize("spoil", [flipped, truncated, Path.unlink])
def test_a_spoilt_graph_is_said_and_everything_compared_meanwhile(
    many: list[Capture], spoil: Callable[[Path], None]
) -> None:
    exact = keys(like(many[5], 10))
    built()
    spoil(index_files(a_version(), files.GRAPH)[0])
    found = like(many[5], 10)
    assert (found.how, keys(found)) == ("exact", exact)
    assert "read one by one" not in found.note and "builds it anew" in found.note
    built()
    assert (like(many[5], 10).how, like(many[5], 10).note) == ("index", "")


def promoted(version: ModelVersion, at: datetime) -> None:
    before = ModelVersion.objects.get(is_default=True)
    ModelVersion.objects.filter(pk=before.pk).update(is_default=False, state="retired")
    ModelVersion.objects.filter(pk=version.pk).update(is_default=True, state="active")
    VersionChange.objects.create(
        kind="promote", version=version, previous=before, asked_at=at, decided_at=at, state=ChangeState.ACTIVE
    )


def test_a_new_version_gets_an_index_of_its_own_and_the_old_one_stays_for_a_while(mill: list[Capture]) -> None:
    built()
    old, new = a_version(), a_version("2026.12.1", is_default=False, state="candidate")
    promoted(new, timezone.now())
    newer = seen(*ANGLES, version=new)
    built()
    assert (like(newer[0]).how, keys(like(newer[0]))) == ("exact", [one.pk for one in newer[1:]])
    assert (like(mill[0]).how, keys(like(mill[0]))) == ("exact", [one.pk for one in mill[1:]])
    VersionChange.objects.update(decided_at=timezone.now() - timedelta(days=31))
    built()
    assert not index_files(old)
    gone = like(mill[0])
    assert (gone.how, keys(gone)) == ("rows", [one.pk for one in mill[1:]])
    assert "out of force" in gone.note


def test_a_worker_that_finds_another_at_it_leaves_it_alone(mill: list[Capture]) -> None:
    with indexing._alone() as first:
        built()
        assert first
        assert not index_files(a_version())
    built()
    assert index_files(a_version())


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_searching_goes_on_while_the_index_is_built_anew_again_and_again(mill: list[Capture]) -> None:
    expected, wrong, done = [one.pk for one in mill[1:]], [], threading.Event()
    asked = [0]

    def search() -> None:
        while not done.is_set():
            found = like(mill[0])
            asked[0] += 1
            if keys(found) != expected:
                wrong.append((found.how, found.note))
        connection.close()

    built()
    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for day in range(1, 8):
        indexing.work(timezone.now() + timedelta(hours=25 * day))
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert asked[0] > 0
