"""How far the work is, for whoever watches: never back, never torn, and gone without a trace when it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ml.progress import EVERY, Progress

ROOT = Path(__file__).parents[2]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def told(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.read_text())
    return found


def test_the_share_is_of_the_whole_work_and_what_is_left_goes_by_the_latest_pace(tmp_path: Path) -> None:
    place, clock = tmp_path / "p.json", Clock()
    progress = Progress(place, clock)
    progress.stage("reading images", 0.2)
    assert told(place) == {
        "stage": "reading images", "epoch": 0, "epochs": 0, "batch": 0, "batches": 0, "share": 0.0, "eta_s": None,
    }  # fmt: skip
    clock.now += 2
    progress.stage("training", 0.8)
    assert told(place)["share"] == 0.2 and told(place)["eta_s"] == pytest.approx(8)
    clock.now += 3
    progress.batch(2, 3, 5, 10)
    found = told(place)
    assert (found["epoch"], found["epochs"], found["batch"], found["batches"]) == (2, 3, 5, 10)
    assert found["share"] == pytest.approx(0.5) and found["eta_s"] == pytest.approx(5)
    progress.done()
    assert told(place) == {**told(place), "stage": "done", "share": 1.0, "eta_s": 0.0}


def test_it_is_written_at_most_twice_a_second_and_never_goes_back(tmp_path: Path) -> None:
    place, clock = tmp_path / "p.json", Clock()
    progress = Progress(place, clock)
    progress.stage("training", 1.0)
    seen = []
    for batch in range(1, 101):
        clock.now += EVERY / 10
        progress.batch(1, 1, batch, 100)
        seen.append(place.read_text())
    assert len(set(seen)) <= 1 + 100 / 10
    clock.now += 1
    progress.batch(1, 2, 1, 100)  # as after a resumed epoch that is told anew
    shares = [json.loads(text)["share"] for text in seen] + [told(place)["share"]]
    assert shares == sorted(shares)
    assert not list(tmp_path.glob("*.part"))


def test_without_a_place_nothing_is_written_and_it_costs_next_to_nothing(tmp_path: Path) -> None:
    progress = Progress()
    progress.stage("training", 1.0)
    start = time.process_time()
    for batch in range(10_000):
        progress.batch(1, 1, batch, 10_000)
    assert time.process_time() - start < 1  # 0.1 ms a batch, of which the fastest takes tens
    progress.done()
    assert not list(tmp_path.iterdir())


def test_a_training_tells_how_far_it_is_and_ends_at_once_when_it_is_told_to(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    place, out = tmp_path / "p.json", tmp_path / "out"
    words = (
        "train", "--drawn", "60", "--network", "resnet8v1", "--preset", "quick", "--size", "32", "--channels", "1",
        "--epochs", "100000", "--precision", "fp32", "--out", str(out), "--progress", str(place), "--batch", "8",
    )  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", "ml", *words], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        stages, patience = set(), time.monotonic() + 120
        while time.monotonic() < patience and child.poll() is None:
            found = told(place) if place.exists() else {"stage": "", "epoch": 0}
            stages.add(found["stage"])
            if found["stage"] == "training" and found["epoch"] >= 2:
                break
            time.sleep(0.02)
        assert {"drawing cloth", "training"} <= stages, child.stderr and child.stderr.read()
        assert found["epochs"] == 100_000 and 0 < found["share"] < 0.2
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == -signal.SIGTERM
    finally:
        child.kill()
        child.communicate()
    assert not list(tmp_path.glob("out*"))
