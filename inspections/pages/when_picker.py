"""What the picker of time shows: every choice is a link, so it works without JavaScript. `_when.html` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import spans
from inspections.pages.when_asked import (
    LAST_NIGHT,
    LAST_SHIFT,
    PRESETS,
    THIS_SHIFT,
    YEARS,
    Asked,
    absolute,
    last,
    last_night,
)
from inspections.pages.when_words import run_words
from inspections.spans import DAY, Hours, Run

COMPARED: dict[str, Promise] = {
    "previous": gettext_lazy("the period before"),
    "day": gettext_lazy("a day earlier"),
    "week": gettext_lazy("a week earlier"),
}
OWN = ("when", "from", "to", "compare")
PLACES = ("page", "after", "before", "cursor")  # a place in a list of another period is none in this one's
SHIFTS_LISTED = 9
WALL_LENGTH = len("2026-11-22T14:05")  # a field takes no offset


@dataclass(frozen=True)
class Link:
    """One choice. `query` is the whole address's."""

    words: str
    query: str
    is_chosen: bool = False
    more: str = ""


@dataclass(frozen=True)
class Picker:
    """Every choice, and what the fields hold."""

    shifts: tuple[Link, ...]  # last night's, the last one, the one that is on
    ended: tuple[Link, ...]  # the last ones by name and date
    presets: tuple[Link, ...]
    compares: tuple[Link, ...]
    frozen: str
    earlier: str
    later: str  # empty: it has not begun
    since: str  # local
    until: str
    compare: str
    others: tuple[tuple[str, str], ...]  # what the form carries along
    is_absolute: bool
    is_listed: bool  # one of `ended` is chosen
    has_shifts: bool


@dataclass(frozen=True)
class _Address:
    """Queries that keep what else stands in the address."""

    others: tuple[tuple[str, str], ...]
    against: str

    def with_(self, period: dict[str, str], against: str | None = None) -> str:
        against = self.against if against is None else against
        return urlencode([*self.others, *period.items(), *([("compare", against)] if against else [])])


def picker(said: QueryDict, period: Asked, every: Sequence[Hours], against: str, now: datetime) -> Picker:
    others = tuple((name, text) for name in said if name not in (*OWN, *PLACES) for text in said.getlist(name))
    address = _Address(others, against)
    fields = absolute(period.span)
    listed = _ended(address, period, every, now)
    return Picker(
        shifts=_now(address, period, every, now),
        ended=listed,
        presets=tuple(
            Link(str(words), address.with_({"when": key}), period.key == key)
            for key, (_length, words) in PRESETS.items()
        ),
        compares=tuple(
            Link(str(words), address.with_(period.own, key), against == key)
            for key, words in {"": gettext_lazy("nothing"), **COMPARED}.items()
        ),
        frozen=address.with_(fields),
        earlier=_step(address, period, every, now, -1),
        later=_step(address, period, every, now, 1),
        since=said.get("from") or fields["from"][:WALL_LENGTH],
        until=said.get("to") or fields["to"][:WALL_LENGTH],
        compare=against,
        others=others,
        is_absolute=not period.key,
        is_listed=any(link.is_chosen for link in listed),
        has_shifts=bool(every),
    )


def _now(address: _Address, period: Asked, every: Sequence[Hours], now: datetime) -> tuple[Link, ...]:
    """What stands first. Last night's shift is often the last one, and then it stands once."""
    ended, night, on = last(every, now), last_night(every, now), spans.running(every, now)
    found: list[tuple[str, str, Run]] = []
    if night and night.until > now - DAY:
        found.append((LAST_NIGHT, _("Last night’s shift"), night))
    if ended and ended != night:
        found.append((LAST_SHIFT, _("Last shift"), ended))
    if on:
        found.append((THIS_SHIFT, _("This shift"), on))
    return tuple(
        Link(words, address.with_({"when": key}), period.key == key, run_words(run)) for key, words, run in found
    )


def _ended(address: _Address, period: Asked, every: Sequence[Hours], now: datetime) -> tuple[Link, ...]:
    return tuple(
        Link(run_words(run), address.with_({"when": _key(run)}), period.key == _key(run))
        for run in spans.ended(every, now)[:SHIFTS_LISTED]
    )


def _key(run: Run) -> str:
    return f"shift-{run.hours.number}-{run.day:%Y-%m-%d}"


# --- earlier and later --------------------------------------------------------------------------------------------


def _step(address: _Address, period: Asked, every: Sequence[Hours], now: datetime, direction: int) -> str:
    """The shift before or after, where it is one; else as far on as the period is long. Empty: it has not begun."""
    if period.run:
        found = spans.beside(period.run, every, direction)
        return address.with_({"when": _key(found)}) if found and found.since <= now else ""
    since, until = spans.stepped(period.span, direction, timezone.get_current_timezone())
    if since > now or since.year not in YEARS:
        return ""
    return address.with_(absolute(replace(period.span, since=since, until=until)))
