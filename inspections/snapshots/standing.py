"""What people said of one capture, and whether its effective label may teach: the rules, without a database.

An answer was given *in knowledge* of another where the other stood in sight: a later single or bulk answer. A blind
answer and an imported label were given without, and a second reading is shown to nobody but managers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inspections.models import How, Kind, LeftOut

KNOWING = frozenset({How.SINGLE, How.BULK})


@dataclass(frozen=True)
class Answer:
    """One answer that was not taken back. `class_id` None: unsure."""

    label: UUID
    person: int
    at: datetime
    how: str
    class_id: int | None
    beside: bool = False
    kind: str = ""  # of the question that it answers
    sees_all: bool = False  # the person is a manager or an admin


def doubt(effective: Answer, answers: Sequence[Answer], known: int | None) -> LeftOut | None:
    """Why this effective label does not teach, or None. `known`: the class that is known for sure, where one is.

    A known answer settles it. Else: somebody who was unsure after it leaves it unsettled, and so does another's answer
    of another class, unless one of the two was given in knowledge of the other and stands last.
    """
    if known is not None:
        return None if known == effective.class_id else LeftOut.CONFLICTING
    others = [one for one in answers if one.label != effective.label and one.kind != Kind.CONTROL]
    if any(one.class_id is None and one.label > effective.label for one in others):
        return LeftOut.UNSURE
    if any(_contradicts(one, effective) for one in others):
        return LeftOut.CONFLICTING
    return None


def _contradicts(other: Answer, effective: Answer) -> bool:
    """Another person says another class, and the effective answer did not overrule it knowingly."""
    if other.class_id in {None, effective.class_id} or other.person == effective.person:
        return False
    return not _overrules(effective, other)


def _overrules(effective: Answer, other: Answer) -> bool:
    if other.label > effective.label or effective.how not in KNOWING:
        return False
    return effective.sees_all or not other.beside
