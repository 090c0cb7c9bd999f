"""Replay: what a rule would have raised over what was counted. The same looks and the same fold as for now."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from inspections.alarms import past
from inspections.alarms.acting import Actions
from inspections.alarms.beginning import beginning
from inspections.alarms.counted import habits, looks
from inspections.alarms.lasting import raised
from inspections.alarms.opening import opened
from inspections.alarms.rules import COUNTED
from inspections.alarms.troubles import Trouble, troubles
from inspections.alarms.words import Names, class_names, words_of
from inspections.models import AlarmRule, Line, RuleKind
from inspections.models.rollup import SLOT

WEEK = timedelta(weeks=1)
MINUTE = timedelta(minutes=1)
OPENED = 50  # alarms, the latest, of which a replay says what a live one says; that reads their images


@dataclass(frozen=True)
class Would:
    """One alarm that the rule would have raised. `since` is its first defect for the OPENED latest, and the slot that
    holds it before. `resolved_at` None: its signs go on at the period's end. `acted_at`: when a person first labelled a
    defect of its run; None where nobody did, and of what is about no cloth."""

    line: Line
    since: datetime
    raised_at: datetime
    resolved_at: datetime | None
    words: str
    signs: int
    acted_at: datetime | None

    @property
    def earlier(self) -> float | None:
        """Minutes by which it comes before people's own action; negative where people were first."""
        return (self.acted_at - self.raised_at) / MINUTE if self.acted_at else None


@dataclass(frozen=True)
class Replay:
    """`since`: the period's beginning, or that of what there is to look at if that is later; `began` then says it in
    words. `alarms`: oldest first. `weekly`: the start of each week of it, counted back from its end, and how many.
    `cannot`: why this rule cannot be replayed, in words; "" where it can. `unknown`: what of it rows do not tell."""

    since: datetime
    until: datetime
    alarms: list[Would]
    weekly: list[tuple[datetime, int]]
    cannot: str = ""
    unknown: str = ""
    began: str = ""

    @property
    def earlier(self) -> float | None:
        """Median minutes by which an alarm comes before people's own action; None where no alarm had one."""
        found = [one.earlier for one in self.alarms if one.earlier is not None]
        return median(found) if found else None

    @property
    def acted(self) -> int:
        """Alarms whose trouble people acted on."""
        return sum(one.acted_at is not None for one in self.alarms)


def replay(rule: AlarmRule, line_ids: Collection[int], since: datetime, until: datetime) -> Replay:
    """What this rule (saved or not) would have raised on those of these lines that it looks at."""
    lines = Line.objects.filter(pk__in=line_ids)
    lines = lines.filter(pk=rule.line_id) if rule.line_id else lines
    by_key = {line.pk: line for line in lines}
    cannot, unknown = ("", "") if rule.kind in COUNTED else past.unknown(rule, by_key.values())
    first, began = beginning(rule, by_key)
    if cannot or first is None:
        return Replay(since, until, [], [], cannot or began)
    would = (_counted if rule.kind in COUNTED else _lasted)(rule, by_key, since, until)
    would.sort(key=lambda one: (one.raised_at, one.line.slug))
    if not since < first < until:
        return Replay(since, until, would, weeks_of(would, since, until), unknown=unknown)
    since = min([first, *(one.raised_at for one in would)])
    return Replay(since, until, would, weeks_of(would, since, until), unknown=unknown, began=began)


def _counted(rule: AlarmRule, by_key: dict[int, Line], since: datetime, until: datetime) -> list[Would]:
    found = looks(rule, by_key.values(), since, until)
    acts = Actions(by_key, rule.defect_class, since, until)
    names = class_names()
    manners = habits(rule, by_key.values())
    every = [(line, one) for key, line in by_key.items() for one in troubles(found.get(key, []), manners[key])]
    every.sort(key=lambda pair: told_at(rule, pair[1]))
    would = [
        _would(rule, line, one, one.end(manners[line.pk]), until, words_of(rule, one.told, names), acts)
        for line, one in every
    ]
    latest = zip(would[-OPENED:], every[-OPENED:], strict=True)
    return [*would[:-OPENED], *(_opened(rule, one, trouble, names) for one, (_line, trouble) in latest)]


def _lasted(rule: AlarmRule, by_key: dict[int, Line], since: datetime, until: datetime) -> list[Would]:
    """Of the rules about how it is now. What people did about it is not asked: nothing of it is about cloth."""
    cool_down, would = timedelta(seconds=rule.cool_down_s), []
    for line_id, stretches in past.stretches(rule, by_key.values(), (since, until)):
        for one in raised(stretches, cool_down, until):
            began, words = one.stretch.told(one.at)
            ended = one.ended if one.ended and one.ended < until else None
            would.append(Would(by_key[line_id], began, one.at, ended, words, signs=1, acted_at=None))
    return would


def _would(
    rule: AlarmRule, line: Line, one: Trouble, end: datetime, until: datetime, words: str, acts: Actions
) -> Would:
    return Would(
        line=line,
        since=one.since,
        raised_at=min(told_at(rule, one), until),
        resolved_at=end if end < until else None,
        words=words,
        signs=one.signs,
        acted_at=acts.first(line.pk, one.since, one.last),
    )


def _opened(rule: AlarmRule, would: Would, trouble: Trouble, names: Names) -> Would:
    """As it is told when it is raised: later signs are no part of that."""
    at_first = replace(trouble, last=trouble.raised, figures=trouble.told)
    words, _leading, since = opened(rule, would.line, at_first, names)
    return replace(would, since=since, words=words)


def told_at(rule: AlarmRule, trouble: Trouble) -> datetime:
    """When it is known at the latest: a class is seen while its slot runs, and a replay knows only the slot."""
    return trouble.raised + SLOT if rule.kind == RuleKind.CLASS_SEEN else trouble.raised


def weeks_of(would: list[Would], since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    starts = [until]
    while starts[0] > since:
        starts.insert(0, starts[0] - WEEK)
    starts = [max(start, since) for start in starts[:-1]]
    counts = Counter(bisect_right(starts, one.raised_at) - 1 for one in would)
    return [(start, counts[number]) for number, start in enumerate(starts)]
