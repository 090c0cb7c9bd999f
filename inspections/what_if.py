"""What another threshold would have meant: flags an hour, escape rate and overkill, from what people said.

Pure functions; they know no SQL and no Django. Three sources, each speaking for its own population:

- the *sample*: scores of judged captures, drawn over the whole period. It says how many captures lie on either side
  of a threshold, and nothing about what they show.
- the *audits*: images that the model passed, drawn at random and asked blind. They speak for everything that passed.
- the *answers* about flagged images. People answer the worst first, so those without an answer are bounded: at one
  end all of them are defects, at the other none is.

With t the threshold, FN = defects that passed and lie below t + defects that were flagged and lie below t, and so
TP, FP, TN. Escape rate = FN / (FN + TP), overkill = FP / (FP + TN). The share of defects among the passed is that of
`escape.audited`, with its interval; it is never more than what the sample has on that side. Both rates are monotone in
each part, so their ends are at the corners. At the threshold in force the escape rate is that of `escape.estimate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from inspections.escape import ENOUGH, Day, Interval, audited

FINEST = 10_000  # a threshold is told to so many parts of one


@dataclass(frozen=True)
class Scored:
    """One judged capture of the sample. `weight`: how many it stands for. Always flagged: unknown, or no number."""

    score: float
    weight: float
    flagged: bool
    always: bool = False


@dataclass(frozen=True)
class Audit:
    """An answered audit of an image that passed."""

    day: int
    score: float
    defect: bool


@dataclass(frozen=True)
class Answer:
    """A flagged image, and what a person called it."""

    score: float
    defect: bool
    always: bool = False


@dataclass(frozen=True)
class Evidence:
    """One line over one period. `hours`: the time in which anything was judged; `passed`: by day."""

    judged: int = 0
    flagged: int = 0
    hours: float = 0.0
    passed: tuple[int, ...] = ()
    sample: tuple[Scored, ...] = ()
    audits: tuple[Audit, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def an_hour(self) -> float:
        """Judged captures in an hour in which the line runs."""
        return self.judged / self.hours if self.hours else 0.0

    @cached_property
    def weights(self) -> "Weights":
        return Weights.of(self.sample)

    @cached_property
    def said(self) -> "Said":
        return Said.of(self.answers)

    @cached_property
    def audited(self) -> "Audits":
        return Audits.of(self.audits, self.passed)


@dataclass(frozen=True)
class Weights:
    """The sample as arrays, by score. Shares of the whole sample's weight."""

    scores: NDArray[np.float64]  # (n,), rising; without those that are flagged always
    flagged: NDArray[np.float64]  # (n + 1,): weight of the flagged with a score below the i-th
    passed: NDArray[np.float64]  # (n + 1,)
    always: float
    total: float

    @classmethod
    def of(cls, sample: Sequence[Scored]) -> "Weights":
        ordered = sorted((one for one in sample if not one.always), key=lambda one: one.score)
        weight = np.array([one.weight for one in ordered], dtype=np.float64)
        is_flagged = np.array([one.flagged for one in ordered], dtype=bool)
        return cls(
            scores=np.array([one.score for one in ordered], dtype=np.float64),
            flagged=np.concatenate([[0.0], np.cumsum(weight * is_flagged)]),
            passed=np.concatenate([[0.0], np.cumsum(weight * ~is_flagged)]),
            always=sum(one.weight for one in sample if one.always),
            total=sum(one.weight for one in sample),
        )

    def share_flagged(self, threshold: float) -> float | None:
        """Of all judged, the share that this threshold flags."""
        if not self.total:
            return None
        below = self.flagged[self._place(threshold)] + self.passed[self._place(threshold)]
        return float(1 - below / self.total)

    def flagged_below(self, threshold: float) -> float:
        """Of what was flagged, the share that would pass."""
        whole = self.flagged[-1] + self.always
        return float(self.flagged[self._place(threshold)] / whole) if whole else 0.0

    def passed_below(self, threshold: float) -> float:
        """Of what passed, the share that would pass again."""
        return float(self.passed[self._place(threshold)] / self.passed[-1]) if self.passed[-1] else 1.0

    def _place(self, threshold: float) -> int:
        return int(np.searchsorted(self.scores, threshold, side="left"))


@dataclass(frozen=True)
class Said:
    """The answers as scores, rising; what is always flagged lies above every threshold."""

    defects: NDArray[np.float64]
    good: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "Said":
        scores = [(inf if one.always else one.score, one.defect) for one in answers]
        defects, good = (np.sort([score for score, is_defect in scores if is_defect is side]) for side in (True, False))
        return cls(defects, good)

    @property
    def count(self) -> int:
        return len(self.defects) + len(self.good)

    def below(self, threshold: float) -> tuple[int, int]:
        """Defects and good ones."""
        defects, good = (int(np.searchsorted(side, threshold, side="left")) for side in (self.defects, self.good))
        return defects, good


@dataclass(frozen=True)
class Audits:
    """The answered audits as arrays, and what passed by day: never less than what was audited of it."""

    scores: NDArray[np.float64]  # (n,) of those that show a defect
    days: NDArray[np.int64]  # (n,)
    answered: tuple[int, ...]  # by day
    passed: tuple[int, ...]  # by day

    @classmethod
    def of(cls, audits: Sequence[Audit], passed: Sequence[int]) -> "Audits":
        days = np.array([one.day for one in audits], dtype=np.int64)
        answered = np.bincount(days, minlength=len(passed)).tolist()
        return cls(
            scores=np.array([one.score for one in audits if one.defect], dtype=np.float64),
            days=np.array([one.day for one in audits if one.defect], dtype=np.int64),
            answered=tuple(answered),
            passed=tuple(max(pair) for pair in zip(passed, answered, strict=True)),
        )

    @property
    def volume(self) -> int:
        return sum(self.passed)

    def days_with(self, hits: NDArray[np.bool_]) -> list[Day]:
        found = np.bincount(self.days[hits], minlength=len(self.passed)).tolist()
        return [Day(*row) for row in zip(self.passed, self.answered, found, strict=True)]


@dataclass(frozen=True)
class Rate:
    """A share and its 95 % interval; None where there is not enough to say it."""

    value: float | None = None
    between: Interval | None = None


@dataclass(frozen=True)
class Meaning:
    """What a threshold would have meant."""

    threshold: float
    share: float | None  # of the judged, flagged
    flags_an_hour: float | None
    escape: Rate
    overkill: Rate


@dataclass(frozen=True)
class Side:
    """Flagged images on one side of the threshold: how many there are, and what people said of some."""

    count: float
    defects: int
    good: int

    @property
    def unanswered(self) -> float:
        return max(self.count - self.defects - self.good, 0.0)

    def scaled(self, answered: int) -> float | None:
        """So many of the answered, scaled to all; None where nothing was answered."""
        if not self.unanswered:
            return float(answered)
        total = self.defects + self.good
        return answered * (1 + self.unanswered / total) if total else None


def meaning(evidence: Evidence, threshold: float) -> Meaning:
    share = evidence.weights.share_flagged(threshold)
    return Meaning(
        threshold=threshold,
        share=share,
        flags_an_hour=None if share is None else share * evidence.an_hour,
        escape=_escape(evidence, threshold),
        overkill=_overkill(evidence, threshold),
    )


def by_cost(overkill: float, escape: float) -> float:
    """C_overkill / (C_overkill + C_escape): beyond it, passing an image costs more than looking at it."""
    return overkill / (overkill + escape)


def by_budget(evidence: Evidence, most: float) -> float | None:
    """The lowest threshold with at most `most` flags an hour; None where none has so few, or nothing is known."""
    weights = evidence.weights
    if not weights.total or not evidence.an_hour:
        return None
    allowed = most / evidence.an_hour * weights.total - weights.always
    if allowed < 0:
        return None
    below = weights.flagged + weights.passed  # weight under the i-th score
    places = np.flatnonzero(below[-1] - below <= allowed + 1e-9)
    place = int(places[0])
    return 0.0 if place == 0 else _just_above(float(weights.scores[place - 1]))


def _just_above(score: float) -> float | None:
    """The next threshold that one can tell; None beyond 1."""
    place = ceil(score * FINEST)
    found = next(value for value in (place / FINEST, (place + 1) / FINEST) if value > score)
    return found if found <= 1 else None


# --- the parts ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Amount:
    value: float
    low: float
    high: float
    most: float


def _escape(evidence: Evidence, threshold: float) -> Rate:
    if len(evidence.audits) < ENOUGH:
        return Rate()
    missed, caught = _passed_defects(evidence, threshold)
    below, above = _sides(evidence, threshold)
    under, over = below.scaled(below.defects), above.scaled(above.defects)
    value = None if under is None or over is None else _part(missed.value + under, caught.value + over)
    low = _part(missed.low + below.defects, caught.high + above.defects + above.unanswered)
    high = _part(missed.high + below.defects + below.unanswered, caught.low + above.defects)
    return Rate(value, Interval(low or 0.0, 1.0 if high is None else high))


def _overkill(evidence: Evidence, threshold: float) -> Rate:
    if len(evidence.audits) < ENOUGH or evidence.said.count < ENOUGH:
        return Rate()
    missed, caught = _passed_defects(evidence, threshold)
    below, above = _sides(evidence, threshold)
    again, flagged = missed.most, caught.most  # of what passed: would pass again, would be flagged
    under, over = below.scaled(below.good), above.scaled(above.good)
    value = (
        None if under is None or over is None else _part(flagged - caught.value + over, again - missed.value + under)
    )
    low = _part(flagged - caught.high + above.good, again - missed.low + below.good + below.unanswered)
    high = _part(flagged - caught.low + above.good + above.unanswered, again - missed.high + below.good)
    return Rate(value, Interval(low or 0.0, 1.0 if high is None else high))


def _passed_defects(evidence: Evidence, threshold: float) -> tuple[_Amount, _Amount]:
    """Defects that passed: those that would pass again, and those that would be flagged."""
    audits = evidence.audited
    under = audits.volume * evidence.weights.passed_below(threshold)
    again = audits.scores < threshold
    return _amount(audits, again, under), _amount(audits, ~again, audits.volume - under)


def _amount(audits: Audits, hits: NDArray[np.bool_], most: float) -> _Amount:
    """Never less than what was found, never more than lies on that side."""
    found = audited(audits.days_with(hits))
    assert found is not None  # there are audits, or nobody asks
    seen = float(hits.sum())
    most = max(most, seen)
    shares = (found.interval.low, found.share, found.interval.high)
    low, value, high = (min(max(audits.volume * share, seen), most) for share in shares)
    return _Amount(value, low, high, most)


def _sides(evidence: Evidence, threshold: float) -> tuple[Side, Side]:
    """The flagged images that would pass, and those that would be flagged again."""
    defects, good = evidence.said.below(threshold)
    under, over = defects + good, evidence.said.count - defects - good
    flagged = max(evidence.flagged, evidence.said.count)
    # The sample may miss a side that people have answered images of.
    count = min(max(flagged * evidence.weights.flagged_below(threshold), under), flagged - over)
    others = len(evidence.said.defects) - defects, len(evidence.said.good) - good
    return Side(count, defects, good), Side(flagged - count, *others)


def _part(some: float, rest: float) -> float | None:
    return some / (some + rest) if some + rest > 0 else None
