"""What several pages say of cameras and classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from inspections.models import Camera
from inspections.models.defect_class import GOOD, UNKNOWN, titles


@dataclass(frozen=True)
class Seen:
    """A camera and how it does."""

    camera: Camera
    is_silent: bool

    @property
    def state(self) -> str:
        if self.camera.is_manual:
            return "manual"
        if not self.camera.enabled:
            return "off"
        if self.is_silent:
            return "silent"
        return "never" if self.camera.seen_at is None else "seen"


def class_names() -> dict[str, str]:
    """Code to name, `unknown` among them."""
    return {**titles(), UNKNOWN: _("Unknown")}


def no_class(code: str, names: Mapping[str, str]) -> str:
    """Why nothing is charted of this class; empty where it can be, or none is asked for."""
    if not code or (code in names and code != GOOD):
        return ""
    return _("There is no “%(value)s” here to choose.") % {"value": code[:40]}
