"""`manage.py demo` for real: it catches defects, ends cleanly, goes on where it was, and leaves nothing behind."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import cast
from tests.bundles import HOLE, cloth, small_bundle
from tests.processes import ROOT, Api, clean_environment, family, free_port, is_gone, process, wait_for, with_tables

pytestmark = pytest.mark.stack


@dataclass
class Demo:
    """A running demo and what it wrote."""

    process: subprocess.Popen[bytes]
    data: Path
    port: int
    log: Path

    @property
    def cast(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "demo.json").read_text())
        return found

    @property
    def said(self) -> str:
        return self.log.read_text()

    def api(self) -> Api:
        return Api(self.port, self.cast["cameras"][0]["key"], {})

    def posted(self) -> list[dict[str, Any]]:
        log = self.data / "cameras" / "line-1-cam-1.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@contextlib.contextmanager
def running(data: Path, command: str = "demo", **options: str) -> Iterator[Demo]:
    port, log = free_port(), data.parent / f"{command}.out"
    log.unlink(missing_ok=True)
    own = {"DATA": str(data), "PORT": str(port), "STARTER_BUNDLE": str(data.parent / "no starter")}
    environment = clean_environment(**{**own, "LINES": "1", "RATE": "2", **options})
    with process([sys.executable, "manage.py", command], environment, log) as started:
        demo = Demo(started, data, port, log)
        wait_for(lambda: "Selvedge runs at" in demo.said or started.poll() is not None, 120, "the web")
        assert started.poll() is None, demo.said
        yield demo


def refused(data: Path, command: str = "demo", **options: str) -> str:
    """What it says when it will not start: exit code 2 and nothing left running."""
    environment = clean_environment(DATA=str(data), **{"PORT": str(free_port()), **options})
    ran = subprocess.run(
        [sys.executable, "manage.py", command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    return ran.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that several starts share."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_it_starts_ends_on_sigterm_and_goes_on_with_the_same_data(data: Path) -> None:
    with running(data) as demo:
        first = demo.cast
        assert stat.S_IMODE((data / "demo.json").stat().st_mode) == 0o600
        assert first["url"] == f"http://127.0.0.1:{demo.port}"
        assert set(first["users"]) == {"operator", "manager", "admin"}
        assert [(one["line"], one["camera"]) for one in first["cameras"]] == [("line-1", "cam-1")]
        wait_for(lambda: len(demo.posted()) >= 4, 90, "posting")
        everybody = family(demo.process.pid)
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(90) == 0
        assert [pid for pid in everybody if not is_gone(pid)] == []
    posted = demo.posted()
    assert {one["status"] for one in posted} == {201}
    with running(data, LINES="2", CAMERAS="0") as demo:
        again = demo.cast
        assert again["users"] == first["users"]
        assert again["cameras"][0] == first["cameras"][0]
        assert [one["line"] for one in again["cameras"]] == ["line-1", "line-2"]
        assert demo.api().get(posted[0]["id"])["capture_id"] == posted[0]["capture_id"]
        assert "No simulated cameras" in demo.said
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(90) == 0


def test_an_image_is_judged_by_the_starter_model(tmp_path: Path) -> None:
    with running(
        with_tables(tmp_path / "data"), CAMERAS="0", STARTER_BUNDLE=str(small_bundle(tmp_path / "starter"))
    ) as demo:
        assert "is in force" in demo.said
        api = demo.api()
        capture = api.post(cloth(HOLE), capture_id="mine")
        assert capture["status"] == "pending"
        assert api.judged(capture["id"])["verdict"]["label"] == "hole"


def test_a_starter_model_that_is_refused_stops_the_start_in_words(tmp_path: Path) -> None:
    (tmp_path / "starter").mkdir()
    assert "The starter model could not be installed" in refused(
        with_tables(tmp_path / "data"), STARTER_BUNDLE=str(tmp_path / "starter")
    )


def test_kill_9_leaves_nothing_behind_and_does_not_hinder_the_next_start(tmp_path: Path) -> None:
    data = with_tables(tmp_path / "data")
    with running(data) as demo:
        everybody = family(demo.process.pid)
        assert len(everybody) > 6
        demo.process.kill()
        demo.process.wait(60)
        wait_for(lambda: all(is_gone(pid) for pid in everybody), 90, "the end of all processes")
    with running(data) as demo:
        assert demo.process.poll() is None


def test_pictures_of_a_folder_are_posted_once_each_with_their_source_as_roll(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows = ["path,label,source"]
    for seed in range(6):
        (folder / f"{seed}.png").write_bytes(cast.a_png(seed))
        rows.append(f"{seed}.png,{'hole' if seed % 2 else 'good'},strip-{seed % 3}")
    (folder / "manifest.csv").write_text("\n".join(rows))
    with running(with_tables(tmp_path / "data"), RATE="20", LOOP="0", IMAGES=str(folder)) as demo:
        wait_for(lambda: "cameras: " in demo.said, 120, "the end of the cameras")
        assert "6 pictures accepted, 0 rejected" in demo.said
        posted = {one["file"]: one for one in demo.posted()}
        assert {name: one["label"] for name, one in posted.items()} == {
            f"{seed}.png": "hole" if seed % 2 else "good" for seed in range(6)
        }
        assert demo.api().get(posted["4.png"]["id"])["roll"] == "strip-1"


def test_run_takes_its_first_admin_from_the_environment_or_says_what_to_do(tmp_path: Path) -> None:
    data = with_tables(tmp_path / "data")
    assert "ADMIN_USERNAME=ada ADMIN_PASSWORD=" in refused(data, "run")
    assert "too common" in refused(data, "run", ADMIN_USERNAME="ada", ADMIN_PASSWORD="password123")
    with running(data, "run", ADMIN_USERNAME="ada", ADMIN_PASSWORD=cast.PASSWORD) as demo:
        assert "No camera yet" in demo.said
        assert not (data / "demo.json").exists()
        assert "is in use by another run" in refused(data, "run")
        assert "cannot be used: Address already in use" in refused(tmp_path / "other", PORT=str(demo.port))
    assert "holds a real installation" in refused(data)


def test_every_wrong_option_is_named_at_once(tmp_path: Path) -> None:
    wrong = {"PORT": "0", "LINES": "many", "RATE": "0", "DEFECTS": "1.5", "IMAGES": "nowhere", "LOOP": "maybe"}
    said = refused(tmp_path / "data", **wrong)
    assert [line.partition("=")[0] for line in said.splitlines()] == [
        "PORT",
        "LINES",
        "RATE",
        "DEFECTS",
        "IMAGES",
        "LOOP",
    ]
    assert not (tmp_path / "data" / "selvedge.sqlite3").exists()


def test_make_hands_its_signal_on(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM reach the supervisor through make."""
    if not (ROOT / ".venv" / ".installed" / "train").exists():
        pytest.skip("this is not the environment that make made")
    log = tmp_path / "make.out"
    options = [f"DATA={with_tables(tmp_path / 'data')}", f"PORT={free_port()}", "LINES=1", "CAMERAS=0"]
    with process(["make", "demo", *options], clean_environment(), log) as made:
        wait_for(lambda: "Selvedge runs at" in log.read_text(), 120, "the web")
        everybody = family(made.pid)
        os.kill(made.pid, signal.SIGTERM)
        made.wait(90)
        wait_for(lambda: all(is_gone(pid) for pid in everybody), 90, "the end of all processes")
