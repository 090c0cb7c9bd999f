"""Upload to verdict with a challenger in shadow and without, in alternating rounds on the same running product."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from django.conf import settings

from workers.bench.measure import drained, to_verdict
from workers.bench.product import OURS, Product

_ADD = """
from pathlib import Path
from django.utils import timezone
from inspections import registry
print(registry.add(Path({bundle!r}), timezone.now()).name)
"""
_SWITCH = """
from django.utils import timezone
from inspections import second_looks
from inspections.models import ModelVersion
version = ModelVersion.objects.get(name={name!r})
now = timezone.now()
print({start} and second_looks.start_shadow(version, 1.0, None, now) or second_looks.stop_shadow(version, None, now))
"""


@dataclass(frozen=True)
class Latencies:
    """p50 and p99 in milliseconds, medians over the rounds, and how many captures were compared meanwhile."""

    without: tuple[float, float]
    beside: tuple[float, float]
    compared: int


def with_and_without(
    product: Product, bundle: Path, images: Sequence[bytes], rate: float, seconds: float, rounds: int
) -> Latencies:
    """`bundle`: the challenger's. Each round is once without a shadow and once with all captures in it."""
    name = _run(product, _ADD.format(bundle=str(bundle)))
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for turn in range(rounds):
        for shadow in (False, True):
            if shadow:
                _run(product, _SWITCH.format(name=name, start=True))
            found[shadow].append(to_verdict(product, images, rate, seconds, f"shadow-{int(shadow)}-{turn}"))
            if shadow:
                _run(product, _SWITCH.format(name=name, start=False))
            drained(product)
    compared = int(product.ask("SELECT count(*) FROM inspections_comparison")[0][0])
    return Latencies(_medians(found[False]), _medians(found[True]), compared)


def _medians(rows: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(row[0] for row in rows), median(row[1] for row in rows)


def _run(product: Product, code: str) -> str:
    """What a line of the product's own shell prints last."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env={**environment, "DATA": str(product.data)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]
