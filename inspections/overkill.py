"""Overkill: the share of good images that were flagged, FP / (FP + TN), from answered flags and blind audits.

Pure functions; they know no SQL and no Django. Flagged images without an answer are bounded, all good or all defects,
and what passed is good but for the escapes, whose interval is that of the audits.
"""

from dataclasses import dataclass

from inspections.escape import ENOUGH, Escape, Interval


@dataclass(frozen=True)
class Overkill:
    """A share and its 95 % interval."""

    rate: float
    between: Interval


def overkill(found: Escape) -> Overkill | None:
    """None where too little was answered: fewer than ENOUGH flags or audits."""
    flagged = found.flagged
    if found.is_wide or found.missed is None or found.missed_between is None or flagged.answered < ENOUGH:
        return None
    likely = flagged.good * (1 + flagged.unanswered / flagged.answered)
    return Overkill(
        rate=_share(likely, found.passed - found.missed),
        between=Interval(
            _share(flagged.good, found.passed - found.missed_between.low),
            _share(flagged.good + flagged.unanswered, found.passed - found.missed_between.high),
        ),
    )


def _share(flagged: float, passed: float) -> float:
    """Of `flagged` among both; what passed is never less than nothing."""
    whole = flagged + max(passed, 0.0)
    return flagged / whole if whole else 0.0
