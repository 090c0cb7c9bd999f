"""The rules: what a person may ask for, what is refused, and the ones that a new installation starts with."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from inspections.alarms.life import resolve_all
from inspections.just_now import JUST_NOW
from inspections.models import AlarmRule, AuditEvent, Channel, DefectClass, Line, Person, RuleKind
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.rollup import SLOT
from inspections.snapshots import Refused

COUNTED = (RuleKind.SIGNAL, RuleKind.LIMIT, RuleKind.CLASS_SEEN)  # read from the rollups
STANDING = (RuleKind.SILENT, RuleKind.QUEUE, RuleKind.STALE)  # how it is now
LONGEST = timedelta(days=1)  # that a limit looks back, and that a cool-down lasts
MOST_LOOKS = 20
OLDEST_MODEL = timedelta(days=3650)
METAL = "metal_contamination"


@dataclass(frozen=True)
class Wish:
    """A rule as somebody wants it. `rule`: the one that it changes; None makes a new one.

    `limit` is a rate (0 to 1) of a LIMIT, a number of images of a QUEUE, and for STALE the seconds that a capture may
    wait for its verdict. `minutes`: over which a LIMIT looks; for STALE the age at which the model in force is old,
    0: never. `at_least`: judged captures below which a LIMIT's rate says nothing. `k` of `n` looks make a sign, for
    the kinds in COUNTED. What a kind does not use is kept and not looked at.
    """

    name: str
    kind: RuleKind
    line: Line | None = None
    defect_class: str = ""
    limit: float | None = None
    minutes: int = 10
    at_least: int = 20
    k: int = 1
    n: int = 1
    cool_down_s: int = 900
    critical: bool = False
    enabled: bool = True
    channels: Sequence[Channel] = field(default_factory=tuple)
    rule: AlarmRule | None = None

    def as_rule(self) -> AlarmRule:
        """The rule as it would be, not saved: for a replay."""
        return AlarmRule(**self.values())

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name.strip(), "kind": self.kind, "line": self.line, "defect_class": self.defect_class,
            "limit": self.limit, "minutes": self.minutes, "at_least": self.at_least, "k": self.k, "n": self.n,
            "cool_down_s": self.cool_down_s, "critical": self.critical, "enabled": self.enabled,
        }  # fmt: skip


def objection(wish: Wish, *, is_tried: bool = False) -> str:
    """Why this rule cannot be, in words; empty where it can. One that is only tried needs no name."""
    named = replace(wish, name=wish.name.strip() or "?") if is_tried else wish
    return _form(named) or _debounce(wish) or _of_kind(wish) or _changed(wish)


def _form(wish: Wish) -> str:
    if not wish.name.strip() or len(wish.name.strip()) > 80:
        return _("Give it a name of at most 80 characters.")
    if wish.kind not in RuleKind.values:
        return _("Choose what the rule looks at.")
    if not 0 <= wish.cool_down_s <= LONGEST.total_seconds():
        return _("The cool-down is 0 to 1440 minutes.")
    return ""


def _debounce(wish: Wish) -> str:
    if wish.k > wish.n >= 1:
        words = _("Of the last %(n)d looks no more than %(n)d can see it: %(k)d were asked for.")
        return words % {"n": wish.n, "k": wish.k}
    if not 1 <= wish.k <= wish.n <= MOST_LOOKS:
        return _("Of n looks, 1 to 20, at least one and at most all must be over it.")
    if wish.kind in STANDING and wish.n > 1:
        return _("What stands now is not counted over several looks: it has a waiting time of its own.")
    return ""


def _of_kind(wish: Wish) -> str:
    if wish.kind == RuleKind.LIMIT:
        return _of_limit(wish)
    if wish.kind == RuleKind.CLASS_SEEN:
        return _class_to_see(wish)
    if wish.kind == RuleKind.QUEUE and not (wish.limit and 1 <= wish.limit <= 1_000_000):
        return _("Say how many flagged images may wait: 1 to 1 000 000.")
    if wish.kind == RuleKind.STALE:
        return _of_stale(wish)
    return _known_class(wish) if wish.kind == RuleKind.SIGNAL else ""


def _of_limit(wish: Wish) -> str:
    if wish.limit is None or not 0 < wish.limit < 1:
        return _("The limit is a rate above 0 % and below 100 %.")
    slot = int(SLOT.total_seconds()) // 60
    if not slot <= wish.minutes <= LONGEST.total_seconds() // 60 or wish.minutes % slot:
        return _("A rate is looked at over 5 to 1440 minutes, in steps of 5.")
    if not 1 <= wish.at_least <= 1_000_000:
        return _("Say how many images make a rate: 1 to 1 000 000.")
    return _known_class(wish)


def _of_stale(wish: Wish) -> str:
    if wish.limit is None or not 10 <= wish.limit <= LONGEST.total_seconds():
        return _("A capture may wait for its verdict 10 to 86 400 seconds.")
    if not 0 <= wish.minutes <= OLDEST_MODEL.total_seconds() // 60:
        return _("A model is old after at most ten years; 0: never.")
    return ""


def _class_to_see(wish: Wish) -> str:
    if wish.defect_class in {"", GOOD}:
        return _("Choose the class that shall not be seen.")
    return _known_class(wish)


def _known_class(wish: Wish) -> str:
    code = wish.defect_class
    if code in {"", UNKNOWN} or (code != GOOD and DefectClass.objects.filter(code=code).exists()):
        return ""
    return _("There is no defect class “%(code)s”.") % {"code": code}


def _changed(wish: Wish) -> str:
    """Its alarms of before tell of what it looked at then."""
    was = wish.rule
    if was and (was.kind, was.line_id, was.defect_class) != (
        wish.kind, wish.line.pk if wish.line else None, wish.defect_class,
    ):  # fmt: skip
        return _("A rule keeps its kind, line and class. Make a new one, and switch this one off.")
    return ""


def save_rule(wish: Wish, person: Person, now: datetime) -> AlarmRule | Refused:
    """Make or change a rule. It looks at what comes from now on. Switched off, its open alarms are resolved. A second
    press finds what the first one made or changed."""
    if reason := objection(wish):
        return Refused(reason)
    with transaction.atomic():
        Person.objects.select_for_update(of=("self",), no_key=True).get(pk=person.pk)  # two presses, one by one
        if same := _as_it_stands(wish, person, now):
            return same
        rule = AlarmRule.objects.select_for_update(of=("self",)).get(pk=wish.rule.pk) if wish.rule else AlarmRule()
        for name, value in wish.values().items():
            setattr(rule, name, value)
        rule.made_by, rule.made_at = person, now
        rule.save()
        rule.channels.set(wish.channels)
        if not rule.enabled:
            resolve_all(rule, person, _("The rule was switched off."), now)
        told = {**wish.values(), "line": wish.line.slug if wish.line else "", "name": rule.name}
        told["channels"] = sorted(channel.name for channel in wish.channels)
        AuditEvent.note(person, "change-rule" if wish.rule else "make-rule", f"alarm rule {rule.pk}", now, **told)
    return rule


def _as_it_stands(wish: Wish, person: Person, now: datetime) -> AlarmRule | None:
    """The very rule, where it is so already, or this person made it so just now."""
    rows = AlarmRule.objects.filter(made_by=person, made_at__gt=now - JUST_NOW)
    rows = AlarmRule.objects.filter(pk=wish.rule.pk) if wish.rule else rows
    told = {channel.pk for channel in wish.channels}
    same = rows.filter(**wish.values()).prefetch_related("channels").order_by("pk")
    return next((one for one in same if {channel.pk for channel in one.channels.all()} == told), None)


def make_defaults(now: datetime) -> None:
    """The rules of a new installation, where there is none at all; a rule is switched off, never deleted."""
    if AlarmRule.objects.exists():
        return
    with transaction.atomic():
        first = Line.objects.select_for_update().order_by("pk").first()  # two workers at once make them once
        if first is None or AlarmRule.objects.exists():
            return
        AlarmRule.objects.bulk_create(_defaults(now))


def _defaults(now: datetime) -> list[AlarmRule]:
    metal = DefectClass.objects.filter(code=METAL, active=True).first()
    found = [
        AlarmRule(name=_("The control chart signals"), kind=RuleKind.SIGNAL, made_at=now),
        AlarmRule(name=_("A camera is silent"), kind=RuleKind.SILENT, made_at=now),
        AlarmRule(name=_("No model judges, or it lags behind"), kind=RuleKind.STALE, limit=300, minutes=0, made_at=now),
    ]
    if metal:
        name = _("%(name)s was seen") % {"name": metal.name}
        found.append(
            AlarmRule(name=name[:80], kind=RuleKind.CLASS_SEEN, defect_class=METAL, critical=True, made_at=now)
        )
    return found
