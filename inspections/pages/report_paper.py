"""A report's parts, in words and drawings: its head, one line's figures, the worst images, its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.translation import gettext as _
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer, Table, TableStyle

from inspections.counted import leading
from inspections.models import Capture, Person
from inspections.pages.history import name_of
from inspections.pages.periods import percent, rounded
from inspections.pages.report_figures import LineFigures, Worst
from inspections.pages.when_words import moment_words, span_words
from inspections.paper.looks import WIDTH
from inspections.paper.pictures import thumbnail
from inspections.paper.sheet import BODY, HEAD, LABEL, SMALL, TITLE, Sheet
from inspections.rates import Tally
from inspections.spans import Span

PICTURE = 40 * mm
UNDER = 1 * mm  # room between a picture and its words
IN_A_ROW = 4


@dataclass(frozen=True)
class About:
    """What stands at the head of a report."""

    title: str
    span: Span
    compare: Span
    lines: str  # which lines it is of, in words
    person: Person
    now: datetime
    charted: str = ""  # the class whose rate and images are shown; empty: all anomalies

    @property
    def period(self) -> str:
        """One that is not over ends when the report is made: nothing is known of what comes."""
        return span_words(self.span.since, min(self.span.until, self.now))


def new_sheet(about: About) -> Sheet:
    zone = timezone.get_current_timezone_name()
    foot = f"Selvedge · {about.title} · {about.period} ({zone})"
    sheet = Sheet(foot, _("page %(page)d of %(pages)d"))
    sheet.write(about.title, TITLE)
    sheet.gap(1 * mm)
    sheet.add(sheet.facts(_about(about, zone)))
    return sheet


def _about(about: About, zone: str) -> list[tuple[str, str]]:
    whole = span_words(about.span.since, about.span.until)
    named = "" if about.span.words in ("", whole) else f"{about.span.words}: "
    return [
        (_("Period"), named + about.period),
        (_("Time zone"), zone),
        (_("Lines"), about.lines),
        (_("Compared with"), span_words(about.compare.since, about.compare.until)),
        *([(_("Class charted"), about.charted)] if about.charted else []),
        (_("Made"), _("%(time)s by %(who)s") % {"time": clock(about.now), "who": name_of(about.person)}),
    ]


def clock(moment: datetime | None) -> str:
    return "–" if moment is None else moment_words(moment)


def end(sheet: Sheet) -> None:
    """What the figures are, and what could not be printed."""
    sheet.gap(4 * mm)
    words = _(
        "Anomaly rate: captures that were flagged and not called good, or called a defect, among those that were "
        "judged. Failed captures are on neither side. Every capture counts when it was taken."
    )
    parts = [sheet.text(words, SMALL)]
    if sheet.has_boxes:
        parts.append(sheet.text(_("Some letters of names are not in this report's font and stand as boxes."), SMALL))
    if sheet.has_backward:
        words = _("Arabic, Hebrew and their like are printed letter by letter from left to right: the wrong way round.")
        parts.append(sheet.text(words, SMALL))
    sheet.together(*parts)


# --- all lines ----------------------------------------------------------------------------------------------------


def summary(sheet: Sheet, every: Sequence[LineFigures], names: dict[str, str]) -> None:
    """Each line in a row, and all of them; where one class is drawn, what there was of it instead of what led."""
    code = every[0].code
    rows = [_summary_row(str(one.line), one.now, one.before, _second(one, names), one.alarm_count) for one in every]
    if len(every) > 1:
        now, before = _sum([one.now for one in every]), _sum([one.before for one in every])
        second = _of_class(_sum([one.of_class for one in every])) if code else ""
        rows.append(_summary_row(_("All lines"), now, before, second, sum(one.alarm_count for one in every)))
    head = (
        _("Line"), names[code] if code else _("Leading defect"), _("Judged"), _("Flagged"), _("Anomalies"), _("Rate"),
        _("Before"), _("Failed"), _("Alarms"),
    )  # fmt: skip
    sheet.write(_("Summary"), HEAD)
    sheet.add(sheet.table(head, rows, (24, 22, 11, 11, 12, 11, 11, 9, 9), left=2))


def _summary_row(name: str, now: Tally, before: Tally, second: str, alarms: int) -> list[str]:
    counts = [number(now.judged), number(now.flagged), number(now.anomalies), percent(now.rate), percent(before.rate)]
    return [name, second, *counts, number(now.failed), number(alarms)]


def _second(one: LineFigures, names: dict[str, str]) -> str:
    return _of_class(one.of_class) if one.code else _leading(one, names)


def _of_class(tally: Tally) -> str:
    return f"{number(tally.anomalies)} ({percent(tally.rate)})"


def _sum(tallies: Sequence[Tally]) -> Tally:
    return sum(tallies, Tally())


def _leading(one: LineFigures, names: dict[str, str]) -> str:
    code = leading({code: tally.anomalies for code, tally in one.pareto})
    return names.get(code, code) or "–"


def number(count: float) -> str:
    return rounded(count, 0)


# --- the worst images ---------------------------------------------------------------------------------------------


def worst_part(sheet: Sheet, found: Worst, names: dict[str, str], with_line: bool, charted: str) -> None:
    """`charted`: the one class that they are of, in words; empty: of all."""
    head = sheet.text(_("Worst images"), HEAD)
    if not found.captures:
        words = _("Nothing was flagged in this period.")
        words = _("Nothing was flagged as %(name)s in this period.") % {"name": charted} if charted else words
        sheet.together(head, sheet.text(words, BODY))
        return
    cells = [_picture(sheet, capture, names, with_line) for capture in found.captures]
    cells += [[] for _ in range(-len(cells) % IN_A_ROW)]
    rows = [cells[start : start + IN_A_ROW] for start in range(0, len(cells), IN_A_ROW)]
    table = Table(rows, [WIDTH / IN_A_ROW] * IN_A_ROW, hAlign="LEFT")
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    sheet.together(head, table)
    if found.cut:
        sheet.write(_("Of the newest flagged alone: there were too many to look through all."), SMALL)


def _picture(sheet: Sheet, capture: Capture, names: dict[str, str], with_line: bool) -> list[Flowable]:
    image = _image(capture)
    shown: Flowable = image or sheet.text(_("The file of this image cannot be read."), LABEL, PICTURE)
    return [
        shown,
        Spacer(0, UNDER),
        *(sheet.text(words, LABEL, PICTURE) for words in _picture_words(capture, names, with_line)),
    ]


def _picture_words(capture: Capture, names: dict[str, str], with_line: bool) -> list[str]:
    code = capture.defect_class.code if capture.defect_class else "unknown"
    score = "" if capture.anomaly_score is None else f" · {rounded(capture.anomaly_score, 2)}"
    place = [str(capture.roll.code)] if capture.roll else []
    place += [_("%(m)s m") % {"m": rounded(capture.position_m, 1)}] if capture.position_m is not None else []
    where = [str(capture.line)] if with_line else []
    said = _("labelled") if capture.label_id else _("not labelled")
    return [f"{names.get(code, code)}{score}", clock(capture.counted_at), " · ".join([*where, *place, said])]


def _image(capture: Capture) -> Flowable | None:
    for path in (capture.rendition_path, capture.path):
        try:
            with default_storage.open(path) as file:
                return thumbnail(file.read(), PICTURE)
        except FileNotFoundError:
            continue
        except OSError:  # the storage is away: the report says so in the picture's place
            return None
    return None
