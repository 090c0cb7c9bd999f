"""Bytes in, a stored capture out: file first, row second, the bell on commit."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from inspections import bell
from inspections.images import Checked, Refused, check
from inspections.models import AuditEvent, Camera, Capture, Person, Roll, RollCount
from inspections.models.plant import CLOCK_TOLERANCE

NO_CAMERA_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Accepted:
    capture: Capture


@dataclass(frozen=True)
class Duplicate:
    """This camera already sent this capture_id with the same bytes."""

    capture: Capture


@dataclass(frozen=True)
class Conflict:
    """This camera already sent this capture_id with other bytes."""

    stored_sha256: str
    sent_sha256: str


def accept(
    camera: Camera,
    data: bytes,
    fields: Mapping[str, Any],
    now: datetime,
    *,
    by: Person | None = None,
    also: Callable[[Capture], None] | None = None,
    ring: bool = True,
) -> Accepted | Duplicate | Conflict | Refused:
    """Take one upload. `fields` are those of the contract, already validated; `now` is our clock; `by` is who
    uploaded it, where that was a person; `also` writes what belongs to the new row, in its commit. `ring` False: it
    may wait for the sweep."""
    checked = check(data, settings.MAX_IMAGE_PIXELS)
    if isinstance(checked, Refused):
        return checked
    capture = _new(camera, data, fields, checked, now)
    default_storage.save(capture.path, ContentFile(data))
    try:
        with transaction.atomic():
            capture.roll = _roll(fields.get("roll"), capture)
            capture.save(force_insert=True)
            if by is not None:
                AuditEvent.note(by, "upload", f"capture {capture.pk}", now, line=camera.line.slug)
            if also is not None:
                also(capture)
            if ring:
                bell.ring_on_commit()
    except IntegrityError:
        default_storage.delete(capture.path)
        return _already_sent(capture)
    return Accepted(capture)


def _new(camera: Camera, data: bytes, fields: Mapping[str, Any], checked: Checked, now: datetime) -> Capture:
    captured_at = fields.get("captured_at") or now
    wrong_clock = _clock_is_wrong(camera, captured_at, fields.get("sent_at"), now)
    warnings = (*checked.warnings, *(("clock",) if wrong_clock else ()))
    return Capture(
        line=camera.line,
        camera=camera,
        capture_id=fields.get("capture_id"),
        captured_at=captured_at,
        received_at=now,
        counted_at=now if wrong_clock else captured_at,
        sequence=fields.get("sequence"),
        position_m=fields.get("position_m"),
        offset_mm=fields.get("offset_mm"),
        mm_per_px=fields.get("mm_per_px") or camera.mm_per_px,
        sha256=hashlib.sha256(data).digest(),
        bytes=len(data),
        width=checked.width,
        height=checked.height,
        suffix=checked.suffix,
        warnings=",".join(warnings),
    )


def _clock_is_wrong(camera: Camera, captured_at: datetime, sent_at: datetime | None, now: datetime) -> bool:
    """As the image itself tells, else the latest heartbeat: that one may be from before the clock was put right."""
    told = camera.has_wrong_clock if sent_at is None else abs(sent_at - now) > CLOCK_TOLERANCE
    return told or captured_at > now + CLOCK_TOLERANCE or captured_at < NO_CAMERA_BEFORE


def _roll(code: str | None, capture: Capture) -> Roll | None:
    """A new one is taken to be of the style that ran on the line before it: no camera knows it, and at night nobody is
    there to say it."""
    if not code:
        return None
    found = Roll.objects.filter(code=code).first()
    return found or Roll.objects.get_or_create(code=code, defaults={"style": _style_before(capture)})[0]


def _style_before(capture: Capture) -> str:
    ran = RollCount.objects.filter(line=capture.line, first_at__lte=capture.counted_at).order_by("-first_at", "-roll")
    return ran.values_list("style", flat=True).first() or ""


def _already_sent(capture: Capture) -> Duplicate | Conflict:
    stored = Capture.objects.select_related("line", "camera", "roll").get(
        camera=capture.camera, capture_id=capture.capture_id
    )
    if bytes(stored.sha256) == capture.sha256:
        return Duplicate(stored)
    return Conflict(bytes(stored.sha256).hex(), bytes(capture.sha256).hex())
