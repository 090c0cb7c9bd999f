"""The one way to refuse data: a single message that names a few rows and counts the rest."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 5  # rows named in a message; the rest are counted


class DataError(Exception):
    """The data cannot be used; the message names what is wrong and where."""


def refuse(what: str, found: Sequence[str]) -> None:
    """DataError if anything was found, naming the first few."""
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise DataError(f"{what}: {', '.join(found[:NAMED])}{more}")
