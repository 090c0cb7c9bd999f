"""Snapshots: what trains, what validates, and the golden set that never does either."""

from inspections.snapshots.extending import extend_golden
from inspections.snapshots.foreseen import Foreseen, counted, foresee, keep_fresh
from inspections.snapshots.freezing import freeze, make_golden, newest_golden
from inspections.snapshots.news import new_labels_since
from inspections.snapshots.outcome import Refused

__all__ = [
    "Foreseen",
    "Refused",
    "counted",
    "extend_golden",
    "foresee",
    "freeze",
    "keep_fresh",
    "make_golden",
    "new_labels_since",
    "newest_golden",
]
