"""The line page's cameras: what each counted in the period with its interval, and how it does now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inspections.counted import Place
from inspections.escape import Interval, clopper_pearson
from inspections.models import Camera, Line
from inspections.models.plant import BY_HAND
from inspections.pages.cameras import CameraWords, camera_words
from inspections.pages.change_words import points
from inspections.pages.dots import Whisker, lying
from inspections.pages.line_plots import Frame
from inspections.pages.overview import Seen
from inspections.pages.periods import between_words, percent
from inspections.pages.worklist import Show
from inspections.rates import NOTHING, Tally

TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class CameraRow:
    """`whisker`: rate and 95 % interval on a scale that all cameras of the page share. `before`: of the period compared
    with."""

    seen: Seen
    said: CameraWords
    tally: Tally
    between: Interval | None
    whisker: Whisker
    url: str  # its anomalies
    judged_url: str
    before: Tally | None

    @property
    def rate(self) -> str:
        return percent(self.tally.rate)

    @property
    def rate_before(self) -> str:
        return percent(self.before.rate if self.before else None)

    @property
    def change(self) -> str:
        return points(self.tally, self.before or NOTHING)

    @property
    def between_words(self) -> str:
        return between_words(self.between)


def camera_rows(
    frame: Frame,
    places: Iterable[Place],
    since: datetime,
    until: datetime,
    now: datetime,
    before: Iterable[Place] | None = None,
) -> list[CameraRow]:
    """Each camera of the line; `since` and `until` are the whole hours that `places` were read by. `before`: places of
    the period compared with, by whole hours too."""
    tallies, old = _by_camera(places), _by_camera(before or ())
    cameras = [one for one in cameras_of(frame.line) if one.seen_at or one.pk in tallies or one.slug not in BY_HAND]
    every = {one.pk: _between(tallies[one.pk]) for one in cameras}
    top = next(top for top in TOPS if all(one is None or one.high <= top for one in every.values()) or top == 1.0)
    return [
        CameraRow(
            seen=Seen(camera, camera.is_silent(now)),
            said=camera_words(camera, now),
            tally=tallies[camera.pk],
            between=every[camera.pk],
            whisker=_whisker(tallies[camera.pk], every[camera.pk], top),
            url=frame.url(since, until, camera=camera.slug),
            judged_url=frame.shown_url(Show.JUDGED, since, until, camera=camera.slug),
            before=None if before is None else old[camera.pk],
        )
        for camera in cameras
    ]


def _by_camera(places: Iterable[Place]) -> dict[int, Tally]:
    found: dict[int, Tally] = defaultdict(Tally)
    for one in places:
        found[one.camera] += one.tally
    return found


def cameras_of(line: Line) -> Sequence[Camera]:
    return list(Camera.objects.filter(line=line).order_by("slug"))


def _between(tally: Tally) -> Interval | None:
    return clopper_pearson(tally.anomalies, tally.judged) if tally.judged else None


def _whisker(tally: Tally, between: Interval | None, top: float) -> Whisker:
    scaled = None if between is None else Interval(between.low / top, between.high / top)
    return lying(None if tally.rate is None else tally.rate / top, scaled)
