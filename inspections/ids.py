"""Ids and where they point: UUID version 7, so that rows and files sort by the time they were made."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new time-ordered id; ids made in one process rise strictly."""
    return uuid7()


def id_at(moment: datetime) -> UUID:
    """An id as if `new_id` had made it at that time: its counter begins below half of its range (RFC 9562, 6.2)."""
    stamp = int(moment.timestamp() * 1000) << 80
    return UUID(int=stamp | 0x7 << 76 | secrets.randbits(11) << 64 | 0b10 << 62 | secrets.randbits(62))


def made_at(key: UUID) -> datetime:
    """The UTC time (millisecond resolution) inside a version 7 id: RFC 9562, section 5.7."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)
