"""What cannot be done now, and when to come again: told apart from what is broken."""

import errno
from dataclasses import dataclass

from django.db.utils import InterfaceError, OperationalError

FULL = {errno.ENOSPC, errno.EDQUOT}
STORAGE_AWAY = {errno.EIO, errno.EROFS, errno.ENOTCONN, errno.ESTALE, errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True)
class Outage:
    """A passing inability: the HTTP status, a kind, words for the caller, and seconds to wait."""

    status: int
    kind: str
    detail: str
    retry_after: int


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage behind an exception, or None where it is a mistake of ours."""
    if isinstance(error, OperationalError | InterfaceError):
        return Outage(503, "database-unavailable", "The database cannot take this now. Try again.", 2)
    if isinstance(error, OSError) and error.errno in FULL:
        return Outage(507, "storage-full", "The storage is full. Nothing was kept. Try again later.", 30)
    if isinstance(error, OSError) and error.errno in STORAGE_AWAY:
        return Outage(503, "storage-unavailable", "The storage cannot take this now. Try again.", 5)
    return None
