"""What is told of a draft before anybody confirms it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from inspections.escape import Interval, clopper_pearson
from inspections.models import Capture, Line, ModelVersion
from ml.prototypes import Floats, Prototype

MOST_LOST = 0.01  # of a class's recall


@dataclass(frozen=True)
class Seen:
    """One capture of the draft, or a look-alike. `distance` to the centre, None where nothing was kept of it."""

    capture: Capture
    role: str  # of ExampleRole, empty where nobody said anything yet
    distance: float | None
    inside: bool = False  # it would be called the new class
    others: bool = False  # people say that it is of another class


@dataclass(frozen=True)
class Effect:
    """One old class on the captures that were measured: its recall before, and with the new class beside it."""

    code: str
    images: int
    before: float
    after: float

    @property
    def lost(self) -> float:
        return self.before - self.after


@dataclass(frozen=True)
class Precision:
    """Of what falls inside the radius and is known: how much is of the class."""

    right: int
    wrong: int

    @property
    def share(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def between(self) -> Interval | None:
        return clopper_pearson(self.right, self.right + self.wrong) if self.right + self.wrong else None


@dataclass(frozen=True)
class Reckoned:
    """`objection`: why it cannot be confirmed, in words with figures; empty where it can."""

    objection: str
    seen: Sequence[Seen] = ()  # examples and accepted ones
    rejected: Sequence[Seen] = ()
    alike: Sequence[Seen] = ()  # the nearest first
    alike_note: str = ""
    version: ModelVersion | None = None
    lines: Sequence[Line] = ()
    mm_per_px: float | None = None
    prototype: Prototype | None = None
    rivals: Floats | None = None
    spread: Sequence[float] = ()
    swallowed: dict[str, float] = field(default_factory=dict)
    effects: Sequence[Effect] = ()
    golden: str = ""  # the golden set that was measured; empty: labelled captures were
    measured: int = 0
    of: int = 0  # captures in that set
    borrowed: int = 0  # good ones that nobody labelled, passed by the model
    precision: Precision = Precision(0, 0)

    @property
    def stamp(self) -> str:
        """What was reckoned with: another one means that the draft or a label has changed since."""
        told = [(str(one.capture.pk), one.role, str(one.capture.label_id)) for one in (*self.seen, *self.rejected)]
        return sha256(repr((sorted(told), self.version.pk if self.version else None)).encode()).hexdigest()[:16]

    @property
    def labels(self) -> dict[UUID, UUID | None]:
        """The effective label of each capture that is to be labelled, as it was then."""
        return {one.capture.pk: one.capture.label_id for one in self.seen}

    @property
    def figures(self) -> dict[str, Any]:
        """What was on the page, as it is kept with the class."""
        between = self.precision.between
        return {
            "version": self.version.name if self.version else None,
            "examples": len(self.seen),
            "rejected": len(self.rejected),
            "radius": _short(self.prototype.radius if self.prototype else None),
            "spread": [_short(one) for one in self.spread],
            "swallowed": {code: _short(share) for code, share in self.swallowed.items()},
            "precision": [
                self.precision.right,
                self.precision.wrong,
                *([_short(between.low), _short(between.high)] if between else []),
            ],
            "recall": {one.code: [one.images, _short(one.before), _short(one.after)] for one in self.effects},
            "golden": self.golden,
            "measured": self.measured,
        }


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
