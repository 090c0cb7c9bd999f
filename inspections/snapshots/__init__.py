"""Snapshots: what trains, what validates, and the golden set that never does either."""

from inspections.snapshots.extending import extend_golden
from inspections.snapshots.freezing import freeze, make_golden, newest_golden
from inspections.snapshots.news import new_labels_since
from inspections.snapshots.outcome import Refused

__all__ = ["Refused", "extend_golden", "freeze", "make_golden", "new_labels_since", "newest_golden"]
