"""Control charts of lines: subgroups out of the rollups, limits out of frozen baselines, signals out of both."""

from inspections.charting.points import Break, Point, Proposal, Reading, Subgroup
from inspections.snapshots import Refused

__all__ = ["Break", "Point", "Proposal", "Reading", "Refused", "Subgroup"]
