"""The measurements: each compares two sides in one run, or holds a figure against its target."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

from django.conf import settings

from workers.bench.load import offer
from workers.bench.product import Product

ROUND_S = 12.0
ROUNDS = 3
CAMERAS = 6


@dataclass(frozen=True)
class Sustained:
    """Images a second of both sides, medians over alternating rounds."""

    bare: float
    product: float

    @property
    def ratio(self) -> float:
        return self.product / self.bare


def sustained(product: Product, bundle: Path, images: Path, rounds: int = ROUNDS) -> Sustained:
    """POST to stored verdict against one bare judging process: alternately, on the same cores."""
    files = [path.read_bytes() for path in sorted(images.iterdir())]
    bare: list[float] = []
    ours: list[float] = []
    for turn in range(rounds):
        bare.append(_bare(bundle, images))
        rate = bare[-1] * 1.15  # a little more than can be judged, so that the judge never waits
        began = time.monotonic()
        before = product.judged()
        offer(product, files, rate, ROUND_S, CAMERAS, f"sustained-{images.name}-{turn}")
        ours.append((product.judged() - before) / (time.monotonic() - began))
        drained(product)
    return Sustained(median(bare), median(ours))


def _bare(bundle: Path, images: Path) -> float:
    command = [sys.executable, "-m", "workers.bench.bare", str(bundle), str(images), str(ROUND_S)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    return float(done.stdout)


def drained(product: Product, seconds: float = 120.0) -> None:
    """Wait until nothing is pending."""
    until = time.monotonic() + seconds
    while product.pending():
        if time.monotonic() > until:
            raise SystemExit("The captures were not judged in time.")
        time.sleep(0.2)


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99, milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def acknowledged(product: Product, images: Sequence[bytes], rate: float, seconds: float) -> tuple[float, float, int]:
    """Upload to 201: p50 and p99 in milliseconds at `rate` offered, and how many were refused."""
    load = offer(product, images, rate, seconds, CAMERAS, "acknowledged")
    drained(product)
    return *percentiles(load.answered_s), load.refused


def to_verdict(
    product: Product, images: Sequence[bytes], rate: float, seconds: float, name: str = "verdict"
) -> tuple[float, float]:
    """Upload to stored verdict: p50 and p99 in milliseconds, from the moment the camera began to send."""
    load = offer(product, images, rate, seconds, CAMERAS, name)
    drained(product)
    rows = product.ask(
        "SELECT c.capture_id, v.judged_at FROM inspections_capture c JOIN inspections_verdict v ON v.capture_id = c.id "
        "WHERE v.effective"
    )
    judged = {str(name): _epoch(str(at)) for name, at in rows}
    return percentiles([judged[name] - moment for name, moment in load.moments.items() if name in judged])


def _epoch(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()
