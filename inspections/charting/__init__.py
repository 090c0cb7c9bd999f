"""Control charts of lines: subgroups out of the rollups, limits out of frozen baselines, signals out of both.

chart = chart_of(line)                       # or of a class
reading = read(chart, since, until, now)     # points with limits and signals, breaks, the standing baseline
confirm(chart, since, until, person, "the new model, a quiet week", now)
"""

from inspections.charting.baselines import (
    confirm,
    ended_by,
    from_period,
    history,
    points_to_a_false_signal,
    preview,
    proposal,
    spread,
    standing,
    standings,
)
from inspections.charting.breaking import breaks, breaks_of, breaks_once
from inspections.charting.choosing import Wish, chart_of, charts_of, choose
from inspections.charting.counting import subgroups
from inspections.charting.drawing import Limits, limits
from inspections.charting.points import Break, Point, Proposal, Reading, Subgroup
from inspections.charting.reading import points_of, read
from inspections.charting.words import signal_words
from inspections.snapshots import Refused

__all__ = [
    "Break",
    "Limits",
    "Point",
    "Proposal",
    "Reading",
    "Refused",
    "Subgroup",
    "Wish",
    "breaks",
    "breaks_of",
    "breaks_once",
    "chart_of",
    "charts_of",
    "choose",
    "confirm",
    "ended_by",
    "from_period",
    "history",
    "limits",
    "points_of",
    "points_to_a_false_signal",
    "preview",
    "proposal",
    "read",
    "signal_words",
    "spread",
    "standing",
    "standings",
    "subgroups",
]
