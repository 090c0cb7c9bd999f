"""Blind questions: what the model said is kept from the person who was asked and has not answered.

Withheld on pages and in the API alike, verdict, flag, score, heat-map, warnings and history. It stays withheld when
the lease has run out or the person skipped: a look in between would make the answer worth nothing.
"""

from uuid import UUID

from inspections.models import Capture, Person, ReviewItem


def withheld(person: Person) -> set[UUID]:
    """The captures whose answer this person must not see yet; a handful at most."""
    return set(ReviewItem.objects.withheld_from(person).values_list("capture_id", flat=True))


def is_withheld(person: Person, capture: Capture) -> bool:
    return ReviewItem.objects.withheld_from(person).filter(capture=capture).exists()
