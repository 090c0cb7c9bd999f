"""How many defects the model lets through: the escape rate, estimated from a blind audit of what it passed.

Pure functions; they know no SQL and no Django. A *stratum* is whatever audits are drawn by, one line's hour. Three
parts, each simple enough to be checked alone:

1. `next_hour` says where the next audit is drawn, so that each passed image is as likely to be drawn as any other.
2. `audited` says what share of the passed images are defects. Days are weighted by what passed on them, because not
   every day's audits get answered. The interval is Clopper and Pearson's with the effective sample size of the
   weights (Korn and Graubard, Survey Methodology 24, 1998; Kish, Survey Sampling, 1965).
3. `estimate` sets the escapes, FN, beside the caught defects, TP: the escape rate is FN / (FN + TP). Flagged images
   without an answer are bounded, not guessed: at the low end all of them are defects, at the high end none is. People
   answer the worst first, so the answered ones do not speak for the others. The rate rises with FN and falls with
   TP, so its ends are at those corners, and it is covered at least as surely as FN is.
"""

import heapq
import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from inspections.beta import quantile

CONFIDENCE = 0.95
ENOUGH = 10  # answered audits; below, the interval says little and the page says so

Stratum = TypeVar("Stratum", bound=Hashable)


# --- where to draw ------------------------------------------------------------------------------------------------


def next_hour(passed: Mapping[Stratum, int], drawn: Mapping[Stratum, int], rng: random.Random) -> Stratum | None:
    """The stratum that the next audit comes from; None where every passed image was drawn."""
    return next(iter(next_hours(passed, drawn, 1, rng)), None)


def next_hours(
    passed: Mapping[Stratum, int], drawn: Mapping[Stratum, int], count: int, rng: random.Random
) -> list[Stratum]:
    """`count` draws in a row: each goes to the largest passed / (drawn + offset), equal ones by chance.

    With an offset of 1 this is D'Hondt's rule, and the small hours of a night would never be drawn while a day's
    large ones are not full: a few audits a day would not see the night at all. So each stratum has an offset of its
    own, uniform in (0, 1] and the same at every call. Then the number drawn is the exact quota rounded up or down, with
    a chance that makes it right on average (sequential Poisson sampling: Ohlsson, J. Official Statistics 14, 1998).
    """
    heap = [
        (-many / (drawn.get(stratum, 0) + _offset(stratum)), rng.random(), drawn.get(stratum, 0), stratum)
        for stratum, many in passed.items()
        if many > drawn.get(stratum, 0)
    ]
    heapq.heapify(heap)
    found: list[Stratum] = []
    while heap and len(found) < count:
        _priority, tie, so_far, stratum = heap[0]
        found.append(stratum)
        if so_far + 1 < passed[stratum]:
            priority = -passed[stratum] / (so_far + 1 + _offset(stratum))
            heapq.heapreplace(heap, (priority, tie, so_far + 1, stratum))
        else:
            heapq.heappop(heap)
    return found


def _offset(stratum: Hashable) -> float:
    """Uniform in (0, 1], from the stratum's name alone."""
    digest = blake2b(repr(stratum).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / 2**64


# --- what the audits say ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Day:
    """What the model passed on one day, how many of those audits were answered, and how many are defects."""

    passed: int
    answered: int = 0
    escapes: int = 0


@dataclass(frozen=True)
class Flagged:
    """The flagged images, and what people said of them."""

    flagged: int = 0
    defects: int = 0
    good: int = 0

    @property
    def answered(self) -> int:
        return self.defects + self.good

    @property
    def unanswered(self) -> int:
        return max(self.flagged - self.answered, 0)

    @property
    def caught(self) -> float | None:
        """Defects among them, the unanswered by the share of the answered; None where nothing says what they are."""
        if not self.unanswered:
            return float(self.defects)
        return self.defects * (1 + self.unanswered / self.answered) if self.answered else None


@dataclass(frozen=True)
class Audited:
    """The share of the passed images that are defects."""

    share: float
    interval: Interval
    effective: float  # the sample size that equal weights would have needed for the same
    covered: float  # the share of the pass volume on days with an answered audit; the others count like these


@dataclass(frozen=True)
class Escape:
    """One line over one period. What is None cannot be said, because nothing or too little was answered."""

    passed: int
    answered: int
    found: int
    flagged: Flagged
    audited: Audited | None = None
    missed: float | None = None  # FN, scaled to all that passed
    missed_between: Interval | None = None
    rate: float | None = None
    between: Interval | None = None

    @property
    def is_wide(self) -> bool:
        """True if so few audits were answered that the interval says little."""
        return self.answered < ENOUGH


def estimate(days: Sequence[Day], flagged: Flagged) -> Escape:
    """The escape rate of some days, with a 95 % interval."""
    passed = sum(_volume(day) for day in days)
    answered, found = sum(day.answered for day in days), sum(day.escapes for day in days)
    seen = audited(days)
    if seen is None:
        return Escape(passed, answered, found, flagged)
    missed = passed * seen.share
    # What was found is there, whatever the interval says.
    missed_between = Interval(max(passed * seen.interval.low, found), max(passed * seen.interval.high, found))
    caught = flagged.caught
    return Escape(
        passed=passed,
        answered=answered,
        found=found,
        flagged=flagged,
        audited=seen,
        missed=missed,
        missed_between=missed_between,
        rate=None if caught is None or missed + caught == 0 else missed / (missed + caught),
        between=Interval(
            _part(missed_between.low, flagged.defects + flagged.unanswered),
            _part(missed_between.high, flagged.defects),
        ),
    )


def audited(days: Sequence[Day]) -> Audited | None:
    """The days' shares, weighted by their pass volume; None where no audit was answered."""
    covered = [day for day in days if day.answered]
    if not covered:
        return None
    volume = sum(_volume(day) for day in covered)
    weights = [_volume(day) / volume for day in covered]
    share = sum(weight * day.escapes / day.answered for weight, day in zip(weights, covered, strict=True))
    effective = _effective(share, weights, covered)
    return Audited(
        share=share,
        interval=clopper_pearson(share * effective, effective),
        effective=effective,
        covered=volume / sum(_volume(day) for day in days),
    )


def _effective(share: float, weights: Sequence[float], days: Sequence[Day]) -> float:
    """The smaller of two. Kish's looks at the weights alone; Korn and Graubard's is share (1 - share) / V with V the
    variance that the days show, and sees that escapes gather on days that few audits speak for."""
    kish = 1 / sum(weight**2 / day.answered for weight, day in zip(weights, days, strict=True))
    variance = sum(weight**2 * _variance(day) for weight, day in zip(weights, days, strict=True))
    return min(kish, share * (1 - share) / variance) if variance else kish


def _variance(day: Day) -> float:
    """Of the day's share of escapes."""
    found = day.escapes / day.answered
    return found * (1 - found) / max(day.answered - 1, 1)


def clopper_pearson(found: float, size: float, confidence: float = CONFIDENCE) -> Interval:
    """The exact binomial interval of found / size (Biometrika 26, 1934); sizes need not be whole."""
    tail = (1 - confidence) / 2
    rest = size - found
    # A weighted sum may miss 0 or its size by a rounding.
    low = 0.0 if found < 1e-9 else quantile(found, rest + 1, tail)
    high = 1.0 if rest < 1e-9 else quantile(found + 1, rest, 1 - tail)
    return Interval(low, high)


def _volume(day: Day) -> int:
    """What passed; never less than what was audited of it."""
    return max(day.passed, day.answered)


def _part(missed: float, caught: float) -> float:
    return missed / (missed + caught) if missed + caught else 0.0
