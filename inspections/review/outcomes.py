"""What can come of an answer. Expected outcomes are values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inspections.models import Capture, Label, Person


@dataclass(frozen=True)
class Decided:
    label: Label


@dataclass(frozen=True)
class Replayed:
    """The same answer came before, under the same token; nothing was written now."""

    label: Label


@dataclass(frozen=True)
class Changed:
    """Somebody said something since this was looked at; `by` is the label that stands, None where it was undone."""

    capture: Capture
    by: Label | None


@dataclass(frozen=True)
class Held:
    """Somebody else has it on their screen."""

    capture: Capture
    by: Person
    until: datetime


@dataclass(frozen=True)
class Refused:
    """It cannot be done: a kind for machines and words for people."""

    kind: str
    detail: str


@dataclass(frozen=True)
class NotYours:
    """Another person's label, and this one may not undo it."""

    by: Person


@dataclass(frozen=True)
class DecidedMany:
    labels: Sequence[Label]


@dataclass(frozen=True)
class Conflicts:
    """Nothing was written, because of these."""

    rows: Sequence[Changed | Held]


Outcome = Decided | Replayed | Changed | Held | Refused
