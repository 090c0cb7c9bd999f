"""How many captures the pages of a list hold together, so that a number that was opened stands on the list again."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import F, QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.counted import by_class
from inspections.models import Camera, Capture
from inspections.pages.worklist import Show, Wanted, of_every_line
from inspections.rates import Tally
from inspections.spans import mark_before

MOST_COUNTED = 10_000  # rows, a few milliseconds in an index
EARLIEST, ENDLESS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)  # a clock may be ahead


@dataclass(frozen=True)
class Count:
    number: int
    is_more: bool = False  # than that; how many is not worth a scan

    @property
    def words(self) -> str:
        said = {"n": number_format(self.number, force_grouping=True)}
        if self.is_more:
            return _("More than %(n)s images") % said
        return ngettext("%(n)s image", "%(n)s images", self.number) % said


def count(wanted: Wanted) -> Count | None:
    """Of all pages, whichever is shown: by the rollups where these count the very same, else by the rows, no further
    than MOST_COUNTED. None where no index holds all that is asked: it would be a walk through every line's rows."""
    every = replace(wanted, after=None)
    if _is_a_walk(every):
        return None
    exact = _counted(every)
    if exact is not None:
        return Count(exact)
    found = _rows(every).order_by()[: MOST_COUNTED + 1].count()
    return Count(min(found, MOST_COUNTED), is_more=found > MOST_COUNTED)


def _is_a_walk(wanted: Wanted) -> bool:
    of_class, of_place = wanted.defect_class or wanted.classes, wanted.place or wanted.camera
    return len(wanted.lines) > 1 and bool(of_class and of_place)


def _rows(wanted: Wanted) -> QuerySet[Capture]:
    """In a form in which a planner takes the index that the newest are read by, and needs no more than it: that begins
    with line and time, so a time is always asked, and a camera's sum is no column with an index of its own. A roll has
    an index of its own."""
    timed = wanted if wanted.roll else replace(wanted, since=wanted.since or EARLIEST)
    if not wanted.camera or wanted.show is Show.JUDGED:
        return of_every_line(timed)
    cameras = Camera.objects.filter(line__in=wanted.lines, slug=wanted.camera).values_list("pk", flat=True)
    return of_every_line(replace(timed, camera="")).alias(of=F("camera_id") + 0).filter(of__in=list(cameras))


def _counted(wanted: Wanted) -> int | None:
    """As one line's figures count it; None where they do not say it: of what lies elsewhere than time and class, and of
    any time, which has no end."""
    if len(wanted.lines) != 1 or wanted.camera or wanted.roll or wanted.metres or wanted.place or not wanted.since:
        return None
    stretch = wanted.since, wanted.until or ENDLESS
    if any(mark_before(end) != end for end in stretch):
        return None
    (line,) = wanted.lines
    (classes,) = by_class([line.pk], [stretch])[line.pk]
    found = sum(_of(wanted.show, tally) for code, tally in classes.items() if _is_asked(wanted, code))
    return found - _kept_back(wanted)


def _is_asked(wanted: Wanted, code: str) -> bool:
    return wanted.defect_class in ("", code) and (not wanted.classes or code in wanted.classes)


def _of(show: Show, tally: Tally) -> int:
    return {Show.FLAGGED: tally.flagged, Show.ANOMALIES: tally.anomalies, Show.JUDGED: tally.judged}[show]


def _kept_back(wanted: Wanted) -> int:
    """What is counted and not listed: the reader is being asked it blind."""
    if not wanted.without:
        return 0
    return of_every_line(replace(wanted, without=frozenset())).filter(pk__in=wanted.without).count()
