"""The shadow: a challenger judges live captures beside the champion. One challenger at a time."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Capture, Comparison, ModelVersion, Person, SecondLook, State, Status
from inspections.snapshots import Refused

QUIET_S = 1.0  # for so long a process remembers that no shadow runs, and how many looks a shadow had
_LARGEST = 2**64


@dataclass(frozen=True)
class _Counted:
    """Looks of a version so far, and until when the count holds."""

    count: int
    until: float


_quiet_until = 0.0
_looks: dict[int, _Counted] = {}  # by version


def start_shadow(version: ModelVersion, share: float, by: Person | None, now: datetime) -> ModelVersion | Refused:
    """Let a candidate judge this share of live captures without effect, from now on."""
    if not 0 < share <= 1:
        return Refused(_("The share must lie above 0 and be at most 1."))
    with transaction.atomic():
        every = {one.pk: one for one in ModelVersion.objects.select_for_update(no_key=True).order_by("pk")}
        found = every.get(version.pk)
        reason = _why_not(found, every.values())
        if found is None or reason:
            return Refused(reason)
        found.state, found.shadow_share, found.shadow_since = State.SHADOW, share, now
        found.save(update_fields=["state", "shadow_share", "shadow_since"])
        AuditEvent.note(by, "shadow-start", f"model {found.name}", now, share=share)
    forget()
    return found


def stop_shadow(version: ModelVersion, by: Person | None, now: datetime) -> ModelVersion | Refused:
    """It is a candidate again; what it said stays, what waited for it is dropped."""
    with transaction.atomic():
        found = ModelVersion.objects.select_for_update(no_key=True).filter(pk=version.pk, state=State.SHADOW).first()
        if found is None:
            return Refused(_("%(name)s is not in shadow.") % {"name": version.name})
        found.state, found.shadow_share = State.CANDIDATE, 0.0
        found.save(update_fields=["state", "shadow_share"])
        SecondLook.objects.filter(version=found, recall=None).delete()
        AuditEvent.note(by, "shadow-stop", f"model {found.name}", now)
    forget()
    return found


def _why_not(found: ModelVersion | None, every: Iterable[ModelVersion]) -> str:
    """Why it cannot start, in words; empty where it can."""
    if found is None:
        return _("This version does not exist any more.")
    if found.broken:
        return _("%(name)s does not load: %(reason)s") % {"name": found.name, "reason": found.broken}
    if found.state != State.CANDIDATE:
        said = {"name": found.name, "state": found.get_state_display()}
        return _("%(name)s is %(state)s; only a candidate can judge in shadow.") % said
    running = next((one for one in every if one.state == State.SHADOW), None)
    if running is not None:
        return _("%(name)s judges in shadow now. Stop it first: one at a time.") % {"name": running.name}
    return ""


def note_fresh(captures: Sequence[Capture], now: datetime) -> int:
    """Put the shadow's share of what was just judged on its list; how many. Call it in the judge's transaction.

    Without a shadow it asks nothing, or once a second and process.
    """
    version = _running()
    if version is None:
        return 0
    so_far = _looks_so_far(version)
    room = max(0, settings.SHADOW_MOST - so_far.count)
    judged = [one for one in captures if one.status == Status.JUDGED and is_sampled(one.pk, version.shadow_share)]
    looks = [SecondLook(capture=one, version=version) for one in judged[:room]]
    SecondLook.objects.bulk_create(looks, ignore_conflicts=True)
    _looks[version.pk] = replace(so_far, count=so_far.count + len(looks))
    return len(looks)


def is_sampled(key: UUID, share: float) -> bool:
    """Whether this capture is of the share: told by its id alone, so whoever asks gets the same captures."""
    return int.from_bytes(sha256(key.bytes).digest()[:8]) < share * _LARGEST


def forget() -> None:
    """What this process remembers of shadows."""
    global _quiet_until
    _quiet_until = 0.0
    _looks.clear()


def _running() -> ModelVersion | None:
    """The version in shadow. Only that there is none is remembered: what is found is always fresh."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return None
    found = ModelVersion.objects.filter(state=State.SHADOW, broken="").defer("spec").first()
    if found is None:
        _quiet_until = time.monotonic() + QUIET_S
    return found


def _looks_so_far(version: ModelVersion) -> _Counted:
    """Made and waiting; other processes' of the last second may be missing."""
    known = _looks.get(version.pk)
    if known is not None and time.monotonic() < known.until:
        return known
    made = Comparison.objects.filter(version=version, recall=None).count()
    waiting = SecondLook.objects.filter(version=version, recall=None).count()
    return _Counted(made + waiting, time.monotonic() + QUIET_S)


@dataclass(frozen=True)
class Progress:
    """How far a shadow is: captures compared, those on which both disagree, and of these looked at by a person."""

    compared: int
    disagreements: int
    looked_at: int


def progress(version: ModelVersion) -> Progress:
    """Of all its comparisons in shadow, also after it ended."""
    rows = Comparison.objects.filter(version=version, recall=None)
    apart = rows.filter(agrees=False)
    return Progress(rows.count(), apart.count(), apart.filter(seen_at__isnull=False).count())
