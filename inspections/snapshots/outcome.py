"""What can come of asking for something: wherever it is not done, and words say why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused:
    """It is not done; why, in words for the person who asked. `field`: what of a form is wrong, where it is one
    thing."""

    reason: str
    field: str = ""
