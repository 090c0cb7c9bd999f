"""What a camera said of itself, in words: for the table of cameras on a line's page."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.models import Camera
from inspections.pages.durations import duration_words


@dataclass(frozen=True)
class CameraWords:
    """Each is empty where the camera did not say. What is `wrong` comes first, and is shown as such."""

    wrong: tuple[str, ...]
    spooled: str
    client: str
    heartbeat_at: datetime | None


def camera_words(camera: Camera, now: datetime) -> CameraWords:
    """The latest heartbeat of a camera, for the line's page: `wrong` is shown as such. While the camera is silent
    `spooled` tells how old it is: what waited then may be more now."""
    return CameraWords(
        wrong=tuple(words for words in (_dropped(camera), _clock(camera)) if words),
        spooled=_spooled(camera, now),
        client=camera.client,
        heartbeat_at=camera.heartbeat_at,
    )


def _dropped(camera: Camera) -> str:
    if not camera.dropped:
        return ""
    words = ngettext("%(count)s picture lost in the camera", "%(count)s pictures lost in the camera", camera.dropped)
    return words % {"count": number_format(camera.dropped)}


def _clock(camera: Camera) -> str:
    if not camera.has_wrong_clock:
        return ""
    assert camera.clock_off_s is not None
    off = duration_words(abs(camera.clock_off_s))
    words = _("its clock is %(off)s fast") if camera.clock_off_s > 0 else _("its clock is %(off)s slow")
    return words % {"off": off}


def _spooled(camera: Camera, now: datetime) -> str:
    is_old = camera.is_silent(now)
    if camera.spooled is None or (is_old and not camera.spooled):
        return ""
    if not camera.spooled:
        return _("nothing waits")
    words = ngettext("%(count)s picture waits", "%(count)s pictures wait", camera.spooled)
    told = words % {"count": number_format(camera.spooled)}
    if not is_old or camera.heartbeat_at is None:
        return told
    return _("%(told)s, %(age)s ago") % {
        "told": told,
        "age": duration_words((now - camera.heartbeat_at).total_seconds()),
    }
