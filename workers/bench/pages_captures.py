"""Captures of half a year in bulk, and what was said of the flagged ones: verdicts, questions, labels, the log.

Drawn by numpy in blocks, so that the same seed gives the same mill on every database.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    Label,
    ReviewItem,
    Roll,
    Status,
    Verdict,
    VerdictEvidence,
)
from workers.bench.bulk import write
from workers.bench.pages_mill import Mill

BLOCK = 50_000
DAY_US = 86_400_000_000
ROLL_US = 8_640_000_000  # a roll is 2.4 hours long
ROLL_M = 600.0
SHARE = np.array([0.30, 0.25, 0.15, 0.10, 0.10, 0.08, 0.02])  # of what is flagged
FLAGGED_AS = ("hole", "thread", "good", "unknown", "cut", "color", "metal_contamination")
LABELLED = 0.85  # of what was flagged
AUDITED = 0.003  # of what was passed
UNTOUCHED = timedelta(hours=6)  # what is newer waits in the queue
CAPTURE = (
    "id", "line_id", "camera_id", "capture_id", "roll_id", "captured_at", "received_at", "counted_at", "sequence",
    "position_m", "offset_mm", "sha256", "bytes", "width", "height", "suffix", "warnings", "status", "attempts",
    "failure", "defect_class_id", "label_id", "anomaly_score", "flagged", "anomaly", "severity",
)  # fmt: skip
VERDICT = (
    "id", "capture_id", "version_id", "effective", "defect_class_id", "confidence", "anomaly_score", "threshold",
    "flagged", "judged_at", "latency_ms",
)  # fmt: skip
EVIDENCE = ("verdict_id", "embedding", "heatmap", "heatmap_rows", "heatmap_cols", "brightness", "focus")
ITEM = ("id", "capture_id", "line_id", "kind", "blind", "rank", "counted_at", "created_at", "holder_id", "closed_at")
LABEL = (
    "id", "capture_id", "person_id", "at", "how", "defect_class_id", "item_id", "beside", "verdict_id", "note",
    "took_ms",
)  # fmt: skip
EVENT = ("id", "at", "person_id", "action", "subject", "detail")
SHA256, EMBEDDING, HEATMAP = bytes(32), bytes(512), zlib.compress(bytes(64))


@dataclass
class Drawn:
    """A block of captures as columns, in the order of time."""

    us: NDArray[np.int64]  # microseconds since 1970
    line: NDArray[np.int64]
    camera: NDArray[np.int64]  # of its line
    flagged: NDArray[np.bool_]
    answer: NDArray[np.int64]  # in FLAGGED_AS; what was passed is good
    failed: NDArray[np.bool_]
    chance: NDArray[np.float64]  # (n, 4)


@dataclass
class Filler:
    """Writes captures between two moments. `now`: what lies shortly before it has not been looked at."""

    mill: Mill
    now: datetime
    rng: np.random.Generator
    made: int = 0

    def __post_init__(self) -> None:
        self.classes = dict(DefectClass.objects.values_list("code", "pk"))
        self.rolls: dict[tuple[int, int], int] = dict(self._rolls_so_far())

    def fill(self, count: int, since: datetime, until: datetime) -> Iterator[int]:
        """So many captures, evenly over the time; yields how many are there after each block."""
        start, end = _us(since), _us(until)
        for first in range(0, count, BLOCK):
            size = min(BLOCK, count - first)
            span = (end - start) / count
            block = self._draw(start + int(first * span), start + int((first + size) * span), size)
            self._write(block)
            self.made += size
            yield first + size

    def _draw(self, start: int, end: int, size: int) -> Drawn:
        us = np.sort(self.rng.integers(start, end, size))
        line = self.rng.integers(0, len(self.mill.lines), size)
        lots = np.array([len(cameras) for cameras in self.mill.cameras])
        chance = self.rng.random((size, 4))
        rate = (0.02 + 0.002 * line) * _burst(line, us)
        return Drawn(
            us=us,
            line=line,
            camera=(self.rng.random(size) * lots[line]).astype(np.int64),
            flagged=chance[:, 0] < rate,
            answer=self.rng.choice(len(SHARE), size, p=SHARE),
            failed=chance[:, 1] < 0.0002,
            chance=chance,
        )

    def _write(self, block: Drawn) -> None:
        self._make_rolls(block)
        rows: dict[str, list[Any]] = {
            name: [] for name in ("captures", "verdicts", "evidence", "items", "labels", "events")
        }
        times = _texts(block.us)
        for place, at in enumerate(times):
            self._one(block, place, at, rows)
        write(Label, LABEL, rows["labels"])
        write(Capture, CAPTURE, rows["captures"])
        write(Verdict, VERDICT, rows["verdicts"])
        write(VerdictEvidence, EVIDENCE, rows["evidence"])
        write(ReviewItem, ITEM, rows["items"])
        write(AuditEvent, EVENT, rows["events"])

    def _one(self, block: Drawn, place: int, at: str, rows: dict[str, list[Any]]) -> None:
        us, line = int(block.us[place]), int(block.line[place])
        flagged, failed = bool(block.flagged[place]), bool(block.failed[place])
        chance = block.chance[place]
        code = "good" if not flagged else FLAGGED_AS[block.answer[place]]
        key = _key(us, self.made + place, 0)
        score = None if code == "unknown" else float(0.5 + 0.5 * chance[2] if flagged else 0.4 * chance[2])
        asked = not failed and (flagged or chance[3] < AUDITED)
        said = self._said(code, chance, flagged) if asked and self._was_seen(us, float(chance[3])) else None
        label = _key(us, self.made + place, 3) if said else None
        if asked:
            self._looked_at(rows, block, place, at, code, score, said)
        found = None if failed else self.classes.get(said or code)
        camera = self.mill.cameras[line][block.camera[place]]
        rows["captures"].append((
            key, self.mill.lines[line].pk, camera.pk, f"{camera.slug}-{self.made + place}",
            self.rolls[line, us // ROLL_US], at, at, at, self.made + place,
            us % ROLL_US / ROLL_US * ROLL_M, 400.0 * block.camera[place] + 100.0 * (us // 1000 % 4) + 50.0,
            SHA256, 8000, 224, 224, "jpg", "", int(Status.FAILED if failed else Status.JUDGED), 1,
            "cannot be decoded" if failed else "", found, label, None if failed else score,
            None if failed else flagged, None if failed else _is_anomaly(flagged, said),
            0.0 if failed else (1.0 if score is None else score) + (code == CRITICAL),
        ))  # fmt: skip

    def _looked_at(
        self,
        rows: dict[str, list[Any]],
        block: Drawn,
        place: int,
        at: str,
        code: str,
        score: float | None,
        said: str | None,
    ) -> None:
        us, line = int(block.us[place]), self.mill.lines[int(block.line[place])]
        number, flagged = self.made + place, bool(block.flagged[place])
        capture, verdict, item, label = (_key(us, number, kind) for kind in range(4))
        person = self.mill.operators[number % len(self.mill.operators)].pk
        rows["verdicts"].append((
            verdict, capture, self.mill.version.pk, True, self.classes.get(code), score, score, 0.45, flagged, at, 40.0,
        ))  # fmt: skip
        rows["evidence"].append((verdict, EMBEDDING, HEATMAP, 8, 8, 128.0, 90.0))
        answered = str(_texts(np.array([us + 600_000_000]))[0]) if said else None
        rows["items"].append((
            item, capture, line.pk, "flagged" if flagged else "audit", not flagged, 1.0 if score is None else score,
            at, at, person if said else None, answered,
        ))  # fmt: skip
        if said is None:
            return
        how = "single" if flagged else "blind"
        found = self.classes[said]
        rows["labels"].append((label, capture, person, answered, how, found, item, False, verdict, "", 1400))
        detail = f'{{"label": "{said}"}}'
        rows["events"].append((_key(us, number, 4), answered, person, "label", f"capture {_dashed(capture)}", detail))

    def _was_seen(self, us: int, chance: float) -> bool:
        return us < _us(self.now - UNTOUCHED) and (chance * 1000) % 1 < LABELLED

    def _said(self, code: str, chance: NDArray[np.float64], flagged: bool) -> str:
        if not flagged:
            return "good" if chance[2] < 0.97 else "thread"
        if code in ("unknown", "good"):
            return "good" if chance[2] < 0.6 else "hole"
        return code if chance[2] < 0.85 else "good"

    def _make_rolls(self, block: Drawn) -> None:
        wanted = {(int(line), int(us)) for line, us in zip(block.line, block.us // ROLL_US, strict=True)}
        new = sorted(wanted - self.rolls.keys())
        made = Roll.objects.bulk_create([Roll(code=f"B-{line}-{number}", style=f"S{line}") for line, number in new])
        self.rolls.update(zip(new, (roll.pk for roll in made), strict=True))

    def _rolls_so_far(self) -> Iterator[tuple[tuple[int, int], int]]:
        for code, key in Roll.objects.filter(code__startswith="B-").values_list("code", "pk"):
            _b, line, number = code.split("-")
            yield (int(line), int(number)), key


CRITICAL = "metal_contamination"


def _burst(line: NDArray[np.int64], us: NDArray[np.int64]) -> NDArray[np.float64]:
    """A line has a bad hour now and then: its rate is four times as high."""
    hour = us // 3_600_000_000
    bad = (hour * 2_654_435_761 + line * 40_503) % 97 == 0
    return np.where(bad, 4.0, 1.0)


def _is_anomaly(flagged: bool, said: str | None) -> bool:
    return flagged if said is None else said != "good"


def _us(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1_000_000)


def _texts(us: NDArray[np.int64]) -> NDArray[np.str_]:
    """As SQLite keeps times, which PostgreSQL reads as well."""
    found = np.datetime_as_string(us.astype("datetime64[us]"), unit="us")
    letters = found.view("U1").reshape(len(found), -1)
    letters[:, 10] = " "
    return found


def _key(us: int, number: int, kind: int) -> str:
    """A time-ordered id, one for each kind of row of a capture."""
    return f"{(us // 1000) << 80 | 0x7 << 76 | kind << 64 | 0b10 << 62 | number:032x}"


def _dashed(key: str) -> str:
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
