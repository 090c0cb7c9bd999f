"""A new class from a few examples: drafted, reckoned, confirmed, and ended by a training or taken back."""

from inspections.new_class.confirming import Confirmed, confirm
from inspections.new_class.drafts import draft_of, drop, keep, mark
from inspections.new_class.ending import carry_on, objection_to_taking_back, take_back
from inspections.new_class.prototypes import is_work_left
from inspections.new_class.reckoned import Reckoned
from inspections.new_class.reckoning import reckon

__all__ = [
    "Confirmed",
    "Reckoned",
    "carry_on",
    "confirm",
    "draft_of",
    "drop",
    "is_work_left",
    "keep",
    "mark",
    "objection_to_taking_back",
    "reckon",
    "take_back",
]
