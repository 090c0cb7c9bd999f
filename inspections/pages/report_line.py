"""One line's part of a report: its figures, its rate over time, its defects, its alarms, what review says."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from inspections.charting import Point
from inspections.counted import bounds_of, step_of, total
from inspections.models.defect_class import GOOD, suspect
from inspections.pages.change_words import more, points
from inspections.pages.durations import duration_words
from inspections.pages.held import threshold_words
from inspections.pages.history import name_of
from inspections.pages.line_plots import when_words
from inspections.pages.periods import percent
from inspections.pages.report_figures import LineFigures, to_action
from inspections.pages.report_paper import clock, number
from inspections.pages.when_words import span_words
from inspections.paper.drawings import Dot, Flag, RateChart, Scene, Tick
from inspections.paper.grid import Grid
from inspections.paper.sheet import BODY, HEAD, LINE, SMALL, Sheet
from inspections.spans import DAY, Span

HEAD_AND_ROWS = 28 * mm  # of a table that goes on over pages: less would be a head alone


def line_part(sheet: Sheet, one: LineFigures, names: dict[str, str], with_name: bool) -> None:
    """Under its name; `with_name=False` where the report is of this line alone."""
    title = [sheet.text(str(one.line), LINE)] if with_name else []
    uneven = _("The two periods are not equally long: counts change as if they were.")
    note = [sheet.text(uneven, SMALL)] if one.scale != 1 else []
    sheet.together(*title, sheet.facts(_held(one)), Spacer(1, 2 * mm), _figures(sheet, one), *note)
    _rate(sheet, one, names)
    _pareto(sheet, one, names)
    _alarms(sheet, one)
    _review(sheet, one)
    _by_time(sheet, one)  # last, because it may go on over pages


def _held(one: LineFigures) -> list[tuple[str, str]]:
    return [
        (_("Model in force"), ", ".join(str(version) for version in one.versions) or _("none")),
        (_("Threshold in force"), ", ".join(threshold_words(*held) for held in one.thresholds)),
        (_("Data until"), clock(one.until)),
    ]


def _figures(sheet: Sheet, one: LineFigures) -> Grid:
    pairs = [
        (_("Judged"), one.now.judged, one.before.judged),
        (_("Flagged"), one.now.flagged, one.before.flagged),
        (_("Anomalies"), one.now.anomalies, one.before.anomalies),
        (_("Failed"), one.now.failed, one.before.failed),
    ]
    rows = [[name, number(now), number(before), more(now, before, one.scale)] for name, now, before in pairs]
    rate = [_("Anomaly rate"), percent(one.now.rate), percent(one.before.rate), points(one.now, one.before)]
    return sheet.table((_("Figure"), _("This period"), _("Before"), _("Change")), [*rows, rate], (40, 20, 20, 20))


def _rate(sheet: Sheet, one: LineFigures, names: dict[str, str]) -> None:
    title = _("%(name)s over time") % {"name": names[one.code]} if one.code else _("Anomaly rate over time")
    head = sheet.text(title, HEAD)
    if not one.points:
        sheet.together(head, sheet.text(_("Nothing was judged in this period."), BODY))
        return
    marks = [
        (place, mark.x, mark.words) for place, mark in enumerate(one.marks, start=1) if isinstance(mark.x, datetime)
    ]
    flags = [Flag(at, place) for place, at, _words in marks]
    dots = [_dot(point, one.in_deviations) for point in one.points]
    unit = "σ" if one.in_deviations else "%"
    scene = Scene(one.span.since, one.span.until, dots, flags, _ticks(one.span), unit)
    sheet.together(head, RateChart(scene), sheet.text(_rate_words(one), SMALL))
    for place, at, words in marks:
        sheet.write(f"{place}  {clock(at)}  {words}", SMALL)


def _dot(point: Point, in_deviations: bool) -> Dot:
    scale = 1 if in_deviations else 100
    value, centre, lower, upper = (
        None if part is None else scale * part for part in (point.value, point.centre, point.lower, point.upper)
    )
    group = point.subgroup
    return Dot(group.start, max(group.end, group.start), value, centre, lower, upper, bool(point.signals))


def _rate_words(one: LineFigures) -> str:
    signals = sum(bool(point.signals) for point in one.points)
    told = [
        ngettext("%(n)d signal, drawn as a triangle.", "%(n)d signals, drawn as triangles.", signals) % {"n": signals}
    ]
    if any(point.upper is not None for point in one.points):
        told.append(_("Dashed: the limits; between them the centre."))
    if not one.baselines:
        told.append(_("No baseline stood then: nobody had confirmed what is normal."))
    for base in one.baselines:
        words = _("Baseline %(rate)s, of %(span)s, confirmed %(at)s.")
        span = span_words(base.since, base.until)
        told.append(words % {"rate": percent(base.centre), "span": span, "at": clock(base.confirmed_at)})
    return " ".join(told)


def _ticks(span: Span) -> list[Tick]:
    """Six to a dozen, on the clock."""
    zone = timezone.get_current_timezone()
    step = step_of(span.length)
    bounds = bounds_of(span.since, span.until, step, zone)[:-1]
    every = max(-(-len(bounds) // 9), 1)
    form = "H:i" if span.length <= 2 * DAY else "j M"
    return [Tick(at, date_format(timezone.localtime(at), form)) for at in bounds[::every]]


def _pareto(sheet: Sheet, one: LineFigures, names: dict[str, str]) -> None:
    head = sheet.text(_("Defects, most frequent first"), HEAD)
    whole = sum(tally.anomalies for _code, tally in one.pareto)
    if not whole:
        sheet.together(head, sheet.text(_("No anomaly in this period."), BODY))
        return
    rows, so_far = [], 0
    for code, tally in one.pareto:
        so_far += tally.anomalies
        name = suspect() if code == GOOD else names.get(code, code)
        name = _("%(name)s (charted)") % {"name": name} if code == one.code else name
        rows.append([name, number(tally.anomalies), percent(tally.anomalies / whole), percent(so_far / whole)])
    columns = (_("Class"), _("Anomalies"), _("Share"), _("All up to here"))
    most = max(tally.anomalies for _code, tally in one.pareto)
    bars = [tally.anomalies / most for _code, tally in one.pareto]
    sheet.together(head, sheet.table_with_bars(columns, rows, bars, (36, 14, 12, 14)))


def _alarms(sheet: Sheet, one: LineFigures) -> None:
    head = sheet.text(_("Alarms"), HEAD)
    if not one.alarms:
        sheet.together(head, sheet.text(_("None was raised in this period."), BODY))
        return
    rows = []
    for alarm in one.alarms:
        took = to_action(alarm)
        who = name_of(alarm.acknowledged_by) if alarm.acknowledged_by else "–"
        action = "–" if took is None else duration_words(max(took.total_seconds(), 1))
        state = str(alarm.get_state_display())
        rows.append([alarm.words, state, who, clock(alarm.since), clock(alarm.raised_at), action])
    columns = (_("What"), _("State"), _("Seen by"), _("First sign"), _("Raised"), _("To the first action"))
    sheet.add(head, sheet.table(columns, rows, (32, 13, 14, 15, 15, 11), left=3))
    if one.alarm_count > len(rows):
        told = {"n": len(rows), "all": one.alarm_count}
        sheet.write(_("The latest %(n)d of %(all)d alarms.") % told, SMALL)


def _by_time(sheet: Sheet, one: LineFigures) -> None:
    rows, is_whole = [], True
    for since, until, classes in zip(one.bounds, one.bounds[1:], one.steps, strict=False):
        tally = total([classes])
        is_whole = is_whole and not tally.is_empty
        if not tally.is_empty:
            counts = [
                number(tally.judged),
                number(tally.flagged),
                number(tally.anomalies),
                percent(tally.rate),
                number(tally.failed),
            ]
            rows.append([when_words(since, until), *counts])
    if rows:
        head = (_("Time"), _("Judged"), _("Flagged"), _("Anomalies"), _("Rate"), _("Failed"))
        left_out = [] if is_whole else [sheet.text(_("Times at which nothing was judged are left out."), SMALL)]
        sheet.unless_room(HEAD_AND_ROWS)
        sheet.add(sheet.text(_("By time"), HEAD), *left_out, sheet.table(head, rows, (34, 14, 14, 14, 12, 12)))


def _review(sheet: Sheet, one: LineFigures) -> None:
    facts = [
        (_("Escape rate"), _rate_or_lack(one.quality.escape, one.quality.escape_between, one)),
        (_("Overkill"), _rate_or_lack(one.quality.overkill, one.quality.overkill_between, one)),
        (_("Decisions"), number(one.decisions.count)),
        (_("Good images sent to review"), _sent(one)),
    ]
    words = _("Escape rate and overkill are those of the four weeks from %(since)s to %(until)s.")
    told = {"since": clock(one.quality.since), "until": clock(one.quality.until)}
    sheet.together(sheet.text(_("What review says"), HEAD), sheet.facts(facts), sheet.text(words % told, SMALL))


def _rate_or_lack(rate: str, between: str, one: LineFigures) -> str:
    if not rate:
        told = {"audits": one.quality.answered, "flags": one.quality.flags_answered, "least": one.quality.enough}
        words = _("not enough data: %(audits)d audits and %(flags)d flagged answered, %(least)d of each are needed")
        return words % told
    return _("%(rate)s, 95 %% between %(between)s") % {"rate": rate, "between": between}


def _sent(one: LineFigures) -> str:
    if one.cost.minutes is None:
        return number(one.cost.images)
    told = {"n": number(one.cost.images), "time": duration_words(60 * one.cost.minutes)}
    return _("%(n)s; people spent %(time)s on them") % told
