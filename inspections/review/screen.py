"""What was on a person's screen: only that can be labelled in bulk."""

from collections.abc import Iterable
from uuid import UUID

from django.core import signing

from inspections.models import Person

MOST = 200
MAX_AGE_S = 12 * 60 * 60
SALT = "selvedge.screen"


def sign(person: Person, capture_ids: Iterable[UUID]) -> str:
    """A token that names these captures and this person. ValueError for more than MOST."""
    ids = [key.hex for key in capture_ids]
    if len(ids) > MOST:
        raise ValueError(f"at most {MOST} on a screen")
    return signing.dumps([person.pk, ids], salt=SALT, compress=True)


def read(person: Person, token: str) -> set[UUID] | None:
    """The captures of a token; None where it is damaged, too old, or another person's."""
    try:
        owner, ids = signing.loads(token, salt=SALT, max_age=MAX_AGE_S)
    except signing.BadSignature:
        return None
    return {UUID(hex=key) for key in ids} if owner == person.pk else None
