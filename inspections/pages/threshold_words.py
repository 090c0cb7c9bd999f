"""What another threshold would have meant, as rows of a table and as two plots."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from inspections.escape import ENOUGH
from inspections.pages.periods import between_words, percent, rounded
from inspections.pages.plots import Cell, Mark, Plot, Series, Spot, Table, over_number
from inspections.scores import Weighed
from inspections.what_if import Evidence, Meaning, Rate, meaning

CURVE = (
    0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4,
    0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0,
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One figure under both thresholds, and which captures it speaks for."""

    name: str
    now: str
    then: str
    now_between: str
    then_between: str
    speaks_for: str


def figures(evidence: Evidence, now: Meaning | None, then: Meaning) -> list[Figure]:
    sampled = _("every capture judged in the period, by a sample of %(n)s of them") % {
        "n": rounded(len(evidence.sample), 0)
    }
    audited = _("all defects; %(audits)s blind audits speak for what passed, %(answers)s answers for what was flagged")
    all_good = _("all good captures; the same audits and answers, and the sample for how many there are")
    counts = {"audits": rounded(len(evidence.audits), 0), "answers": rounded(len(evidence.answers), 0)}
    return [
        Figure(_("Flags an hour"), _flags(now), _flags(then), "", "", sampled),
        Figure(_("Share flagged"), percent(now.share if now else None), percent(then.share), "", "", sampled),
        _rate(_("Escape rate"), now.escape if now else Rate(), then.escape, audited % counts),
        _rate(_("Overkill"), now.overkill if now else Rate(), then.overkill, all_good),
    ]


def _rate(name: str, now: Rate, then: Rate, speaks_for: str) -> Figure:
    return Figure(name, _value(now), _value(then), _between(now), _between(then), speaks_for)


def _value(rate: Rate) -> str:
    if rate.between is None:
        return _("not enough data")
    return _("cannot be said") if rate.value is None else percent(rate.value)


def _between(rate: Rate) -> str:
    return "" if rate.between is None else between_words(rate.between)


def _flags(found: Meaning | None) -> str:
    return "–" if found is None or found.flags_an_hour is None else flags_words(found.flags_an_hour)


def flags_words(flags: float) -> str:
    return rounded(flags, 1 if flags < 100 else 0)


def lacking(weighed: Weighed) -> list[str]:
    """What keeps the page from saying more."""
    evidence, found = weighed.evidence, []
    if weighed.too_soon:
        words = _("The model was changed just now. From %(when)s on this page says what a threshold means.")
        found.append(words % {"when": time_format(localtime(weighed.since), "H:i")})
    elif not evidence.sample:
        found.append(_("Nothing was judged in this period, so nothing can be said of any threshold."))
    elif len(evidence.audits) < ENOUGH:
        words = _("Escapes and overkill cannot be said: %(n)d blind audits were answered, and %(enough)d are needed.")
        found.append(words % {"n": len(evidence.audits), "enough": ENOUGH})
    elif len(evidence.answers) < ENOUGH:
        words = _("Overkill cannot be said: %(n)d flagged images were answered, and %(enough)d are needed.")
        found.append(words % {"n": len(evidence.answers), "enough": ENOUGH})
    return found


def written(threshold: float) -> str:
    """As one says it: four places, fewer where they are zero."""
    return rounded(threshold, 4 if round(threshold, 2) != round(threshold, 4) else 2)


def plots(evidence: Evidence, now: float | None, then: float, url: str) -> list[Plot]:
    """Over the threshold: flags an hour; escape rate and overkill."""
    places = sorted({*CURVE, then, *([] if now is None else [now])})
    found = [meaning(evidence, place) for place in places]
    marks = [Mark(then, _("looked at: %(value)s") % {"value": written(then)}, "chosen")] if then != now else []
    if now is not None:
        marks.append(Mark(now, _("in force: %(value)s") % {"value": written(now)}, "threshold"))
    return [_flag_plot(evidence, found, marks, url), _rate_plot(evidence, found, marks, url)]


def _flag_plot(evidence: Evidence, found: Sequence[Meaning], marks: list[Mark], url: str) -> Plot:
    spots = [
        Spot(one.threshold, one.flags_an_hour, f"{written(one.threshold)}: {_flags(one)}", f"{url}{one.threshold:g}")
        for one in found
    ]
    data = over_number(
        [Series(_("Flags an hour"), spots)], x_name=_("Threshold"), y_name=_("Flags an hour"), marks=marks
    )
    rows = [[_cell(one, url), Cell(_flags(one)), Cell(percent(one.share))] for one in found]
    return Plot(
        key="flags",
        title=_("Flags an hour over the threshold"),
        words=_("How many images an hour would be flagged, in hours in which the line runs."),
        kind="series",
        data=data,
        table=Table((_("Threshold"), _("Flags an hour"), _("Share flagged")), rows),
        empty="" if evidence.sample else _("Nothing was judged in this period."),
    )


def _rate_plot(evidence: Evidence, found: Sequence[Meaning], marks: list[Mark], url: str) -> Plot:
    escape = [_rate_spot(one, one.escape, url) for one in found]
    overkill = [_rate_spot(one, one.overkill, url) for one in found]
    series = [Series(_("Escape rate"), escape), Series(_("Overkill"), overkill)]
    rows = [
        [
            _cell(one, url),
            *(Cell(text) for rate in (one.escape, one.overkill) for text in (_value(rate), _between(rate))),
        ]
        for one in found
    ]
    head = (_("Threshold"), _("Escape rate"), _("95 % between"), _("Overkill"), _("95 % between"))
    return Plot(
        key="rates",
        title=_("Escape rate and overkill over the threshold"),
        words=_("A lower threshold lets fewer defects pass and sends more good images to people."),
        kind="series",
        data=over_number(series, x_name=_("Threshold"), y_name=_("Share"), unit="%", marks=marks),
        table=Table(head, rows),
        empty="" if any(one.escape.between for one in found) else _("Not enough data: see above."),
    )


def _rate_cells(rate: Rate) -> list[Cell]:
    return [Cell(_value(rate)), Cell(_between(rate))]


def _rate_spot(one: Meaning, rate: Rate, url: str) -> Spot:
    words = f"{written(one.threshold)}: {_value(rate)}"
    if rate.between is not None:
        words += f" ({_between(rate)})"
    return Spot(one.threshold, None if rate.value is None else 100 * rate.value, words, f"{url}{one.threshold:g}")


def _cell(one: Meaning, url: str) -> Cell:
    return Cell(written(one.threshold), f"{url}{one.threshold:g}")
