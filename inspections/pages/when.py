"""The period of the managers' pages: which stretch of time the address asks for, and what to compare it with.

`when=24h|7d|28d|91d|180d|this-shift|last-shift|last-night|shift-<number>-<YYYY-MM-DD>`, or `from=` and `to=` as local
minutes, and `compare=previous|day|week`. Whatever else stands in the address is kept.

A page asks `chosen`, answers with its `status`, and draws it: `{% include "inspections/_when.html" %}` with the answer
in the context as `when`, and `inspections/when.css` in its head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections import shifts, spans
from inspections.pages.when_asked import MOST_SHOWN, absolute, asked, usual
from inspections.pages.when_picker import COMPARED, Picker, picker
from inspections.pages.when_words import span_words
from inspections.snapshots import Refused
from inspections.spans import Span

DEFAULT = "24h"
BACK = {"day": -1, "week": -7}


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

    @property
    def status(self) -> int:
        return 400 if self.errors else 200


def chosen(request: HttpRequest, now: datetime, default: str = DEFAULT) -> When:
    """The period of this address; one query, whatever it asks. `default` stands where it says nothing: a key of
    `when`, which may be a shift: a mill without shifts has its 24 hours then."""
    every, said = shifts.every_hours(), request.GET
    found = asked(said, every, now, default)
    errors = [found.reason] if isinstance(found, Refused) else []
    period = usual(every, now, default) if isinstance(found, Refused) else found
    against, wrong = _against(said)
    compare = {"compare": against} if against else {}
    return When(
        span=period.span,
        compare=_compared(period.span, against),
        query=urlencode({**period.own, **compare}),
        frozen=urlencode({**absolute(period.span), **compare}),
        moving=period.moving,
        errors=[*errors, *wrong],
        picker=picker(said, period, every, against, now),
    )


def _against(said: Mapping[str, str]) -> tuple[str, list[str]]:
    """What to compare with, and what is wrong with that."""
    against = said.get("compare", "")
    if not against or against in COMPARED:
        return against, []
    return "", [_("There is no “%(value)s” to compare with.") % {"value": against[:MOST_SHOWN]}]


def _compared(span: Span, against: str) -> Span | None:
    if not against:
        return None
    if against in BACK:
        zone = timezone.get_current_timezone()
        since, until = (spans.moved(moment, BACK[against], zone) for moment in (span.since, span.until))
    else:
        since, until = span.since - span.length, span.since
    return Span(since, max(since, until), span_words(since, until))
