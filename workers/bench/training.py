"""Judging beside a training: the same load while a training runs and while it is held still, in turns in one run."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from django.conf import settings

from workers.bench.measure import to_verdict
from workers.bench.product import Product

ROLLS, FRAMES = 12, 30
LONG = 100_000  # epochs: it outlasts the measuring
BEGINS_S = 300.0


@dataclass(frozen=True)
class Beside:
    """Upload to verdict in milliseconds, medians over the turns: (p50, p99)."""

    without: tuple[float, float]
    during: tuple[float, float]
    steps_per_s: float  # batches of the training while judging went on


def beside_training(product: Product, images: Sequence[bytes], rate: float, seconds: float, turns: int) -> Beside:
    """Start a training from scratch in the product and measure judging with it and without it, alternately."""
    _start(product)
    pid = _wait(product)
    without: list[tuple[float, float]] = []
    during: list[tuple[float, float]] = []
    steps: list[float] = []
    for turn in range(turns):
        os.kill(pid, signal.SIGSTOP)
        without.append(to_verdict(product, images, rate, seconds, f"without-{turn}"))
        os.kill(pid, signal.SIGCONT)
        before = _steps(product)
        began = time.monotonic()
        during.append(to_verdict(product, images, rate, seconds, f"during-{turn}"))
        steps.append((_steps(product) - before) / (time.monotonic() - began))
    return Beside(_medians(without), _medians(during), median(steps))


def _medians(found: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(p50 for p50, _ in found), median(p99 for _, p99 in found)


def _start(product: Product) -> None:
    """Drawn cloth becomes captures and labels, and a training that does not end by itself is asked for."""
    from ml.draw import folder

    cloth = product.data / "cloth"
    folder(cloth, range(ROLLS), FRAMES, 64)
    people = json.loads((product.data / "demo.json").read_text())["users"]
    _manage(product, "import_images", str(cloth / "manifest.csv"), "--by", people["manager"]["username"])
    knobs = ("--knob", f"epochs={LONG}", "--knob", "calibrate=validation")
    _manage(product, "train", "--base", "scratch", "--network", "textile_resnet", "--preset", "cloth", *knobs)


def _manage(product: Product, *words: str) -> None:
    command = [sys.executable, "manage.py", *words]
    environment = {**os.environ, "DATA": str(product.data)}
    ran = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"manage.py {words[0]}: {ran.stdout}{ran.stderr}")


def _wait(product: Product) -> int:
    """The process number of the training, once it learns."""
    until = time.monotonic() + BEGINS_S
    while _steps(product) == 0:
        state, reason = product.ask("SELECT state, reason FROM inspections_trainingrun")[0]
        if str(state) == "failed" or time.monotonic() > until:
            raise SystemExit(f"The training did not begin: {reason or state}")
        time.sleep(0.5)
    return next(pid for pid in product.family() if "-m ml train" in _words(pid))


def _steps(product: Product) -> float:
    epoch, batch, batches = product.ask("SELECT epoch, batch, batches FROM inspections_trainingrun")[0]
    return max(0.0, epoch - 1) * batches + batch


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
