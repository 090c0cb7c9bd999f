"""The period of the managers' pages: which stretch of time the address asks for, and what to compare it with.

`when=1h|8h|24h|7d|28d|91d|180d|this-shift|last-shift|last-night|shift-<number>-<YYYY-MM-DD>`, or `from=` and `to=` as
local minutes. `compare=previous|day|week` or a shift as above, or `compare-from=` and `compare-to=`. Whatever else
stands in the address is kept.

A page asks `chosen`, answers with its `status`, and draws it: `{% include "inspections/_when.html" %}` with the answer
in the context as `when`, and `inspections/when.css` in its head.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from inspections import shifts
from inspections.pages.when_asked import ANY, absolute, asked, usual
from inspections.pages.when_beside import beside
from inspections.pages.when_picker import Offered, Picker, picker
from inspections.pages.when_words import open_words
from inspections.snapshots import Refused
from inspections.spans import Span

DEFAULT = "24h"
OLD_NAME = "period"


@dataclass(frozen=True)
class When:
    """What the address asks for. With `errors`, `span` is the usual one and the page answers 400."""

    span: Span
    compare: Span | None
    query: str  # the period alone, urlencoded: to carry on links
    frozen: str  # the same in absolute times
    moving: bool  # it ends now, and moves with it
    errors: list[str]
    picker: Picker
    now: datetime

    @property
    def until(self) -> datetime | None:
        """Where a list ends; None: it goes on, also to what a clock that is ahead wrote."""
        return None if self.span.until > self.now else self.span.until

    @property
    def is_open(self) -> bool:
        """It is not over: what it shows is of what came so far, whatever mark it ends on."""
        return self.until is None

    def narrowed(self, since: datetime | None, until: datetime | None, whole: str) -> "When":
        """As the page shows it where its address asks for times within it: they are what it is called, no other choice
        is pressed, and `whole`, an address, leads out of them."""
        span = Span(since or self.span.since, until or self.span.until, open_words(since, until))
        return replace(self, span=span, moving=False, picker=self.picker.narrowed(span, whole))

    @property
    def status(self) -> int:
        return 400 if self.errors else 200


def chosen(
    request: HttpRequest, now: datetime, default: str = DEFAULT, *, compares: bool = True, drops: Collection[str] = ()
) -> When:
    """The period of this address; one query, whatever it asks. `default` stands where it says nothing: a key of
    `when`, which may be a shift: a mill without shifts has its 24 hours then. `compares=False`: the page shows nothing
    beside its period. `drops`: what else narrows time on this page, and is gone once another period is chosen."""
    every, said = shifts.every_hours(), _renamed(request.GET)
    found = asked(said, every, now, default)
    errors = [found.reason] if isinstance(found, Refused) else []
    period = usual(every, now, default) if isinstance(found, Refused) else found
    other = beside(said, period.span, every, now) if compares else None
    if isinstance(other, Refused):
        errors, other = [*errors, other.reason], None
    own, frozen = (other.own, other.frozen) if other else ({}, {})
    return When(
        span=period.span,
        compare=other.span if other else None,
        query=urlencode({**period.own, **own}),
        frozen=urlencode({**absolute(period.span), **frozen}),
        moving=period.moving or bool(other and other.moving),
        errors=errors,
        picker=picker(said, period, other, Offered(compares, default == ANY, tuple(drops)), every, now),
        now=now,
    )


def _renamed(said: QueryDict) -> QueryDict:
    """`period` is what some pages called `when` before; addresses that people kept still say it."""
    if OLD_NAME not in said:
        return said
    found = said.copy()
    key = found.pop(OLD_NAME)[-1]
    if not any(found.get(name) for name in ("when", "from", "to")):
        found["when"] = str(key)
    return found
