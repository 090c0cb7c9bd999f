"""What a period is compared with: one that hangs on it, another shift, or two times of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import spans
from inspections.pages.when_asked import MOST_SHOWN, ONE_SHIFT, RELATIVE, asked, written
from inspections.pages.when_words import span_words
from inspections.snapshots import Refused
from inspections.spans import Hours, Span

COMPARED: dict[str, Promise] = {
    "previous": gettext_lazy("the period before"),
    "day": gettext_lazy("a day earlier"),
    "week": gettext_lazy("a week earlier"),
}
BACK = {"day": -1, "week": -7}
KEY, SINCE, UNTIL = "compare", "compare-from", "compare-to"
NAMES = (KEY, SINCE, UNTIL)


@dataclass(frozen=True)
class Beside:
    """`own`: how the address says it. `frozen`: the same in absolute times, where it moves by itself."""

    span: Span
    own: dict[str, str]
    frozen: dict[str, str]
    moving: bool = False

    @property
    def key(self) -> str:
        return self.own.get(KEY, "")


def beside(said: Mapping[str, str], span: Span, every: Sequence[Hours], now: datetime) -> Beside | Refused | None:
    """None: the address asks for no comparison. Times go before a name, as those of the period do."""
    key, since, until = (said.get(name, "") for name in NAMES)
    if since or until:
        return _other({"from": since, "to": until}, every, now)
    if key in COMPARED:
        own = {KEY: key}
        return Beside(_hanging(span, key), own, own)
    if key in RELATIVE or ONE_SHIFT.fullmatch(key):
        return _other({"when": key}, every, now)
    return Refused(_("There is no “%(value)s” to compare with.") % {"value": key[:MOST_SHOWN]}) if key else None


def _hanging(span: Span, key: str) -> Span:
    if key in BACK:
        zone = timezone.get_current_timezone()
        since, until = (spans.moved(moment, BACK[key], zone) for moment in (span.since, span.until))
    else:
        since, until = span.since - span.length, span.since
    return Span(since, max(since, until), span_words(since, until))


def _other(said: dict[str, str], every: Sequence[Hours], now: datetime) -> Beside | Refused:
    found = asked(said, every, now, "24h")
    if isinstance(found, Refused):
        return Refused(_("To compare with: %(reason)s") % {"reason": found.reason})
    fixed = absolute(found.span)
    return Beside(found.span, {KEY: found.key} if found.key else fixed, fixed, found.moving)


def absolute(span: Span) -> dict[str, str]:
    return {SINCE: written(span.since), UNTIL: written(span.until)}
