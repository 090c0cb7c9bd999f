"""Replay: what a rule would have raised over what was counted. The same looks and the same fold as for now."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from inspections.alarms import past
from inspections.alarms.acting import Actions
from inspections.alarms.counted import habits, looks
from inspections.alarms.lasting import raised
from inspections.alarms.rules import COUNTED
from inspections.alarms.troubles import Trouble, troubles
from inspections.alarms.words import class_names, words_of
from inspections.models import AlarmRule, Line, RuleKind
from inspections.models.rollup import SLOT

WEEK = timedelta(weeks=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Would:
    """One alarm that the rule would have raised. `resolved_at` None: its signs go on at the period's end. `acted_at`:
    when a person first labelled a defect of its run; None where nobody did, and of what is about no cloth."""

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
    """`alarms`: oldest first. `weekly`: the start of each week of the period, counted back from its end, and how many.
    `cannot`: why this rule cannot be replayed, in words; "" where it can. `unknown`: what of it rows do not tell."""

    since: datetime
    until: datetime
    alarms: list[Would]
    weekly: list[tuple[datetime, int]]
    cannot: str = ""
    unknown: str = ""

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
    if rule.kind in COUNTED:
        return _replay(_counted(rule, by_key, since, until), since, until)
    cannot, unknown = past.unknown(rule, by_key.values())
    if cannot:
        return Replay(since, until, [], [], cannot)
    return _replay(_lasted(rule, by_key, since, until), since, until, unknown)


def _replay(would: list[Would], since: datetime, until: datetime, unknown: str = "") -> Replay:
    would.sort(key=lambda one: (one.raised_at, one.line.slug))
    return Replay(since, until, would, weeks_of(would, since, until), unknown=unknown)


def _counted(rule: AlarmRule, by_key: dict[int, Line], since: datetime, until: datetime) -> list[Would]:
    found = looks(rule, by_key.values(), since, until)
    acts = Actions(by_key, rule.defect_class, since, until)
    names = class_names()
    manners = habits(rule, by_key.values())
    would = []
    for line_id, line in by_key.items():
        manner = manners[line_id]
        for one in troubles(found.get(line_id, []), manner):
            words = words_of(rule, one.figures, names)
            would.append(_would(rule, line, one, one.end(manner), until, words, acts))
    return would


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
        raised_at=told_at(rule, one),
        resolved_at=end if end < until else None,
        words=words,
        signs=one.signs,
        acted_at=acts.first(line.pk, one.since, one.last),
    )


def told_at(rule: AlarmRule, trouble: Trouble) -> datetime:
    """When it is known at the latest: a class is seen while its slot runs, and a replay knows only the slot."""
    return trouble.raised + SLOT if rule.kind == RuleKind.CLASS_SEEN else trouble.raised


def weeks_of(would: list[Would], since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    starts: list[datetime] = []
    start = until
    while start > since:
        start -= WEEK
        starts.append(start)
    return [(max(week, since), sum(week <= one.raised_at < week + WEEK for one in would)) for week in reversed(starts)]
