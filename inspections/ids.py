"""Ids and where they point: UUID version 7, so that rows and files sort by the time they were made."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new time-ordered id; ids made in one process rise strictly."""
    return uuid7()


def id_at(moment: datetime) -> UUID:
    """An id as if it had been made at that time: RFC 9562, section 5.7, with random bits after the milliseconds."""
    stamp = int(moment.timestamp() * 1000) << 80
    return UUID(int=stamp | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62))


def made_at(key: UUID) -> datetime:
    """The UTC time (millisecond resolution) inside a version 7 id: RFC 9562, section 5.7."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)
