"""From looks to troubles: one pure function, the same for what happens now and for the replay of what happened.

A look says whether a rule's condition held at one moment. `k` of the last `n` looks that said anything make a sign.
Signs that follow each other closely are one trouble; a trouble whose signs have ended for a while is over, and for a
while after that (the cool-down) further signs raise nothing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

MEMORY = timedelta(hours=24)  # looks that lie further apart than this are not counted together


@dataclass(frozen=True)
class Look:
    """`over`: the condition held; None where too little was judged to say. `began`: the first defect or other sign
    that this look could see. `figures`: what was seen, for words and pages."""

    at: datetime
    over: bool | None
    began: datetime | None = None
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Habit:
    """How a rule turns looks into troubles. `quiet`: without a sign for longer than this, a trouble is over.
    `memory`: of the last `n` looks only those count that lie less than this before the newest."""

    quiet: timedelta
    cool_down: timedelta
    k: int = 1
    n: int = 1
    memory: timedelta = MEMORY

    @property
    def back(self) -> timedelta:
        """How far before a look those lie that may count with it."""
        return self.memory if self.n > 1 else timedelta(0)


@dataclass(frozen=True)
class Trouble:
    """`raised`: the look that raised it, and `told` what that look saw; `figures`: what the latest one saw. `row`: the
    alarm that tells of it, None where none does yet. `ended`: when that alarm was resolved; None while it is open."""

    since: datetime
    raised: datetime
    last: datetime
    signs: int = 1
    figures: dict[str, Any] = field(default_factory=dict)
    row: int | None = None
    ended: datetime | None = None
    told: dict[str, Any] = field(default_factory=dict, compare=False)

    def end(self, habit: Habit) -> datetime:
        """When it is over, unless another sign comes. A person may end it earlier, and nobody later: what came to
        pass between its last sign and a late resolution is not its own."""
        quiet = self.last + habit.quiet
        return min(self.ended, quiet) if self.ended else quiet

    def takes(self, at: datetime, habit: Habit) -> bool:
        """A sign then is a sign of this trouble; also one that arrives late and lies shortly before it."""
        return self.since - habit.quiet <= at <= self.end(habit)

    def silences(self, at: datetime, habit: Habit) -> bool:
        """A sign then comes within its cool-down."""
        end = self.end(habit)
        return end < at < end + habit.cool_down


def troubles(
    looks: Iterable[Look], habit: Habit, known: Sequence[Trouble] = (), since: datetime | None = None
) -> list[Trouble]:
    """What the looks (in order of time) come to, beside the troubles that are known already; oldest first.

    Known ones come back with the signs that are new since their `last`. Looks up to `since` count with later ones, and
    are no signs themselves.
    """
    found = sorted(known, key=lambda one: one.since)
    recent: deque[Look] = deque(maxlen=habit.n)
    for look in looks:
        if look.over is None:
            continue
        recent.append(look)
        while look.at - recent[0].at >= habit.memory:
            recent.popleft()
        is_early = since is not None and look.at <= since
        if is_early or not look.over or sum(bool(one.over) for one in recent) < habit.k:
            continue
        place = next((number for number, one in enumerate(found) if one.takes(look.at, habit)), None)
        if place is not None:
            found[place] = _with(found[place], look)
        elif not any(one.silences(look.at, habit) for one in found):
            found.append(_new(recent, look))
    return sorted(found, key=lambda one: one.since)


def _with(trouble: Trouble, look: Look) -> Trouble:
    if look.at <= trouble.last or trouble.ended:
        return trouble
    return replace(trouble, last=look.at, signs=trouble.signs + 1, figures=look.figures)


def _new(recent: Iterable[Look], look: Look) -> Trouble:
    """It began where the looks that led to it first saw something."""
    began = [one.began or one.at for one in recent if one.over]
    return Trouble(since=min(began), raised=look.at, last=look.at, figures=look.figures, told=look.figures)
