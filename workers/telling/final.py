"""An error that no further attempt mends."""


class Final(str):
    """Why a telling is given up at once."""

    __slots__ = ()
