"""When storage or database cannot take it now: a clear answer, nothing half done, and the next one goes through."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.test import Client

from inspections.models import Capture
from inspections.storage import AtomicFileStorage
from tests import cast
from tests.posting import post_form, post_raw
from tests.test_receiving import problem_of


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Every write really gets the kernel's ENOSPC; call the result to make room."""

    def write(self: Any, part: Path, content: Any) -> None:
        part.touch()
        with Path("/dev/full").open("wb") as out:
            out.write(content.read())

    monkeypatch.setattr(AtomicFileStorage, "_write", write)
    return monkeypatch.undo


@pytest.mark.django_db
def test_a_full_disk_is_said_and_leaves_neither_row_nor_file(full_disk: Callable[[], None]) -> None:
    posting = cast.with_key(cast.a_camera())
    posting.raise_request_exception = False
    response = post_form(posting, cast.a_png(), capture_id="a")
    assert (response.status_code, problem_of(response)) == (507, "storage-full")
    assert int(response["Retry-After"]) > 0
    assert not Capture.objects.exists()
    folders = list(Path(default_storage.path("captures")).rglob("*.p*"))
    assert folders == []
    full_disk()
    with default_storage.open(Capture.objects.get(pk=post_form_id(posting)).path) as file:
        assert file.read() == cast.a_png()


def post_form_id(posting: Client) -> str:
    response = post_form(posting, cast.a_png(), capture_id="a")
    assert response.status_code == 201
    return str(response.json()["id"])


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/v1/captures/", "/readyz"])
def test_a_database_that_cannot_answer_is_said(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    posting = cast.with_key(cast.a_camera())
    posting.raise_request_exception = False

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    response = posting.get(address)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="a lock of SQLite's")
def test_an_upload_waits_out_a_lock_on_the_database() -> None:
    posting = cast.with_key(cast.a_camera())
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    let_go = threading.Event()

    def let_it_go() -> None:
        let_go.set()
        other.execute("COMMIT")

    letting_go = threading.Timer(1.0, let_it_go)
    letting_go.start()
    assert post_raw(posting, cast.a_png()).status_code == 201
    assert let_go.is_set()
    letting_go.join()
    other.close()


@pytest.mark.django_db(transaction=True)
def test_one_capture_sent_by_many_at_once_is_one_row() -> None:
    key = cast.a_camera().issue_key()
    statuses: list[int] = []

    def send() -> None:
        client = Client(headers={"Authorization": f"Api-Key {key}"})
        try:
            statuses.append(post_raw(client, cast.a_png(), capture_id="a").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [200] * 7 + [201]
    capture = Capture.objects.get()
    folder = Path(default_storage.path(capture.path)).parent
    assert [path.name for path in folder.iterdir()] == [f"{capture.pk}.png"]


@pytest.mark.django_db(transaction=True)
def test_many_writers_never_see_a_locked_database() -> None:
    keys = [cast.a_camera(slug=f"cam-{number}").issue_key() for number in range(8)]
    statuses: list[int] = []

    def send(key: str) -> None:
        client = Client(headers={"Authorization": f"Api-Key {key}"})
        try:
            for seed in range(25):
                statuses.append(post_raw(client, cast.a_png(seed), roll=f"R-{seed % 3}").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[key]) for key in keys]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert statuses == [201] * 200
