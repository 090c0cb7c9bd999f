"""What a line's card says: rate now, the last day, cameras, freshness. Read from rollups and a few index seeks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from inspections.models import Camera, DefectClass, Line
from inspections.models.defect_class import UNKNOWN
from inspections.models.plant import BY_HAND
from inspections.pages.charts import HourChart, common_top, flagged_url, hour_chart
from inspections.rates import Day, days
from inspections.watching import WatchedLine, data_until, waits_long


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
        if self.camera.seen_at is None:
            return "never"
        return "silent" if self.is_silent else "seen"


@dataclass(frozen=True)
class Card:
    """All that a page says of one line."""

    line: WatchedLine
    day: Day
    chart: HourChart
    cameras: tuple[Seen, ...]
    leading_name: str
    waits: bool

    @property
    def until(self) -> datetime | None:
        return data_until(self.line)

    @property
    def now_url(self) -> str:
        return flagged_url(self.line, since=f"{self.day.now_since:%Y-%m-%dT%H:%M:%SZ}")

    @property
    def day_url(self) -> str:
        return flagged_url(self.line, period="24h")

    @property
    def leading_url(self) -> str:
        leading = self.day.leading
        return flagged_url(self.line, period="24h", **{"class": leading.code if leading else ""})

    @property
    def has_machines(self) -> bool:
        return any(one.state != "manual" for one in self.cameras)

    @property
    def seen(self) -> int:
        return sum(one.state == "seen" for one in self.cameras)

    @property
    def silent(self) -> int:
        return sum(one.state == "silent" for one in self.cameras)

    @property
    def never(self) -> int:
        return sum(one.state == "never" for one in self.cameras)

    @property
    def state(self) -> str:
        """One word for the whole line; `usual` is the grey one."""
        if self.line.newest_at is None:
            return "new"
        if self.waits:
            return "waiting"
        if self.day.now.is_empty:
            return "idle"
        if not self.day.has_usual:
            return "early"
        return "above" if self.day.is_above_usual else "usual"


def cards(lines: Sequence[WatchedLine], names: dict[str, str], now: datetime) -> list[Card]:
    """One card a line, all charts on one scale; three queries, however many lines."""
    found = days([line.pk for line in lines], now)
    top = common_top(found.values())
    cameras = _cameras_of(lines, now)
    return [_card(line, found[line.pk], top, cameras[line.pk], names, now) for line in lines]


def _card(line: WatchedLine, day: Day, top: int, cameras: list[Seen], names: dict[str, str], now: datetime) -> Card:
    leading = day.leading
    return Card(
        line=line,
        day=day,
        chart=hour_chart(line, day, top),
        cameras=tuple(cameras),
        leading_name=names.get(leading.code, leading.code) if leading else "",
        waits=waits_long(line, now),
    )


def _cameras_of(lines: Iterable[Line], now: datetime) -> dict[int, list[Seen]]:
    found: dict[int, list[Seen]] = defaultdict(list)
    unused = Q(slug__in=BY_HAND, seen_at=None)  # every line has one; it shows once somebody has uploaded
    for camera in Camera.objects.filter(line__in=list(lines)).exclude(unused).order_by("slug"):
        found[camera.line_id].append(Seen(camera, camera.is_silent(now)))
    return found


def class_names() -> dict[str, str]:
    """Code to name, `unknown` among them."""
    names = {one.code: one.name for one in DefectClass.objects.all()}
    return {**names, UNKNOWN: _("Unknown")}
