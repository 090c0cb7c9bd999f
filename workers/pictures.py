"""Where a simulated camera's pictures come from: cloth drawn on the spot, or a folder."""

import csv
import hashlib
import io
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ml.fabric import CLASSES, Roll
from workers.camera import PICTURES

ROLL_S = 180.0
SPEED_M_S = 0.33  # 20 metres a minute
SIDE = 256
GOOD = "good"
KEPT = 100  # drawn pictures kept to show again when drawing cannot keep up


@dataclass(frozen=True)
class Picture:
    """Bytes to post with their fields; `label` and `file` are for the camera's own log."""

    image: bytes
    label: str | None
    file: str | None
    fields: dict[str, Any] = field(default_factory=dict)


class Pictures(Protocol):
    def next(self, late: bool) -> Picture | None:
        """The next picture; None: there are no more. `late`: the schedule is behind, so be quick."""


class Drawn:
    """Drawn cloth without end: a new roll every few minutes, defects at their share, their classes evenly."""

    def __init__(self, line: str, defects: float, mm_per_px: float, seed: int | None = None) -> None:
        self._line, self._share, self._mm_per_px = line, defects, mm_per_px
        self._random = random.Random(seed)
        self._kinds = [label for label in CLASSES if label != GOOD]
        self._coming: list[str] = []
        self._shown: deque[tuple[bytes, str]] = deque(maxlen=KEPT)
        self._hang(time.monotonic())

    def next(self, late: bool) -> Picture | None:
        now = time.monotonic()
        if now - self._hung > ROLL_S:
            self._hang(now)
        image, label = self._random.choice(self._shown) if late and self._shown else self._draw()
        position = round((now - self._hung) * SPEED_M_S, 3)
        fields = {"roll": self._code, "position_m": position, "offset_mm": 400, "mm_per_px": self._mm_per_px}
        return Picture(image, label, None, fields)

    def _hang(self, now: float) -> None:
        """A new roll; its code is unique in the mill by the line and the second."""
        self._hung = now
        self._code = f"{self._line}-{datetime.now(UTC):%y%m%d-%H%M%S}"
        self._roll = Roll(self._random.randrange(1 << 31), SIDE)

    def _draw(self) -> tuple[bytes, str]:
        label = self._next_kind() if self._random.random() < self._share else GOOD
        frame = self._roll.frame(self._random.randrange(1 << 31), label)
        buffer = io.BytesIO()
        Image.fromarray(frame.image).save(buffer, "JPEG", quality=92)
        shown = (buffer.getvalue(), label)
        self._shown.append(shown)
        return shown

    def _next_kind(self) -> str:
        if not self._coming:
            self._coming = self._random.sample(self._kinds, len(self._kinds))
        return self._coming.pop()


@dataclass(frozen=True)
class File:
    """A picture in a folder; `source` is the strip or roll that it was cut from, where the manifest says so."""

    path: Path
    name: str
    label: str | None
    source: str | None


class FromFolder:
    """A camera's share of a folder, each picture in turn: round and round, or once."""

    def __init__(self, files: Sequence[File], loop: bool) -> None:
        self._files, self._loop = files, loop
        self._turn = 0
        self._metres: dict[str, float] = {}
        self._day = f"{datetime.now(UTC):%y%m%d-%H%M%S}"

    def next(self, late: bool) -> Picture | None:
        if not self._files or (self._turn >= len(self._files) and not self._loop):
            return None
        file = self._files[self._turn % len(self._files)]
        self._turn += 1
        image = file.path.read_bytes()
        roll = file.source or f"folder-{self._day}"
        self._metres[roll] = round(self._metres.get(roll, -0.1) + 0.1, 3)
        fields: dict[str, Any] = {"roll": roll[:64], "position_m": self._metres[roll]}
        if not self._loop:  # once, also across a restart: the id is made of what it is
            fields["capture_id"] = hashlib.sha256(file.name.encode() + b"\0" + image).hexdigest()[:40]
        return Picture(image, file.label, file.name, fields)


def read_folder(folder: Path) -> list[File]:
    """By its manifest.csv (path,label,source) if it has one; else class folders, or flat."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        with manifest.open(newline="") as rows:
            return [
                File(folder / row["path"], row["path"], row.get("label") or None, row.get("source") or None)
                for row in csv.DictReader(rows)
            ]
    return [
        File(path, str(path.relative_to(folder)), None if path.parent == folder else path.parent.name, None)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PICTURES and path.is_file()
    ]


def share_out(files: Iterable[File], cameras: int, loop: bool) -> Iterator[FromFolder]:
    """Evenly over the cameras, in an order that mixes classes and is the same at every start."""
    mixed = sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest())
    for number in range(cameras):
        yield FromFolder(mixed[number::cameras], loop)
