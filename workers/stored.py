"""The bytes that storage keeps, and long lists a part at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.core.files.storage import default_storage

T = TypeVar("T")


def stored(path: str) -> bytes | None:
    """The file's bytes; None where it is gone. OSError where the storage cannot give it now."""
    try:
        with default_storage.open(path) as file:
            data: bytes = file.read()
    except FileNotFoundError:
        return None
    return data


def in_parts(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
