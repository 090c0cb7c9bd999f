"""What the picker of time shows: every choice is a link, so it works without JavaScript. `_when.html` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import spans
from inspections.pages.when_asked import (
    ANY,
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
from inspections.pages.when_beside import COMPARED, KEY, NAMES, Beside
from inspections.pages.when_beside import absolute as absolute_beside
from inspections.pages.when_words import run_words
from inspections.spans import DAY, Hours, Run, Span

OWN = ("when", "from", "to", *NAMES)
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
    compares: tuple[Link, ...]  # none of them: the page compares nothing
    compared_shifts: tuple[Link, ...]
    frozen: str
    earlier: str
    later: str  # empty: it has not begun
    since: str  # local
    until: str
    compared_since: str
    compared_until: str
    others: tuple[tuple[str, str], ...]  # what both forms carry along
    compare: tuple[tuple[str, str], ...]  # what the period's form carries along
    period: tuple[tuple[str, str], ...]  # what the comparison's form carries along, and the page's own
    is_absolute: bool
    is_any: bool
    is_listed: bool  # one of `ended` is chosen
    has_shifts: bool
    whole: str | None = None  # the address of the period, where times within it are shown

    def narrowed(self, span: Span, whole: str) -> "Picker":
        """Of times within the period: none of the choices is them, and none lies before or after."""
        fields = absolute(span)
        return replace(
            self,
            shifts=_unpressed(self.shifts),
            ended=_unpressed(self.ended),
            presets=_unpressed(self.presets),
            earlier="",
            later="",
            since=fields["from"][:WALL_LENGTH],
            until=fields["to"][:WALL_LENGTH],
            is_listed=False,
            whole=whole,
        )


def _unpressed(links: tuple[Link, ...]) -> tuple[Link, ...]:
    return tuple(replace(link, is_chosen=False) for link in links)


@dataclass(frozen=True)
class Offered:
    """What this page has beside the usual choices. `drops`: names that another choice takes out of the address."""

    compares: bool = True
    any_time: bool = False
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Address:
    """Queries that keep what else stands in the address."""

    others: tuple[tuple[str, str], ...]
    against: dict[str, str]

    def with_(self, period: dict[str, str], against: dict[str, str] | None = None) -> str:
        return urlencode([*self.others, *period.items(), *(self.against if against is None else against).items()])


def picker(
    said: QueryDict, period: Asked, other: Beside | None, offered: Offered, every: Sequence[Hours], now: datetime
) -> Picker:
    gone = (*OWN, *PLACES, *offered.drops)
    others = tuple((name, text) for name in said if name not in gone for text in said.getlist(name))
    address = _Address(others, other.own if other else {})
    fields = {} if period.key == ANY else absolute(period.span)
    frozen = other.frozen if other else {}
    beside = absolute_beside(other.span) if other else {}
    listed = _ended(address, period, every, now)
    return Picker(
        shifts=_now(address, period, every, now),
        ended=listed,
        presets=_presets(address, period, offered),
        compares=_compares(address, period, other) if offered.compares else (),
        compared_shifts=_compared_shifts(address, period, other, every, now) if offered.compares else (),
        frozen=address.with_(fields, frozen),
        earlier=_step(address, period, every, now, -1),
        later=_step(address, period, every, now, 1),
        since=said.get("from") or fields.get("from", "")[:WALL_LENGTH],
        until=said.get("to") or fields.get("to", "")[:WALL_LENGTH],
        compared_since=said.get("compare-from") or beside.get("compare-from", "")[:WALL_LENGTH],
        compared_until=said.get("compare-to") or beside.get("compare-to", "")[:WALL_LENGTH],
        others=others,
        compare=tuple(address.against.items()),
        period=tuple(period.own.items()),
        is_absolute=not period.key,
        is_any=period.key == ANY,
        is_listed=any(link.is_chosen for link in listed),
        has_shifts=bool(every),
    )


def _presets(address: _Address, period: Asked, offered: Offered) -> tuple[Link, ...]:
    """Where any time can be chosen, it stands for the longest."""
    named = {key: words for key, (_length, words) in PRESETS.items()}
    if offered.any_time:
        named.popitem()
        named = {ANY: gettext_lazy("Any time"), **named}
    return tuple(Link(str(words), address.with_({"when": key}), period.key == key) for key, words in named.items())


def _compares(address: _Address, period: Asked, other: Beside | None) -> tuple[Link, ...]:
    key = other.key if other else ""
    nothing = Link(_("nothing"), address.with_(period.own, {}), other is None)
    links = (Link(str(words), address.with_(period.own, {KEY: one}), key == one) for one, words in COMPARED.items())
    return (nothing, *links)


def _compared_shifts(
    address: _Address, period: Asked, other: Beside | None, every: Sequence[Hours], now: datetime
) -> tuple[Link, ...]:
    """Other shifts than the one that is shown."""
    key = other.key if other else ""
    return tuple(
        Link(run_words(run), address.with_(period.own, {KEY: _key(run)}), key == _key(run))
        for run in spans.ended(every, now)[:SHIFTS_LISTED]
        if run != period.run
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
