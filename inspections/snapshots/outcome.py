"""What can come of asking for a snapshot, a quarantine or anything else of retraining."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused:
    """It is not done; why, in words for the person who asked."""

    reason: str
