"""Parts of the period that review is counted over, shifts and steps, each beside the one that lies there in the period
compared with. Latest first for shifts, as the page has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.http import urlencode

from inspections.decisions import Cost, Decided, overkill_cost
from inspections.pages.change_words import change, more
from inspections.pages.decisions_list import Which
from inspections.pages.durations import duration_words
from inspections.pages.periods import rounded
from inspections.pages.review_asked import Asked
from inspections.pages.when_words import run_words
from inspections.rates import HOUR
from inspections.spans import Run, Span


@dataclass(frozen=True)
class Before:
    """Decisions and good images sent in the period compared with, the list of each, and how far they went since."""

    url: str
    images_url: str
    decisions: int
    decisions_change: str
    images: int
    images_change: str
    minutes: str


@dataclass(frozen=True)
class Part:
    """What was decided from `since` until before `until`; `run`: the shift that it is of."""

    since: datetime
    until: datetime
    decided: Decided
    run: Run | None = None

    @property
    def hours(self) -> float:
        return (self.until - self.since) / HOUR

    @property
    def an_hour(self) -> float:
        return self.decided.count / self.hours

    @property
    def cost(self) -> Cost:
        return overkill_cost(self.decided.groups)


Pair = tuple[Part, Part | None]


@dataclass(frozen=True)
class ShiftRow:
    """One run of a shift, as far as it lies in the period; and the one beside it, where periods are compared."""

    words: str
    url: str
    list_url: str
    images_url: str
    decisions: int
    an_hour: str
    cost: Cost
    minutes: str
    beside_words: str
    beside_url: str
    before: Before | None


def minutes_words(cost: Cost) -> str:
    return "–" if cost.minutes is None else duration_words(60 * cost.minutes)


def before_of(found: Decided, before: Decided | None, scale: float, url: str) -> Before | None:
    """`url`: the list of what was decided before."""
    if before is None:
        return None
    now, cost = overkill_cost(found.groups), overkill_cost(before.groups)
    return Before(
        url=url,
        images_url=f"{url}&{urlencode({'which': Which.OVERKILL})}" if url else "",
        decisions=before.count,
        decisions_change=more(found.count, before.count, scale),
        images=cost.images,
        images_change=more(now.images, cost.images, scale),
        minutes=minutes_words(cost),
    )


def changes(found: Decided, before: Decided, scale: float) -> tuple[float | None, float | None]:
    """Of decisions and of good images sent, as shares of what there was."""
    now, then = (overkill_cost(one.groups).images for one in (found, before))
    return change(found.count, before.count, scale), change(now, then, scale)


# --- which lie beside each other ----------------------------------------------------------------------------------


def steps(asked: Asked) -> list[Pair]:
    """The plot's, earliest first."""
    others = steps_of(asked.before) if asked.before else []
    return [(one, _beside(one, others, asked.moved)) for one in steps_of(asked.found)]


def steps_of(found: Decided) -> list[Part]:
    bounds = found.bounds
    return [Part(*ends, found.between(*ends)) for ends in zip(bounds, bounds[1:], strict=False)]


def shifts(asked: Asked) -> list[Pair]:
    """Those of the period, as far as they lie in it, latest first."""
    other, before = asked.when.compare, asked.before
    others = _shifts(before, asked.runs_before, other) if before and other else []
    return [
        (one, _beside(one, others, asked.moved)) for one in reversed(_shifts(asked.found, asked.runs, asked.when.span))
    ]


def _shifts(found: Decided, runs: Sequence[Run], span: Span) -> list[Part]:
    cut = [(max(run.since, span.since), min(run.until, span.until), run) for run in runs]
    return [Part(since, until, found.between(since, until), run) for since, until, run in cut]


def _beside(one: Part, others: Sequence[Part], moved: timedelta) -> Part | None:
    """The one that covers most of where it would lie; a change of the clocks moves some by an hour."""
    since, until = one.since - moved, one.until - moved
    covered = [(min(until, other.until) - max(since, other.since), other) for other in others]
    most, found = max(covered, key=lambda pair: pair[0], default=(timedelta(0), None))
    return found if most > timedelta(0) else None


# --- the page's rows ----------------------------------------------------------------------------------------------


def shift_rows(asked: Asked) -> list[ShiftRow]:
    return [_shift_row(asked, one, other) for one, other in shifts(asked)]


def _shift_row(asked: Asked, one: Part, other: Part | None) -> ShiftRow:
    return ShiftRow(
        words=shift_words(one),
        url=_url(asked, one),
        list_url=asked.decisions_of(asked.found, one.since, one.until),
        images_url=asked.decisions_of(asked.found, one.since, one.until, which=Which.OVERKILL),
        decisions=one.decided.count,
        an_hour=rounded(one.an_hour, 1),
        cost=one.cost,
        minutes=minutes_words(one.cost),
        beside_words=shift_words(other),
        beside_url=_url(asked, other),
        before=_before(asked, one, other) if other else None,
    )


def _before(asked: Asked, one: Part, other: Part) -> Before | None:
    url = asked.decisions_of(other.decided, other.since, other.until)
    return before_of(one.decided, other.decided, one.hours / other.hours, url)


def shift_words(part: Part | None) -> str:
    return run_words(part.run) if part and part.run else ""


def _url(asked: Asked, part: Part | None) -> str:
    if part is None or part.run is None:
        return ""
    when = f"shift-{part.run.hours.number}-{part.run.day:%Y-%m-%d}"
    return f"?{urlencode({'when': when, **asked.of_line})}"
