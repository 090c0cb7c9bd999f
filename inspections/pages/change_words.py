"""A figure beside that of the period it is compared with, in words."""

from django.utils.translation import gettext as _

from inspections.pages.periods import rounded
from inspections.rates import Tally
from inspections.spans import Span


def per_length(now: Span, before: Span) -> float:
    """By what a count of the earlier period is multiplied to be one of as many hours as the later has."""
    return now.length / before.length


def change(now: float, before: float, scale: float = 1.0) -> float | None:
    """How much more there is, as a share of what there was; None where there was nothing."""
    return (now - scale * before) / (scale * before) if before else None


def more(now: float, before: float, scale: float = 1.0) -> str:
    """The same in percent, in words."""
    share = change(now, before, scale)
    return "–" if share is None else f"{_signed(100 * share, 0)} %"


def points(now: Tally, before: Tally) -> str:
    """How far a rate went, in percentage points."""
    if now.percent is None or before.percent is None:
        return "–"
    return _("%(n)s points") % {"n": _signed(now.percent - before.percent, 2)}


def _signed(value: float, digits: int) -> str:
    size = rounded(abs(value), digits)
    if size == rounded(0, digits):
        return f"±{size}"
    return f"{'+' if value > 0 else '−'}{size}"
