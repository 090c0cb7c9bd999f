"""What may come of carrying out a run. All are expected, so they are values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trained:
    """The process ended well, and its bundle lies in the work folder."""


@dataclass(frozen=True)
class Failed:
    """It would fail again: `reason` in words."""

    reason: str


@dataclass(frozen=True)
class Died:
    """The process was killed or died (the memory, a hand): it goes on at its last epoch, a few times."""

    reason: str


@dataclass(frozen=True)
class Cancelled:
    """Somebody cancelled it meanwhile."""


@dataclass(frozen=True)
class Lost:
    """Another worker took it over, or it was ended behind our back."""


@dataclass(frozen=True)
class Stopped:
    """Its worker was asked to end: the next one goes on at its last epoch, and no death is counted."""


Ended = Cancelled | Lost | Stopped
Outcome = Trained | Failed | Died | Ended
