"""What the reckoning of drift tells in words. It suggests; it starts nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import teaching
from inspections.drift import LEAST, MUCH, RECENT, SOME
from inspections.models import Camera, InsightKind, Line

NAMES = {
    "brightness": gettext_lazy("brightness"),
    "focus": gettext_lazy("focus"),
    "anomaly_score": gettext_lazy("anomaly score"),
    "entropy": gettext_lazy("entropy"),
}


@dataclass(frozen=True)
class Measure:
    """One measure of one camera; `value`: PSI beyond chance, None where a side has too few images."""

    name: str
    value: float | None
    fewest: int

    @property
    def moved(self) -> bool:
        return self.value is not None and self.value >= MUCH

    @property
    def moved_some(self) -> bool:
        return self.value is not None and SOME <= self.value < MUCH

    @property
    def label(self) -> str:
        return str(NAMES.get(self.name, self.name))


@dataclass(frozen=True)
class CameraDrift:
    camera: Camera
    measures: tuple[Measure, ...]

    def moved(self) -> list[Measure]:
        return [one for one in self.measures if one.moved]

    @property
    def is_measured(self) -> bool:
        return any(one.value is not None for one in self.measures)


@dataclass(frozen=True)
class LineDrift:
    line: Line
    version: str
    since: datetime
    cameras: tuple[CameraDrift, ...]
    begins: datetime | None = None  # when there is a day to compare with; None: there is

    @property
    def is_measured(self) -> bool:
        return any(one.is_measured for one in self.cameras)


@dataclass(frozen=True)
class Told:
    """The newest reckoning of it."""

    at: datetime
    lines: tuple[LineDrift, ...]
    least: int = LEAST
    some: float = SOME
    much: float = MUCH

    @property
    def names(self) -> list[str]:
        return [str(name) for name in NAMES.values()]


def told() -> Told | None:
    """None before the first. Lines and cameras that are gone are left out."""
    last = teaching.newest_done(InsightKind.DRIFT)
    if last is None or last.body is None or last.finished_at is None:
        return None
    rows = last.body["lines"]
    lines = Line.objects.in_bulk([row["line"] for row in rows])
    cameras = Camera.objects.in_bulk([one["camera"] for row in rows for one in row["cameras"]])
    found = (_line(row, lines[row["line"]], cameras, last.finished_at) for row in rows if row["line"] in lines)
    return Told(last.finished_at, tuple(one for one in found if one.cameras))


def _line(row: dict[str, Any], line: Line, cameras: dict[int, Camera], at: datetime) -> LineDrift:
    known = [(cameras[one["camera"]], one["measures"]) for one in row["cameras"] if one["camera"] in cameras]
    told = tuple(CameraDrift(camera, _measures(measures)) for camera, measures in known)
    since = datetime.fromisoformat(row["since"])
    return LineDrift(line, row["version"], since, told, since + RECENT if since + RECENT > at else None)


def _measures(row: dict[str, Any]) -> tuple[Measure, ...]:
    return tuple(Measure(name, row[name]["beyond"], min(row[name]["n"], row[name]["m"])) for name in NAMES)


def moved(found: Told | None) -> Iterator[str]:
    """What has moved, in words, and what that mostly is: line by line, then camera by camera."""
    for line in found.lines if found else ():
        cameras = [one for one in line.cameras if one.is_measured]
        common = _on_all(cameras)
        if common:
            yield _("%(line)s: %(what)s moved on all %(n)s cameras, which mostly means another style.") % {
                "line": line.line, "what": _listed(common), "n": len(cameras),
            }  # fmt: skip
        names = {one.name for one in common}
        for one in cameras:
            yield from _of_camera(line, one, [part for part in one.moved() if part.name not in names], len(cameras))


def _on_all(cameras: Sequence[CameraDrift]) -> list[Measure]:
    """The measures that moved on each of several cameras, each with its smallest value."""
    if len(cameras) < 2:
        return []
    found = []
    for name in NAMES:
        parts = [part for one in cameras for part in one.moved() if part.name == name]
        if len(parts) == len(cameras):
            found.append(min(parts, key=lambda part: part.value or 0.0))
    return found


def _of_camera(line: LineDrift, one: CameraDrift, parts: list[Measure], cameras: int) -> Iterator[str]:
    if not parts:
        return
    said = {"camera": f"{line.line}, {one.camera.slug}", "what": _listed(parts)}
    if cameras == 1:
        yield (
            _("%(camera)s: %(what)s moved. No other camera of the line tells whether it is a lens, a lamp or a style.")
            % said
        )
    else:
        yield _(
            "%(camera)s: %(what)s moved, and not on the line's other cameras, which mostly means a lens or a lamp. "
            "See to it before its images train anything."
        ) % said  # fmt: skip


def _listed(parts: Sequence[Measure]) -> str:
    return ", ".join(
        _("%(measure)s (PSI %(psi).2f)") % {"measure": one.label, "psi": one.value or 0.0} for one in parts
    )
