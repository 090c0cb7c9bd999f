"""What the story of retraining needs: drawn cloth whose truth is known, and a model that confuses two classes."""

import csv
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ml import draw
from tests.processes import ROOT, clean_environment

STARTER = ROOT / "ml" / "starter"
SIDE = 256
CONFUSED = {"cut": "thread", "thread": "cut"}


@dataclass(frozen=True)
class Image:
    path: Path
    label: str
    source: str

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def name(self) -> str:
        """SHA-256 of the file: its `capture_id`, as an import gives it."""
        return sha256(self.data).hexdigest()


def drawn(folder: Path, seeds: Iterable[int], frames: int) -> list[Image]:
    """Drawn cloth as files, with its manifest; the classes follow each other."""
    draw.folder(folder, seeds, frames, SIDE)
    return list(_read(folder))


def manifest(images: Iterable[Image], path: Path) -> Path:
    """The manifest of some images, beside the folder that holds them."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "source"])
        writer.writerows([image.path.resolve(), image.label, image.source] for image in images)
    return path


def confused(images: Iterable[Image], out: Path, share: float) -> Path:
    """A real model that takes cut for thread and thread for cut so often: it was taught by such labels."""
    chance = random.Random(1)
    told = [
        Image(
            image.path, CONFUSED.get(image.label, image.label) if chance.random() < share else image.label, image.source
        )
        for image in images
    ]
    command = (sys.executable, "-m", "ml", "head", "--base", str(STARTER), "--out", str(out))
    listed = manifest(told, out.with_suffix(".csv"))
    ran = subprocess.run([*command, "--manifest", str(listed)], cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert ran.returncode == 0, ran.stderr
    return out


def manage(data: Path, *words: str, expected: int = 0, **more: str) -> Any:
    """A command of the product with --json on a running product's data: what it printed."""
    environment = clean_environment(DATA=str(data), **more)
    command = [sys.executable, "manage.py", *words, "--json"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert ran.returncode == expected, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def _read(folder: Path) -> Iterator[Image]:
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield Image(folder / row["path"], row["label"], row["source"])
