"""Ids and where they point: UUID version 7, so that rows and files sort by the time they were made."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new time-ordered id; ids made in one process rise strictly."""
    return uuid7()


def made_at(key: UUID) -> datetime:
    """The UTC time (millisecond resolution) inside a version 7 id: RFC 9562, section 5.7."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)
