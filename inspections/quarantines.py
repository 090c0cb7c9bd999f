"""Quarantine: labels that train nothing while it stands. They stay what they are everywhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Camera, Person, Quarantine
from inspections.snapshots import Refused
from inspections.snapshots.bars import Bar

EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Wanted:
    """Whose labels, of which camera's captures, given on which days; what is None does not narrow."""

    person: Person | None = None
    camera: Camera | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def bar(self) -> Bar:
        person = self.person.pk if self.person else None
        camera = self.camera.pk if self.camera else None
        return Bar.about(person, camera, self.first_day, self.last_day)


def objection_to(wanted: Wanted, today: date) -> str:
    """Why such a quarantine cannot be; empty where it can."""
    if not (wanted.person or wanted.camera or wanted.first_day or wanted.last_day):
        return _("Choose a person, a camera or a day.")
    if wanted.last_day and not wanted.first_day:
        return _("Say on which day it begins.")
    if wanted.first_day and not EARLIEST <= wanted.first_day <= today:
        return _("The first day must lie between the year 2000 and today.")
    if wanted.first_day and wanted.last_day and not wanted.first_day <= wanted.last_day <= date(2100, 1, 1):
        return _("The last day cannot be before the first.")
    return ""


def touched(bar: Bar) -> list[tuple[str, int]]:
    """How many effective labels of each class it keeps back, the most first."""
    rows = bar.labels().values_list("defect_class__name").annotate(count=Count("pk")).order_by("-count")
    return [(name, count) for name, count in rows]


def impose(by: Person, wanted: Wanted, reason: str, now: datetime) -> Quarantine | Refused:
    """Let it stand from now on, for every snapshot that is made."""
    objection = objection_to(wanted, timezone.localdate(now))
    if not objection and not reason.strip():
        objection = _("Say why: whoever lifts it must know.")
    if objection:
        return Refused(objection)
    with transaction.atomic():
        found = Quarantine.objects.create(
            person=wanted.person, camera=wanted.camera, first_day=wanted.first_day, last_day=wanted.last_day,
            reason=reason.strip()[:500], by=by, at=now,
        )  # fmt: skip
        AuditEvent.note(by, "quarantine", f"quarantine {found.pk}", now, **_told(found))
    return found


def lift(by: Person, quarantine: Quarantine, now: datetime) -> bool:
    """False where somebody lifted it before."""
    with transaction.atomic():
        if not Quarantine.objects.filter(pk=quarantine.pk, lifted_at=None).update(lifted_at=now, lifted_by=by):
            return False
        AuditEvent.note(by, "lift-quarantine", f"quarantine {quarantine.pk}", now, **_told(quarantine))
    return True


def _told(one: Quarantine) -> dict[str, str]:
    days: Sequence[date] = [day for day in (one.first_day, one.last_day) if day]
    told = {
        "labels_of": one.person.get_username() if one.person else "",
        "camera": str(one.camera or ""),
        "days": " to ".join(f"{day:%Y-%m-%d}" for day in days),
        "reason": one.reason,
    }
    return {name: value for name, value in told.items() if value}
