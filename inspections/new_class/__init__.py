"""A new class from a few examples: drafted, reckoned, confirmed, and ended by a training or taken back."""

from inspections.new_class.confirming import Confirmed, confirm
from inspections.new_class.drafts import describe, draft_of, drop, mark, sort_out
from inspections.new_class.ending import carry_on, objection_to_taking_back, take_back
from inspections.new_class.reckoned import Reckoned
from inspections.new_class.reckoning import reckon

__all__ = [
    "Confirmed",
    "Reckoned",
    "carry_on",
    "confirm",
    "describe",
    "draft_of",
    "drop",
    "mark",
    "objection_to_taking_back",
    "reckon",
    "sort_out",
    "take_back",
]
