"""Making, changing and deleting shifts: audited, and refused in words where they cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from hashlib import sha256
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.just_now import did
from inspections.models import AuditEvent, Person, Shift
from inspections.shifts import every_hours, hours_of
from inspections.snapshots import Refused
from inspections.spans import Hours, Run, first_overlap, known_zones, wall_of

MOST = 40
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Meanwhile:
    """Somebody else changed or deleted it since it was read."""


def stamp(hours: Hours) -> str:
    """What a reader saw of a shift, in a few letters."""
    return sha256(repr(hours).encode()).hexdigest()[:16]


def make(hours: Hours, person: Person, now: datetime) -> Shift | Refused:
    """A second press finds the shift that the first one made."""
    with transaction.atomic():
        _alone()
        others = every_hours()
        if same := next((one for one in others if _are_same(one, hours)), None):
            return Shift.objects.get(pk=same.number)
        if refused := objection(hours, others, now):
            return refused
        row = Shift.objects.create(**_columns(hours))
        AuditEvent.note(person, "new-shift", f"shift {row.pk}", now, **_told(hours))
        return row


def change(number: int, hours: Hours, seen: str, person: Person, now: datetime) -> Shift | Refused | Meanwhile:
    """`seen`: the stamp of what the person changed from."""
    with transaction.atomic():
        _alone()
        row = Shift.objects.filter(pk=number).first()
        if row is None:
            return Meanwhile()
        if _are_same(before := hours_of(row), hours):
            return row
        if stamp(before) != seen:
            return Meanwhile()
        others = [one for one in every_hours() if one.number != number]
        if refused := objection(replace(hours, number=number), others, now):
            return refused
        Shift.objects.filter(pk=number).update(**_columns(hours))
        old, new = _told(before), _told(hours)
        changes = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
        AuditEvent.note(person, "shift", f"shift {number}", now, **{"name": hours.name, **changes})
        row.refresh_from_db()
        return row


def delete(number: int, seen: str, person: Person, now: datetime) -> str | Meanwhile:
    """Its name. Nothing that was counted goes with it: counts belong to times."""
    with transaction.atomic():
        _alone()
        row = Shift.objects.filter(pk=number).first()
        if row is None and (done := did(person, "delete-shift", f"shift {number}", now)):
            return str(done.detail["name"])
        if row is None or stamp(hours := hours_of(row)) != seen:
            return Meanwhile()
        row.delete()
        AuditEvent.note(person, "delete-shift", f"shift {number}", now, **_told(hours))
        return hours.name


def make_three(zone: str, person: Person, now: datetime) -> Refused | None:
    """Three shifts of eight hours from 06:00, for a mill that has none."""
    with transaction.atomic():
        _alone()
        three = ((_("Early"), 6, 14), (_("Late"), 14, 22), (_("Night"), 22, 6))
        every = [Hours(0, name, time(starts), time(ends), EVERY_DAY, zone) for name, starts, ends in three]
        if there := every_hours():
            are_these = {replace(one, number=0) for one in there} == set(every)
            return None if are_these else Refused(_("This mill has shifts already."))
        Shift.objects.bulk_create([Shift(**_columns(hours)) for hours in every])
        AuditEvent.note(person, "new-shifts", "shifts", now, shifts=[_told(hours) for hours in every])
    return None


def _are_same(one: Hours, other: Hours) -> bool:
    return replace(one, number=0) == replace(other, number=0)


def _alone() -> None:
    """Until the end of this transaction nobody else changes shifts: two new ones could overlap. On SQLite a
    transaction that writes is alone anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Shift._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def _columns(hours: Hours) -> dict[str, object]:
    return {
        "name": hours.name, "starts": hours.starts, "ends": hours.ends, "days": list(hours.days), "zone": hours.zone,
    }  # fmt: skip


def _told(hours: Hours) -> dict[str, object]:
    return {**_columns(hours), "starts": f"{hours.starts:%H:%M}", "ends": f"{hours.ends:%H:%M}"}


# --- what stands in the way ---------------------------------------------------------------------------------------


def objection(hours: Hours, others: Sequence[Hours], now: datetime) -> Refused | None:
    """Why such a shift cannot be, beside the others; None where it can."""
    if any(one.name.casefold() == hours.name.casefold() for one in others):
        return Refused(_("Another shift has this name."), "name")
    if hours.zone not in known_zones():
        return Refused(_("“%(zone)s” is no time zone. Choose one such as Asia/Dhaka.") % {"zone": hours.zone}, "zone")
    if not hours.days or not set(hours.days) <= set(EVERY_DAY):
        return Refused(_("Choose the days on which it begins."), "days")
    for field, at in (("starts", hours.starts), ("ends", hours.ends)):
        if at.minute % 5 or at.second or at.microsecond:
            return Refused(_("Shifts begin and end on a full five minutes."), field)
    if hours.starts == hours.ends:
        return Refused(_("It ends when it begins. A shift lasts at least five minutes and less than 24 hours."), "ends")
    if len(others) >= MOST:
        words = ngettext("A mill has at most %(most)d shift.", "A mill has at most %(most)d shifts.", MOST)
        return Refused(words % {"most": MOST})
    found = first_overlap(hours, others, now)
    return Refused(_overlap_words(*found)) if found else None


def _overlap_words(mine: Run, theirs: Run) -> str:
    """Both with their times, in the new one's zone."""
    return _("It overlaps with “%(other)s”: %(mine)s here, %(theirs)s there.") % {
        "other": theirs.hours.name,
        "mine": _times(mine, mine.hours.zone),
        "theirs": _times(theirs, mine.hours.zone),
    }


def _times(run: Run, zone: str) -> str:
    first, last = (wall_of(moment, ZoneInfo(zone)) for moment in (run.since, run.until))
    end = "H:i" if first.date() == last.date() else "D j M H:i"
    return f"{date_format(first, 'D j M H:i')} – {date_format(last, end)}"
