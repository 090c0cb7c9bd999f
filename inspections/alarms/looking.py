"""One round: every rule looks at its lines. What is found is written under the rule's lock, so several workers may
look at once, and a round that is repeated writes nothing twice."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.alarms.acting import ABOUT_CLOTH, first_label
from inspections.alarms.anew import seen_anew
from inspections.alarms.counted import habits, looks
from inspections.alarms.lasting import GONE
from inspections.alarms.life import end, raise_
from inspections.alarms.opening import alarm_of
from inspections.alarms.present import Sign, signs
from inspections.alarms.rules import COUNTED, make_defaults
from inspections.alarms.troubles import Habit, Look, Trouble, troubles
from inspections.models import Alarm, AlarmRule, Line, RuleKind
from inspections.models.alarm import OPEN
from inspections.models.rollup import SLOT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REACH = timedelta(hours=24)  # images that come later than this raise nothing
NEAR = timedelta(minutes=10)
SETTLE = timedelta(seconds=30)  # a slot is looked at when its last captures have been judged
RESOLUTION = timedelta(seconds=30)  # a standing sign is written down at most so often

ENDED = gettext_lazy("Its signs have ended.")


def look(now: datetime, *, deep: Collection[int] | None = None) -> None:
    """Every rule, once. `deep`: the lines on which also that is looked at which only a slot's end or a late image can
    change (rates, charts, and whatever lies back further than a few minutes); None: all of them."""
    make_defaults(now)
    lines = list(Line.objects.order_by("pk"))
    thorough = {line.pk for line in lines} if deep is None else set(deep)
    for rule in AlarmRule.objects.filter(enabled=True).order_by("-critical", "pk"):
        mine = [line for line in lines if rule.line_id in {None, line.pk}]
        if rule.kind not in COUNTED:
            _look_at_present(rule, mine, now)
            continue
        _look_at_counts(rule, [line for line in mine if line.pk in thorough], now, REACH)
        if rule.kind == RuleKind.CLASS_SEEN:
            _look_at_counts(rule, [line for line in mine if line.pk not in thorough], now, NEAR)
    if thorough:
        _note_actions()


# --- what is read from rollups and charts -------------------------------------------------------------------------


def _look_at_counts(rule: AlarmRule, lines: Sequence[Line], now: datetime, reach: timedelta) -> None:
    if not lines:
        return
    since = max(now - reach, rule.made_at)
    mark = settled(now)
    manners = habits(rule, lines)
    first = max(since - max(one.back for one in manners.values()), rule.made_at)
    found = looks(rule, lines, first, now if rule.kind == RuleKind.CLASS_SEEN else mark)
    known = _known(rule, lines, since)
    for line in lines:
        manner, seen = manners[line.pk], found.get(line.pk, [])
        if rule.kind == RuleKind.CLASS_SEEN:
            seen = seen_anew(rule, line, seen, known[line.pk], manner)
        if _news(troubles(seen, manner, known[line.pk], _signs_since(rule, since)), known[line.pk], manner, mark):
            _write(rule, line, seen, manner, (since, mark), now)


def _signs_since(rule: AlarmRule, since: datetime) -> datetime:
    """A class is seen at the beginning of its slot, so the slot that `since` lies in is looked at too."""
    return since - SLOT if rule.kind == RuleKind.CLASS_SEEN else since


def settled(now: datetime) -> datetime:
    """The last slot's end up to which everything that comes in time is counted."""
    late = now - SETTLE
    return late - (late - EPOCH) % SLOT


def _known(rule: AlarmRule, lines: Collection[Line], since: datetime) -> dict[int, list[Trouble]]:
    """The rule's alarms that may still take signs, or keep further ones quiet."""
    horizon = since - REACH - timedelta(seconds=rule.cool_down_s)
    rows = Alarm.objects.filter(Q(state__in=OPEN) | Q(last_at__gte=horizon), rule=rule, line__in=lines, key="")
    found: dict[int, list[Trouble]] = defaultdict(list)
    for row in rows.order_by("since", "pk"):
        found[row.line_id].append(
            Trouble(row.since, row.since, row.last_at, row.signs, row.figures, row.pk, row.resolved_at)
        )
    return found


def _news(now_: Sequence[Trouble], known: Sequence[Trouble], manner: Habit, mark: datetime) -> bool:
    """Whether anything is to be written: a new trouble, a new sign, or an end."""
    return list(now_) != list(known) or any(not one.ended and one.end(manner) < mark for one in known)


def _write(
    rule: AlarmRule, line: Line, seen: Sequence[Look], manner: Habit, span: tuple[datetime, datetime], now: datetime
) -> None:
    since, mark = span
    with transaction.atomic():
        if not _still_holds(rule):
            return
        # Locked before they are read, so that what a person does meanwhile is neither overlooked nor overwritten.
        keys = [one.row for one in _known(rule, [line], since)[line.pk] if one.row]
        rows = {row.pk: row for row in Alarm.objects.filter(pk__in=keys).select_for_update(of=("self",)).order_by("pk")}
        known = _known(rule, [line], since)[line.pk]
        standing = next((row for row in rows.values() if row.state in OPEN), None)
        for one in troubles(seen, manner, known, _signs_since(rule, since)):
            if one.row is None:
                standing = _open(rule, line, one, standing, now)
            elif not one.ended and one.last > rows[one.row].last_at:
                _count(rows[one.row], one)
        if standing and standing.last_at + manner.quiet < mark and standing.raised_at + manner.quiet <= now:
            end(standing, None, ENDED, now)


def _still_holds(rule: AlarmRule) -> bool:
    """Locks it. False where it was switched off or made anew since this round read it."""
    rows = AlarmRule.objects.select_for_update(of=("self",)).filter(pk=rule.pk, enabled=True, made_at=rule.made_at)
    return rows.first() is not None


def _open(rule: AlarmRule, line: Line, trouble: Trouble, standing: Alarm | None, now: datetime) -> Alarm | None:
    """Raise an alarm; returns the one that stands open then. A trouble that lies before the standing alarm's signs came
    late and is over; one that lies after them says that the standing one's have ended."""
    words, figures, told = alarm_of(rule, line, trouble, now)
    if standing and trouble.last < standing.last_at:
        raise_(rule, line, "", told, words, figures, now, outcome=ENDED)
        return standing
    if standing:
        end(standing, None, ENDED, now)
    return raise_(rule, line, "", told, words, figures, now)


def _count(alarm: Alarm, trouble: Trouble) -> None:
    alarm.last_at, alarm.signs = trouble.last, trouble.signs
    alarm.figures = {**alarm.figures, **trouble.figures}
    alarm.save(update_fields=["last_at", "signs", "figures"])


# --- how it is now ------------------------------------------------------------------------------------------------


def _look_at_present(rule: AlarmRule, lines: Sequence[Line], now: datetime) -> None:
    found = {(one.line_id, one.key): one for one in signs(rule, lines, now)}
    if not _present_news(rule, found, now):
        return
    by_key = {line.pk: line for line in lines}
    with transaction.atomic():
        if not _still_holds(rule):
            return
        standing = _by_key(_open_of(rule).select_for_update(of=("self",)))
        for key, row in standing.items():
            if key not in found and now - row.last_at > GONE:
                end(row, None, _("It is over."), now)
            elif key in found and now - row.last_at >= RESOLUTION:
                row.last_at, row.signs, row.figures = now, row.signs + 1, {**row.figures, **found[key].figures}
                row.save(update_fields=["last_at", "signs", "figures"])
        quiet = _cooling(rule, now)
        for key, sign in found.items():
            if key not in standing and key not in quiet:
                trouble = Trouble(min(sign.since, now), now, now)
                raise_(rule, by_key[sign.line_id], sign.key, trouble, sign.words, sign.figures, now)


def _present_news(rule: AlarmRule, found: dict[tuple[int, str], Sign], now: datetime) -> bool:
    standing = _by_key(_open_of(rule))
    if any(now - row.last_at > (RESOLUTION if key in found else GONE) for key, row in standing.items()):
        return True
    fresh = set(found) - set(standing)
    return bool(fresh) and bool(fresh - _cooling(rule, now))


def _open_of(rule: AlarmRule) -> QuerySet[Alarm]:
    return Alarm.objects.filter(rule=rule, state__in=OPEN).order_by("pk")


def _by_key(rows: QuerySet[Alarm]) -> dict[tuple[int, str], Alarm]:
    return {(row.line_id, row.key): row for row in rows}


def _cooling(rule: AlarmRule, now: datetime) -> set[tuple[int, str]]:
    since = now - timedelta(seconds=rule.cool_down_s)
    return set(Alarm.objects.filter(rule=rule, resolved_at__gt=since).values_list("line_id", "key"))


# --- what people did ----------------------------------------------------------------------------------------------


def _note_actions() -> None:
    """Write down when the first defect of an open alarm's run was labelled."""
    waiting = Alarm.objects.filter(state__in=OPEN, acted_at=None, rule__kind__in=ABOUT_CLOTH)
    for alarm in waiting.select_related("rule").order_by("pk"):
        if found := first_label(alarm):
            Alarm.objects.filter(pk=alarm.pk, acted_at=None).update(acted_at=found)
