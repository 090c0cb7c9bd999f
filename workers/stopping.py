"""Whether this worker was asked to end. Celery tells its main process alone and then waits for what is under way, so
the processes that do long work look at a byte that all of them share, and hand their work back."""

import mmap

_asked = mmap.mmap(-1, 1)  # anonymous, so it is shared with whatever is forked after this import


def ask(**_: object) -> None:
    """Safe in a signal's handler."""
    _asked[0] = 1


def is_asked() -> bool:
    return bool(_asked[0])
