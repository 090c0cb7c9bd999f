"""Blind questions: what the model said is kept from the person who was asked and has not answered.

Withheld on pages and in the API alike, verdict, flag, score, heat-map, warnings and history. It stays withheld when
the lease has run out or the person skipped: a look in between would make the answer worth nothing.
"""

from uuid import UUID

from inspections.models import Capture, Person, ReviewItem, SetAside


def withheld(person: Person) -> set[UUID]:
    """The captures whose answer this person must not see yet; a handful at most.

    Blind questions that they were shown last, or skipped, and that nobody has answered. Two seeks in two indexes: as
    one condition it would be a walk through everything that is open.
    """
    shown = ReviewItem.objects.open().filter(holder=person, blind=True)
    skipped = SetAside.objects.filter(person=person, unsure=False, item__blind=True, item__closed_at=None)
    return {*shown.values_list("capture_id", flat=True), *skipped.values_list("item__capture_id", flat=True)}


def is_withheld(person: Person, capture: Capture) -> bool:
    return capture.pk in withheld(person)
