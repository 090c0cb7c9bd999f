"""The camera client: nothing lost, nothing sent under two ids. Against a small real server, then against ours."""

import contextlib
import http.server
import itertools
import json
import signal
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from inspections.models import Camera, Capture
from tests import cast
from tests.processes import wait_for
from workers import camera as client_module
from workers.camera import Client, Forwarder, Heart, Kept, Spool, SpoolFull, main

DROP = object()  # in place of an answer: close the connection without one


@dataclass
class Mill:
    """A stand-in for the server: says what `answers` holds, then 201 for ever, and remembers what came."""

    answers: list[Any] = field(default_factory=list)
    came: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    beats: list[dict[str, Any]] = field(default_factory=list)
    on_beat: int = 204
    url: str = ""
    problem: str = "https://selvedge.invalid/problems/image-undecodable"  # the type of every refusal

    @property
    def ids(self) -> list[str]:
        return [fields["capture_id"] for fields in self.came]


@contextlib.contextmanager
def serving(mill: Mill) -> Iterator[Mill]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if self.path == "/api/v1/cameras/heartbeat/":
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                mill.beats.append({**said, "key": self.headers["Authorization"]})
                self.send_response(mill.on_beat)
                if mill.on_beat != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                return
            query = urllib.parse.urlsplit(self.path).query
            mill.came.append({**dict(urllib.parse.parse_qsl(query)), "key": self.headers["Authorization"]})
            mill.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            mill.connections.add(self.client_address)
            answer = mill.answers.pop(0) if mill.answers else (201, {})
            if answer is DROP:
                self.close_connection = True
                return
            status, headers = answer
            body = json.dumps({"id": "01", "detail": "as the test says", "type": mill.problem}).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    mill.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mill
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mill() -> Iterator[Mill]:
    with serving(Mill()) as mill:
        yield mill


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


@pytest.fixture
def wire(mill: Mill) -> Iterator[Client]:
    client = Client(mill.url, "slv_k", timeout_s=60)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BACKOFF_S", 0.01)


def send_all(wire: Client, spool: Spool) -> Forwarder:
    forwarder = Forwarder(wire, spool)
    last = threading.Event()
    last.set()
    assert forwarder.run(last, give_up_s=20)
    return forwarder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"lock", "next"}


def test_an_image_is_posted_with_its_key_fields_and_clock(mill: Mill, wire: Client, spool: Spool) -> None:
    spool.put(b"picture", {"roll": "R 1/2", "position_m": 1.5})
    send_all(wire, spool)
    came = mill.came[0]
    assert mill.bodies == [b"picture"]
    assert (came["key"], came["roll"], came["position_m"], came["sequence"]) == ("Api-Key slv_k", "R 1/2", "1.5", "0")
    assert came["captured_at"] <= came["sent_at"] and came["sent_at"].endswith("Z")


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 507])
def test_a_passing_trouble_is_retried_under_the_same_id(mill: Mill, wire: Client, spool: Spool, status: int) -> None:
    mill.answers = [(status, {}), (status, {})]
    capture_id = spool.put(b"picture", {})
    send_all(wire, spool)
    assert mill.ids == [capture_id] * 3
    assert len(spool) == 0


def test_a_lost_answer_is_asked_for_again_under_the_same_id(mill: Mill, wire: Client, spool: Spool) -> None:
    mill.answers = [DROP, (200, {"Idempotent-Replayed": "true"})]
    capture_id = spool.put(b"picture", {})
    send_all(wire, spool)
    assert mill.ids == [capture_id] * 2


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_what_a_proxy_or_a_wrong_host_name_refuses_stays_in_the_spool(
    mill: Mill, wire: Client, spool: Spool, tmp_path: Path, status: int
) -> None:
    mill.problem = "about:blank"
    mill.answers = [(status, {}), (status, {})]
    spool.put(b"good", {})
    forwarder = send_all(wire, spool)
    assert (forwarder.accepted, forwarder.rejected, len(set(mill.ids)), len(mill.ids)) == (1, 0, 1, 3)


@pytest.mark.parametrize("damage", ["no image", "nuls in next"])
def test_the_spool_opens_again_after_a_crash(tmp_path: Path, damage: str) -> None:
    spool = Spool(tmp_path / "crashed")
    first, second = spool.put(b"one", {}), spool.put(b"two", {})
    spool.close()
    if damage == "no image":
        min((tmp_path / "crashed").glob("*.image")).unlink()
    else:
        (tmp_path / "crashed" / "next").write_bytes(bytes(4))
    again = Spool(tmp_path / "crashed")
    kept = again.oldest()
    assert kept
    assert kept.fields["capture_id"] == (second if damage == "no image" else first)
    assert again.put(b"three", {})
    assert len({path.stem for path in (tmp_path / "crashed").glob("*.json")}) == len(again)
    again.close()


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_what_the_server_will_never_take_moves_aside(
    mill: Mill, wire: Client, spool: Spool, tmp_path: Path, status: int
) -> None:
    mill.answers = [(status, {})]
    bad, good = spool.put(b"bad", {}), spool.put(b"good", {})
    forwarder = send_all(wire, spool)
    rejected = tmp_path / "spool" / "rejected"
    problem = json.loads((rejected / f"{bad}.problem.json").read_text())
    assert (forwarder.accepted, forwarder.rejected, mill.ids) == (1, 1, [bad, good])
    assert (rejected / f"{bad}.image").read_bytes() == b"bad"
    assert (problem["status"], problem["detail"]) == (status, "as the test says")


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(mill: Mill, wire: Client, spool: Spool, as_date: bool) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    mill.answers = [(503, {"Retry-After": soon if as_date else "290"})]
    spool.put(b"picture", {})
    kept = spool.oldest()
    assert kept
    wait = Forwarder(wire, spool).send(kept)
    assert 100 < wait <= 300


def test_a_nonsense_retry_after_is_ignored(mill: Mill, wire: Client) -> None:
    mill.answers = [(503, {"Retry-After": "soon"})]
    assert wire.post(b"picture", {"capture_id": "a"}).retry_after_s == 0


def test_waits_grow_and_differ_between_cameras(wire: Client, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BACKOFF_S", 1.0)
    forwarder = Forwarder(wire, spool)
    nothing = client_module.Answer(0, {})
    waits = [forwarder._backoff(nothing) for _ in range(12)]
    assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits[:5]))
    assert max(waits) <= client_module.BACKOFF_MAX_S
    assert len(set(waits)) == len(waits)


def test_images_share_one_connection(mill: Mill, wire: Client, spool: Spool) -> None:
    for _ in range(5):
        spool.put(b"picture", {})
    send_all(wire, spool)
    assert len(mill.connections) == 1


def test_a_connection_gone_stale_is_made_again_at_once(mill: Mill, wire: Client) -> None:
    mill.answers = [(201, {}), DROP, (201, {})]
    assert wire.post(b"one", {"capture_id": "a"}).status == 201
    assert wire.post(b"two", {"capture_id": "b"}).status == 201
    assert mill.ids == ["a", "b", "b"]


def test_no_server_is_an_answer_with_a_reason() -> None:
    answer = Client("http://127.0.0.1:1", "slv_k", timeout_s=2).post(b"picture", {"capture_id": "a"})
    assert (answer.status, answer.accepted, answer.refused) == (0, False, False)
    assert "refused" in answer.reason


def test_a_folder_behind_a_proxy_path_is_kept_in_the_address(mill: Mill) -> None:
    assert Client("https://mill/qc/", "k")._path == "/qc/api/v1"


@pytest.mark.parametrize("url", ["ftp://mill", "http://", ""])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a server"):
        Client(url, "k")


def test_the_oldest_goes_first_and_only_an_acceptance_deletes(mill: Mill, wire: Client, spool: Spool) -> None:
    ids = [spool.put(str(n).encode(), {}) for n in range(3)]
    mill.answers = [(503, {})]
    send_all(wire, spool)
    assert mill.ids == [ids[0], *ids]


def test_the_spool_survives_a_restart_with_ids_and_order(mill: Mill, wire: Client, tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool")
    ids = [first.put(str(n).encode(), {"roll": "R"}, {"label": "hole"}) for n in range(3)]
    first.close()
    second = Spool(tmp_path / "spool")
    ids.append(second.put(b"3", {}))
    kept = second.oldest()
    assert kept and kept.note == {"label": "hole"}
    send_all(wire, second)
    second.close()
    assert mill.ids == ids
    assert [one["sequence"] for one in mill.came] == ["0", "1", "2", "3"]
    assert "label" not in mill.came[0]
    assert names(tmp_path / "spool") == set()


def test_sequence_numbers_go_on_after_everything_was_sent(wire: Client, tmp_path: Path) -> None:
    for number in range(3):
        spool = Spool(tmp_path / "spool")
        spool.put(b"picture", {})
        kept = spool.oldest()
        assert kept and kept.fields["sequence"] == number
        send_all(wire, spool)
        spool.close()


def test_kill_9_at_any_moment_loses_nothing_that_was_taken(mill: Mill, wire: Client, tmp_path: Path) -> None:
    """The child says an id only after `put` returned; whatever it said must come, once."""
    code = (
        "import sys, pathlib; from workers.camera import Spool; s = Spool(pathlib.Path(sys.argv[1]));\n"
        "while True: print(s.put(b'x' * 20000, {}), flush=True)"
    )
    said: list[str] = []
    for _ in range(4):
        command = [sys.executable, "-c", code, str(tmp_path / "spool")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            said += [line.strip() for line in itertools.islice(child.stdout, 7)]
            child.kill()
            said += [line.strip() for line in child.stdout]
    spool = Spool(tmp_path / "spool")
    send_all(wire, spool)
    spool.close()
    assert set(said) <= set(mill.ids)
    assert len(mill.ids) == len(set(mill.ids))
    assert len({one["sequence"] for one in mill.came}) == len(mill.ids)


def test_halves_of_a_killed_write_are_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    for name in ("000000000000007.image", "000000000000008.json.part"):
        (folder / name).write_bytes(b"half")
    spool = Spool(folder)
    spool.close()
    assert names(folder) == set()


def test_a_full_spool_takes_no_more_and_keeps_what_it_took(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", max_bytes=10)
    spool.put(b"12345678", {})
    with pytest.raises(SpoolFull):
        spool.put(b"12345678", {})
    spool.put(b"12", {})
    kept = spool.oldest()
    assert kept and kept.image.read_bytes() == b"12345678"
    assert (len(spool), spool.dropped, spool._next) == (2, 1, 3)  # the lost one shows as a gap
    spool.close()


def test_a_spool_belongs_to_one_client(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="in use by another camera client"):
        Spool(tmp_path / "spool")


# --- the program ----------------------------------------------------------------------------------------------------


@pytest.fixture
def grabs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SELVEDGE_KEY", "slv_k")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test's own handlers stay
    folder = tmp_path / "grabs"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(cast.a_png(seed))
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(mill: Mill, folder: Path, *more: str) -> int:
    return main(["--url", mill.url, "--folder", str(folder), *more])


def test_a_folder_is_posted_once_each_in_the_order_of_names(mill: Mill, grabs: Path) -> None:
    assert run(mill, grabs, "--roll", "R-7", "--mm-per-px", "0.1") == 0
    assert mill.bodies == [cast.a_png(seed) for seed in range(3)]
    assert {(one["roll"], one["mm_per_px"]) for one in mill.came} == {("R-7", "0.1")}


def test_posting_a_folder_again_uses_the_same_ids(mill: Mill, grabs: Path) -> None:
    assert [run(mill, grabs), run(mill, grabs)] == [0, 0]
    assert mill.ids[:3] == mill.ids[3:]


def test_taken_pictures_move_to_done(mill: Mill, grabs: Path) -> None:
    assert run(mill, grabs, "--done", str(grabs / "taken")) == 0
    assert names(grabs / "taken") == {"0.png", "1.png", "2.png"}


def test_a_folder_larger_than_its_spool_goes_through(mill: Mill, grabs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = len(cast.a_png(0)) + 100
    monkeypatch.setattr(Spool, "has_room", lambda self, size: self._bytes + size <= big)
    assert run(mill, grabs) == 0
    assert len(mill.came) == 3


def test_its_exit_code_says_that_some_were_rejected(mill: Mill, grabs: Path) -> None:
    mill.answers = [(201, {}), (422, {})]
    assert run(mill, grabs) == 1


def test_it_gives_up_when_told_and_keeps_the_rest(mill: Mill, grabs: Path, tmp_path: Path) -> None:
    mill.answers = [(201, {}), *[(503, {"Retry-After": "30"})] * 9]
    assert run(mill, grabs, "--give-up", "1", "--spool", str(tmp_path / "spool")) == 3
    spool = Spool(tmp_path / "spool")
    assert len(spool) == 2
    spool.close()


@pytest.mark.parametrize(("key", "folder"), [("", "."), ("slv_k", "nowhere")])
def test_wrong_use_is_exit_code_2(monkeypatch: pytest.MonkeyPatch, key: str, folder: str) -> None:
    monkeypatch.setenv("SELVEDGE_KEY", key)
    with pytest.raises(SystemExit) as ended:
        main(["--url", "http://mill", "--folder", folder])
    assert ended.value.code == 2


def test_the_copied_file_watches_a_folder_without_the_rest_of_selvedge(mill: Mill, grabs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "camera.py"
    copy.write_bytes(Path(client_module.__file__).read_bytes())
    command = [sys.executable, "-I", str(copy), "--url", mill.url, "--folder", str(grabs), "--watch", "--settle", "0.1"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        wait_for(lambda: len(mill.came) == 3)
        (grabs / "new.png").write_bytes(cast.a_png(9))
        wait_for(lambda: len(mill.came) == 4)
        child.terminate()
        said = child.communicate(timeout=60)[1]
    assert child.returncode == 0
    assert "accepted 4, rejected 0" in said


# --- the heart ------------------------------------------------------------------------------------------------------


def test_a_heartbeat_says_what_waits_and_what_was_dropped(mill: Mill, wire: Client, tmp_path: Path) -> None:
    small = Spool(tmp_path / "small", max_bytes=10)
    small.put(b"12345", {})
    with pytest.raises(SpoolFull):
        small.put(b"1234567", {})
    assert Heart(wire, small).beat()
    (said,) = mill.beats
    assert (said["spooled"], said["dropped"], said["key"]) == (1, 1, "Api-Key slv_k")
    assert said["version"].startswith("selvedge-camera/")
    assert abs(datetime.fromisoformat(said["sent_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    small.close()


def test_it_beats_on_while_the_server_takes_no_images(mill: Mill, wire: Client, spool: Spool) -> None:
    mill.answers = [(507, {"Retry-After": "600"})]
    spool.put(b"picture", {})
    forwarder = Forwarder(wire, spool)
    heart = Heart(Client(mill.url, "slv_k"), spool, every_s=0.02)
    threads = [threading.Thread(target=one.run) for one in (forwarder, heart)]
    for thread in threads:
        thread.start()
    wait_for(lambda: mill.came and len(mill.beats) >= 3)
    forwarder.stop()
    heart.stop()
    for thread in threads:
        thread.join()
    assert {said["spooled"] for said in mill.beats} == {1}


def test_a_beat_that_fails_is_said_once_and_the_next_one_tries_again(
    mill: Mill, wire: Client, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    heart = Heart(wire, spool)
    mill.on_beat = 503
    assert [heart.beat(), heart.beat()] == [False, False]
    mill.on_beat = 204
    assert heart.beat()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_the_program_leaves_word_of_what_stays_behind(mill: Mill, grabs: Path, tmp_path: Path) -> None:
    mill.answers = [(201, {}), *[(503, {"Retry-After": "30"})] * 9]
    assert run(mill, grabs, "--give-up", "1", "--spool", str(tmp_path / "spool")) == 3
    assert mill.beats[-1]["spooled"] == 2


# --- against the real server ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_real_server_takes_it_once_and_refuses_what_is_no_image(live_server: Any, spool: Spool) -> None:
    camera = cast.a_camera()
    wire = Client(live_server.url, camera.issue_key())
    ends: list[tuple[Kept, int]] = []
    forwarder = Forwarder(wire, spool, lambda kept, answer: ends.append((kept, answer.status)))
    again = spool.put(cast.a_png(1), {"roll": "R-1", "position_m": 2.5, "mm_per_px": 0.1})
    first = spool.oldest()
    assert first
    assert wire.post(cast.a_png(1), first.fields).status == 201  # the answer that got lost
    spool.put(b"<svg/>", {})
    last = threading.Event()
    last.set()
    assert forwarder.run(last, give_up_s=30)
    wire.close()
    capture = Capture.objects.get(camera=Camera.objects.get())
    assert [status for _, status in ends] == [200, 415]
    assert (capture.capture_id, capture.sequence, capture.position_m) == (again, 0, 2.5)
    assert capture.roll and capture.roll.code == "R-1"


@pytest.mark.django_db(transaction=True)
def test_the_real_server_keeps_a_heartbeat(live_server: Any, spool: Spool) -> None:
    camera = cast.a_camera()
    wire = Client(live_server.url, camera.issue_key())
    spool.put(cast.a_png(1), {})
    assert Heart(wire, spool).beat()
    wire.close()
    camera.refresh_from_db()
    assert (camera.spooled, camera.dropped, camera.has_wrong_clock) == (1, 0, False)
    assert camera.client.startswith("selvedge-camera/")
