"""The line page's plots of classes and places: Pareto, classes over time, place across the width against time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from inspections.counted import Classes, Place, leading, total
from inspections.models import Line
from inspections.models.defect_class import GOOD, UNKNOWN, suspect
from inspections.models.rollup import BAND_MM, NO_BAND
from inspections.pages.change_words import change, more
from inspections.pages.charts import anomalies_url, flagged_url
from inspections.pages.periods import counted_words, percent, rounded
from inspections.pages.plots import (
    Bar,
    Cell,
    Data,
    Mark,
    Plot,
    Series,
    Spot,
    Square,
    Squares,
    Stretch,
    Table,
    in_order,
    on_the_cloth,
    over_time,
)
from inspections.pages.when_words import span_words
from inspections.pages.worklist import Show
from inspections.rates import HOUR, NOTHING, Tally
from inspections.spans import DAY

MOST_CLASSES = 7  # as many colours as can be told apart; the rest is one
MOST_BANDS = 24  # rows of a heat map; wider cloth has wider rows
OTHERS = "*"
GREY = 7  # the palette's last tone: of what is of no class


@dataclass(frozen=True)
class Frame:
    """What all plots of the page share: whose they are, when, and what is marked on their time axis."""

    line: Line
    since: datetime
    until: datetime
    names: Mapping[str, str]
    marks: Sequence[Mark] = ()
    shifts: Sequence[Stretch] = ()
    choose: str = ""
    scale: float = 1.0  # of a count of the period compared with, where that is not as long

    def over_time(self, series: Sequence[Series], unit: str = "%") -> Data:
        return over_time(
            series,
            self.since,
            self.until,
            unit=unit,
            marks=self.marks,
            stretches=self.shifts,
            choose=self.choose,
        )

    def url(self, since: datetime, until: datetime, **more: str) -> str:
        """The anomalies of this stretch. Written here, because a page has a thousand of them."""
        return f"{self._anomalies}&since={stamp(since)}&until={stamp(until)}{_encoded(*more.items())}"

    @cached_property
    def _anomalies(self) -> str:
        return anomalies_url(self.line)

    def shown_url(self, show: Show, since: datetime, until: datetime, **more: str) -> str:
        """What else of this stretch was counted."""
        return f"{flagged_url(self.line, show=show, **more)}&since={stamp(since)}&until={stamp(until)}"

    def name(self, code: str) -> str:
        if code == OTHERS:
            return _("Other classes")
        if code == GOOD:  # anomalies that nobody labelled: suspect, and of no class
            return suspect()
        return self.names.get(code, code)

    def tone(self, code: str) -> int:
        """A class's colour is its own, whatever its rank in a period, so that two periods can be held side by side."""
        return self._tones.get(code, GREY)

    @cached_property
    def _tones(self) -> dict[str, int]:
        classes = [code for code in self.names if code not in (GOOD, UNKNOWN)]
        return {code: place % GREY for place, code in enumerate(classes)}


@lru_cache(maxsize=1000)
def _encoded(*more: tuple[str, str]) -> str:
    """As the end of an address. Kept, because all steps of a plot ask for the same few classes and places."""
    return f"&{urlencode(more)}" if more else ""


@lru_cache(maxsize=5000)
def stamp(moment: datetime) -> str:
    """As an address writes it: UTC, its colons escaped. Kept, because a page writes few moments a thousand times."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19].replace(":", "%3A") + "Z"


def when_words(since: datetime, until: datetime) -> str:
    """A step of a plot in the mill's time: a clock within a day, days where it is longer."""
    return _when_words(since, until, timezone.get_current_timezone(), get_language())


@lru_cache(maxsize=5000)
def _when_words(since: datetime, until: datetime, zone: tzinfo, language: str | None) -> str:
    """Kept, because every square of a column says the same."""
    first, last = timezone.localtime(since, zone), timezone.localtime(until, zone)
    day = day_words(first.date(), language)
    if until - since < DAY:
        return f"{day} {first:%H:%M} – {last:%H:%M}"
    end = day_words(timezone.localtime(until - (until - since) / 1000, zone).date(), language)
    return day if day == end else f"{day} – {end}"


@lru_cache(maxsize=1000)
def day_words(day: date, _language: str | None) -> str:
    """Kept, because a plot names a few days hundreds of times."""
    return date_format(day, "D j M")


def count_words(tally: Tally) -> str:
    return counted_words(tally.anomalies, tally.judged)


# --- Pareto -------------------------------------------------------------------------------------------------------


def by_anomalies(steps: Sequence[Classes]) -> list[tuple[str, Tally]]:
    """The classes that have anomalies, most first."""
    found: dict[str, Tally] = defaultdict(Tally)
    for classes in steps:
        for code, tally in classes.items():
            found[code] += tally
    some = [(code, tally) for code, tally in found.items() if code and tally.anomalies]
    return sorted(some, key=lambda one: (-one[1].anomalies, one[0]))


def in_pareto(found: Sequence[tuple[str, Tally]]) -> list[tuple[str, Tally]]:
    """As a Pareto has them: what is of no class is a remainder, as "others" are, and stands last, however large."""
    return sorted(found, key=lambda one: one[0] == GOOD)


def lead_words(found: Sequence[tuple[str, Tally]], names: Mapping[str, str]) -> str:
    """Which defect leads, and how much is of no class."""
    counts = {code: tally.anomalies for code, tally in found}
    whole, of_none, first = sum(counts.values()), counts.get(GOOD, 0), leading(counts)
    if not first:
        words = ngettext(
            "The only anomaly was flagged, but is of no class.",
            "All %(n)s anomalies were flagged, but are of no class.",
            whole,
        )
        return words % {"n": rounded(whole, 0)} if whole else ""
    said = {"first": names.get(first, first), "count": rounded(counts[first], 0), "whole": rounded(whole, 0)}
    if not of_none:
        return _("%(first)s leads with %(count)s of %(whole)s anomalies.") % said
    words = ngettext(
        "%(first)s leads with %(count)s of %(whole)s anomalies; %(n)s was flagged, but is of no class.",
        "%(first)s leads with %(count)s of %(whole)s anomalies; %(n)s were flagged, but are of no class.",
        of_none,
    )
    return words % {**said, "n": rounded(of_none, 0)}


def pareto_plot(frame: Frame, steps: Sequence[Classes], before: Sequence[Classes] | None = None) -> Plot:
    """`before`: the period compared with; a class that has gone stands behind the others."""
    found = by_anomalies(steps)
    old = dict(by_anomalies(before or ()))
    if found:
        shown = {code for code, _tally in found}
        found += [(code, NOTHING) for code in old if code not in shown]
    found = in_pareto(found)
    whole = sum(tally.anomalies for _code, tally in found)
    shares = [100 * part / whole for part in accumulate(tally.anomalies for _code, tally in found)]
    rows = [(code, tally, share) for (code, tally), share in zip(found, shares, strict=True)]
    compared = before is not None
    bars = [_bar(frame, *row, old.get(row[0], NOTHING).anomalies if compared else None) for row in rows]
    head = (_("Class"), _("Anomalies"), _("Share"), _("All up to here"))
    return Plot(
        key="pareto",
        title=_("Defects, most frequent first"),
        words=lead_words(found, frame.names),
        kind="pareto",
        data=in_order(bars, count_name=_("Anomalies"), share_name=_("All up to here"), before_name=_("Before")),
        table=Table(
            (*head, _("Before"), _("Change")) if compared else head,
            [_pareto_row(frame, bar, whole) for bar in bars],
        ),
        empty="" if bars else _nothing(steps),
    )


def _pareto_row(frame: Frame, bar: Bar, whole: float) -> list[Cell]:
    cells = [
        Cell(bar.name, bar.url),
        Cell(rounded(bar.count, 0), bar.url, bar.count),
        Cell(percent(bar.count / whole), value=bar.count / whole),
        Cell(percent(bar.share / 100), value=bar.share / 100),
    ]
    if bar.before is None:
        return cells
    went = bar.count, bar.before, frame.scale
    share = change(*went)
    return [
        *cells,
        Cell(rounded(bar.before, 0), value=bar.before),
        Cell(more(*went), value="" if share is None else share),
    ]


def _bar(frame: Frame, code: str, tally: Tally, share: float, before: int | None) -> Bar:
    words = _("%(name)s: %(count)s anomalies, up to here %(share)s of all") % {
        "name": frame.name(code),
        "count": rounded(tally.anomalies, 0),
        "share": percent(share / 100),
    }
    if before is not None:
        told = {"count": rounded(before, 0), "change": more(tally.anomalies, before, frame.scale)}
        words += "\n" + _("before %(count)s, change %(change)s") % told
    url = frame.url(frame.since, frame.until, **{"class": code})
    return Bar(frame.name(code), tally.anomalies, share, words, url, before, frame.tone(code))


def _nothing(steps: Sequence[Classes]) -> str:
    if not total(steps).judged:
        return _("Nothing was judged in this period.")
    return _("No anomaly in this period.")


# --- classes over time --------------------------------------------------------------------------------------------


def classes_plot(frame: Frame, steps: Sequence[Classes], bounds: Sequence[datetime]) -> Plot:
    """Each class's share of the judged, one upon the other: together they are the anomaly rate."""
    codes = [code for code, _tally in by_anomalies(steps)]
    shown = [*codes[:MOST_CLASSES], *([OTHERS] if len(codes) > MOST_CLASSES else [])]
    spans = list(zip(bounds, bounds[1:], strict=False))
    said = [when_words(*span) for span in spans]
    parts = {code: [_of(classes, code, codes) for classes in steps] for code in shown}
    asked = {code: _asked(code, codes) for code in shown}
    series = [
        Series(
            frame.name(code),
            [_part(frame, code, *step, asked[code]) for step in zip(spans, said, parts[code], strict=True)],
            tone=frame.tone(code),
        )
        for code in shown
    ]
    head = (_("Time"), _("Judged"), *(frame.name(code) for code in shown))
    rows = [
        _row(frame, span, classes, [(asked[code], parts[code][place]) for code in shown])
        for place, (span, classes) in enumerate(zip(spans, steps, strict=True))
        if total([classes]).judged
    ]
    return Plot(
        key="classes",
        title=_("Classes over time"),
        words=_("Share of the judged captures, by %(step)s.") % {"step": step_words(bounds)},
        kind="stack",
        data=frame.over_time(series),
        table=Table(head, rows[::-1]),
        empty="" if shown else _nothing(steps),
    )


def _of(classes: Classes, code: str, codes: Sequence[str]) -> Tally:
    """One class of a step, against everything that the step judged."""
    wanted = codes[MOST_CLASSES:] if code == OTHERS else [code]
    anomalies = sum(classes.get(one, NOTHING).anomalies for one in wanted)
    return Tally(judged=total([classes]).judged, anomalies=anomalies)


def _asked(code: str, codes: Sequence[str]) -> dict[str, str]:
    """What keeps a list to what was counted as this class."""
    return {"classes": ",".join(codes[MOST_CLASSES:])} if code == OTHERS else {"class": code}


def _part(
    frame: Frame, code: str, span: tuple[datetime, datetime], when: str, tally: Tally, asked: Mapping[str, str]
) -> Spot:
    words = f"{when}\n{frame.name(code)}: {count_words(tally)}"
    return Spot(span[0], tally.percent, words, frame.url(span[0], span[1], **asked), end=span[1])


def _row(
    frame: Frame, span: tuple[datetime, datetime], classes: Classes, parts: Sequence[tuple[Mapping[str, str], Tally]]
) -> list[Cell]:
    counts = [
        Cell(rounded(one.anomalies, 0), frame.url(span[0], span[1], **asked) if one.anomalies else "", one.anomalies)
        for asked, one in parts
    ]
    whole = Cell(when_words(*span), frame.url(*span))
    judged = total([classes]).judged
    return [whole, Cell(rounded(judged, 0), value=judged), *counts]


def step_words(bounds: Sequence[datetime]) -> str:
    """How long a full step is."""
    step = max(after - before for before, after in zip(bounds, bounds[1:], strict=False))
    minutes = round(step.total_seconds() / 60)
    if minutes < 60:
        return _("%(n)d minutes") % {"n": minutes}
    if minutes < 23 * 60:
        return _("hours") if minutes == 60 else _("%(n)d hours") % {"n": round(minutes / 60)}
    return _("days") if minutes <= 25 * 60 else _("weeks")


# --- place across the width ---------------------------------------------------------------------------------------


def heat_plot(frame: Frame, places: Sequence[Place], bounds: Sequence[datetime]) -> Plot:
    known = [one for one in places if one.band != NO_BAND]
    wide = _bands_in_a_row(known)
    cells: dict[tuple[int, int], Tally] = defaultdict(Tally)
    for one in known:
        cells[one.step, one.band // wide] += one.tally
    first, last = (pick((row for _step, row in cells), default=0) for pick in (min, max))
    across = [_across(row, wide) for row in range(first, last + 1)]
    spans = list(zip(bounds, bounds[1:], strict=False))
    said = [when_words(*span) for span in spans]
    squares = [
        _square(frame, (step, row - first), across[row - first], spans[step], said[step], tally)
        for (step, row), tally in sorted(cells.items())
        if tally.judged
    ]
    found = Squares(
        columns=[_column(*span) for span in spans],
        rows=[one.name for one in across],
        squares=squares,
        x_name=_("Time"),
        y_name=_("From the left selvedge, mm"),
    )
    return Plot(
        key="width",
        title=_("Where across the width"),
        words=_heat_words(places, cells, wide, bounds),
        kind="heat",
        data=on_the_cloth(found),
        table=_heat_table(frame, squares, across, spans),
        empty=_no_places(places, squares),
    )


def _bands_in_a_row(places: Sequence[Place]) -> int:
    last = max((one.band for one in places), default=0)
    return next(wide for wide in (1, 2, 5, 10, 20, 50, 100, last + 1) if last // wide < MOST_BANDS)


class _Across(NamedTuple):
    """A row of the map: where it lies across the width."""

    name: str
    words: str
    asked: str  # as an address says it


def _across(row: int, wide: int) -> _Across:
    step = int(BAND_MM) * wide
    low, high = row * step, (row + 1) * step
    name = f"{low} – {high}"
    return _Across(name, _("%(place)s mm") % {"place": name}, f"{low}-{high}")


def _column(since: datetime, until: datetime) -> str:
    """A day at its midnight; between, the clock, and nothing where a step takes hours."""
    local = timezone.localtime(since)
    if until - since >= DAY or (local.hour, local.minute) == (0, 0):
        return date_format(local, "j M")
    return date_format(local, "H:i") if until - since <= HOUR else ""


def _square(
    frame: Frame, at: tuple[int, int], across: _Across, span: tuple[datetime, datetime], when: str, tally: Tally
) -> Square:
    words = f"{when}\n{across.words}: {count_words(tally)}"
    return Square(*at, tally.percent, words, frame.url(*span, place=across.asked))


def _heat_words(
    places: Sequence[Place], cells: Mapping[tuple[int, int], Tally], wide: int, bounds: Sequence[datetime]
) -> str:
    """Which place is the worst, and how much of the period does not say its place."""
    rows: dict[int, Tally] = defaultdict(Tally)
    for (_step, row), tally in cells.items():
        rows[row] += tally
    worst = max(rows, key=lambda row: (rows[row].rate or 0.0, -row), default=None)
    said = [_("All classes, by whole hours: %(span)s.") % {"span": span_words(bounds[0], bounds[-1])}]
    if worst is not None and rows[worst].anomalies:
        named = {"place": _across(worst, wide).name, "counts": count_words(rows[worst])}
        said.append(_("Most at %(place)s mm: %(counts)s.") % named)
    without = sum(one.tally.judged for one in places if one.band == NO_BAND)
    judged = sum(one.tally.judged for one in places)
    if without:
        said.append(_("%(share)s of the captures do not say where they lie.") % {"share": percent(without / judged)})
    return " ".join(said)


def _heat_table(
    frame: Frame, squares: Sequence[Square], rows: Sequence[_Across], spans: Sequence[tuple[datetime, datetime]]
) -> Table:
    by_place = {(one.column, one.row): one for one in squares}
    head = (_("Time"), *(one.words for one in rows))
    found = []
    for step, span in reversed(list(enumerate(spans))):
        row = [by_place.get((step, place)) for place in range(len(rows))]
        if any(row):
            cells = [Cell("–", value="") if one is None else _heat_cell(one) for one in row]
            found.append([Cell(when_words(*span), frame.url(*span)), *cells])
    return Table(head, found)


def _heat_cell(one: Square) -> Cell:
    share = (one.value or 0.0) / 100
    return Cell(percent(share), one.url, share)


def _no_places(places: Sequence[Place], squares: Sequence[Square]) -> str:
    if squares:
        return ""
    if any(one.tally.judged for one in places):
        return _("No capture of this period says where on the width it lies: the cameras do not send offset_mm.")
    return _("Nothing was judged in this period.")
