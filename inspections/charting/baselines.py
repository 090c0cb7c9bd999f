"""What is normal: proposed out of a period's subgroups, frozen when a person confirms it, standing until a break.

Which moment counts: a baseline tells of the gauge and the cloth of its own data, so it stands while no break lies after
their beginning. A break between the end of its data and its confirmation spoils it too. So does one that becomes known
late, because images of another style arrived late.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import spc
from inspections.charting.breaking import TICK, breaks, breaks_after
from inspections.charting.counting import subgroups
from inspections.charting.drawing import Normal, deviations, draw, lookback
from inspections.charting.points import Break, Point, Proposal, Subgroup
from inspections.just_now import JUST_NOW
from inspections.models import AuditEvent, Baseline, Chart, ChartKind, Line, Person
from inspections.snapshots import Refused
from inspections.spc.run_lengths import p_chart

LEAST_SUBGROUPS = 20  # Montgomery asks for 20 to 25 to set up a chart
LEAST_JUDGED = 400
LEAST_COUNT = 5  # anomalies: fewer tell no rate
USUAL = timedelta(days=7)
LONGEST = timedelta(days=92)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_SHOWN = 50
MOST_REASON = 500


# --- what stands --------------------------------------------------------------------------------------------------


def standing(chart: Chart, now: datetime) -> Baseline | None:
    """The newest baseline of the chart's settings, unless a break lies after the beginning of its data."""
    found = of_settings(chart, now).first()
    return None if found is None or breaks(chart.line, found.since + TICK, now + TICK) else found


def standings(line_ids: Collection[int], now: datetime, code: str = "") -> dict[int, Baseline | None]:
    """The same of several lines, for one class or the anomaly rate; the number of queries does not grow with them."""
    newest = list(_newest(line_ids, now, code))
    found: dict[int, Baseline | None] = dict.fromkeys(line_ids)
    if not newest:
        return found
    later = breaks_after({one.line_id: one.since + TICK for one in newest}, now + TICK)
    return found | {one.line_id: None if later[one.line_id] else one for one in newest}


def ended_by(chart: Chart, now: datetime) -> Break | None:
    """The break that ended the newest baseline of the chart's settings; None where it stands, or there is none."""
    found = of_settings(chart, now).first()
    return next(iter(breaks(chart.line, found.since + TICK, now + TICK)), None) if found else None


def of_settings(chart: Chart, now: datetime) -> QuerySet[Baseline]:
    """Those that were confirmed for this chart as it is now, newest first."""
    rows = Baseline.objects.filter(_settings(chart), confirmed_at__lte=now)
    return rows.select_related("confirmed_by").order_by("-id")


def newest_of(charts: Sequence[Chart], now: datetime, most: int) -> dict[int, list[Baseline]]:
    """The same of several lines, one chart each, all of one class: the newest, about `most` of each line."""
    by_line = {chart.line_id: chart for chart in charts}
    found: dict[int, list[Baseline]] = {line_id: [] for line_id in by_line}
    rows = Baseline.objects.filter(line__in=by_line, defect_class=charts[0].defect_class, confirmed_at__lte=now)
    for one in rows.order_by("-id")[: most * len(charts)]:
        if [one.kind, one.subgroup_by, one.size] == _of_chart(by_line[one.line_id]):
            found[one.line_id].append(one)
    return found


def history(chart: Chart) -> list[Baseline]:
    """Every baseline of this line and class, whatever its settings, newest first."""
    rows = Baseline.objects.filter(line=chart.line_id, defect_class=chart.defect_class)
    return list(rows.select_related("confirmed_by").order_by("-id")[:MOST_SHOWN])


def _newest(line_ids: Collection[int], now: datetime, code: str) -> Iterable[Baseline]:
    """Of each line the newest one of its chart's settings; a line that nobody chose a chart for has the defaults. Put
    together by hand, as pages of lines look every few seconds: the ORM takes longer to write it than it takes to
    answer."""
    if not line_ids:
        return []
    columns, usual = ("kind", "subgroup_by", "size"), Chart()
    settings = "".join(f" AND b.{one} = COALESCE(c.{one}, %s)" for one in columns)
    table, places = Baseline._meta.db_table, ", ".join(["%s"] * len(line_ids))
    sql = (
        f"SELECT * FROM {table} WHERE id IN (SELECT MAX(b.id) FROM {table} b"  # noqa: S608  all of it is ours
        f" LEFT JOIN {Chart._meta.db_table} c ON c.line_id = b.line_id AND c.defect_class = b.defect_class"
        f" WHERE b.line_id IN ({places}) AND b.defect_class = %s AND b.confirmed_at <= %s{settings}"
        f" GROUP BY b.line_id)"
    )
    moment = connection.ops.adapt_datetimefield_value(now)
    return Baseline.objects.raw(sql, [*line_ids, code, moment, *(getattr(usual, one) for one in columns)])


def _of_chart(chart: Chart) -> list[object]:
    return [chart.kind, chart.subgroup_by, chart.size]


def _settings(chart: Chart) -> Q:
    return Q(
        line=chart.line_id,
        defect_class=chart.defect_class,
        kind=chart.kind,
        subgroup_by=chart.subgroup_by,
        size=chart.size,
    )


# --- what could stand ---------------------------------------------------------------------------------------------


def proposal(chart: Chart, now: datetime) -> Proposal | Refused:
    """From the data since the last break, of the last seven days at most."""
    broken = breaks(chart.line, now - USUAL, now + TICK)
    since = broken[-1].at if broken else now - USUAL
    return _proposed(chart, subgroups(chart, since, now), since)


def from_period(chart: Chart, since: datetime, until: datetime, now: datetime) -> Proposal | Refused:
    """From the whole subgroups that begin in a period that somebody chose."""
    objection = _objection_to(since, until, now) or _broken(chart, since, until, now)
    return Refused(objection) if objection else _proposed(chart, subgroups(chart, since, until, now), since)


def confirm(
    chart: Chart, since: datetime, until: datetime, person: Person, reason: str, now: datetime
) -> Baseline | Refused:
    """Freeze what this period says as what is normal; it stands from now on. A second press finds the first one's."""
    if not reason.strip():
        return Refused(_("Say why: the reason is kept with the baseline."))
    found = from_period(chart, since, until, now)
    if isinstance(found, Refused):
        return found
    with transaction.atomic():
        Line.objects.select_for_update(of=("self",), no_key=True).get(pk=chart.line_id)
        newest = of_settings(chart, now).first()
        if newest and _is_this(newest, found, person, reason) and newest.confirmed_at > now - JUST_NOW:
            return newest
        kept = Baseline.objects.create(
            line=chart.line,
            defect_class=chart.defect_class,
            kind=chart.kind,
            subgroup_by=chart.subgroup_by,
            size=chart.size,
            since=found.since,
            until=found.until,
            subgroups=found.subgroups,
            judged=found.judged,
            centre=found.centre,
            sigma_z=found.sigma_z,
            confirmed_by=person,
            confirmed_at=now,
            reason=_kept(reason),
        )
        AuditEvent.note(person, "baseline", f"line {chart.line.slug}", now, **_told(kept))
    return kept


def _kept(reason: str) -> str:
    return reason.strip()[:MOST_REASON]


def _is_this(one: Baseline, found: Proposal, person: Person, reason: str) -> bool:
    asked = found.since, found.until, person.pk, _kept(reason)
    return (one.since, one.until, one.confirmed_by_id, one.reason) == asked


def _told(kept: Baseline) -> dict[str, Any]:
    """What the audit log keeps of it."""
    return {
        "baseline": kept.pk,
        "chart": f"{kept.kind} {kept.subgroup_by} {kept.size}",
        "since": kept.since.isoformat(),
        "until": kept.until.isoformat(),
        "centre": kept.centre,
        "sigma_z": kept.sigma_z,
        "reason": kept.reason,
        **({"class": kept.defect_class} if kept.defect_class else {}),
    }


def _proposed(chart: Chart, found: Sequence[Subgroup], since: datetime) -> Proposal | Refused:
    whole = [one for one in found if one.whole]
    objection = _too_little(whole)
    spread = None if objection else dispersion_of(whole)
    if spread is None:
        return Refused(objection or _("All of it was counted: nothing tells what is usual."))
    judged, count = sum(one.judged for one in whole), sum(one.count for one in whole)
    normal = Normal(count / judged, _sigma_z(chart, spread))
    return Proposal(
        since=since,
        until=max(whole[-1].end, whole[-1].start + TICK),
        subgroups=len(whole),
        judged=judged,
        count=count,
        centre=normal.centre,
        sigma_z=normal.sigma_z,
        dispersion=spread,
        outside=int((np.abs(deviations(chart.kind, normal, whole)) > spc.SIGMAS).sum()),
        made_of=tuple(whole),
    )


def preview(chart: Chart, offered: Proposal, most: int) -> list[Point]:
    """The latest of the proposal's own subgroups within the limits that it would give, with what would signal there.
    Those before them that their signals hang on are drawn too, and left out."""
    earlier = offered.made_of[:-most]
    drawn = [*earlier[max(0, len(earlier) - lookback(chart)) :], *offered.made_of[-most:]]
    return draw(chart, Normal(offered.centre, offered.sigma_z), drawn)[-most:]


def spread(chart: Chart, baseline: Baseline) -> spc.Dispersion | None:
    """How the subgroups that a baseline was made from spread, as they are counted now."""
    return dispersion_of(subgroups(chart, baseline.since, baseline.until))


def points_to_a_false_signal(baseline: Baseline) -> float | None:
    """How many points rule 1 takes on average to signal by chance, for subgroups of the baseline's mean size; None for
    charts that have no exact value."""
    if baseline.kind != ChartKind.P or not 0 < baseline.centre < 1:
        return None
    return p_chart(baseline.centre, max(1, round(baseline.judged / baseline.subgroups)))


def dispersion_of(found: Sequence[Subgroup]) -> spc.Dispersion | None:
    return spc.dispersion([one.count for one in found], [one.judged for one in found]) if found else None


def _sigma_z(chart: Chart, spread: spc.Dispersion) -> float:
    """Laney's on his chart, and where a chart with a memory would take the overdispersion for shifts; else 1."""
    wanted = chart.kind == ChartKind.LANEY or (chart.in_deviations and spread.suggests_laney)
    return spread.sigma_z if wanted and spread.sigma_z > 0 else 1.0


# --- what stands against it ---------------------------------------------------------------------------------------


def _too_little(whole: Sequence[Subgroup]) -> str:
    judged, count = sum(one.judged for one in whole), sum(one.count for one in whole)
    if len(whole) < LEAST_SUBGROUPS:
        words = ngettext(
            "There is %(found)d whole subgroup, and a baseline needs %(least)d: %(missing)d more are missing.",
            "There are %(found)d whole subgroups, and a baseline needs %(least)d: %(missing)d more are missing.",
            len(whole),
        )
        return words % {
            "found": len(whole),
            "least": LEAST_SUBGROUPS,
            "missing": LEAST_SUBGROUPS - len(whole),
        }
    if judged < LEAST_JUDGED:
        words = _(
            "%(judged)d captures were judged in it, and a baseline needs %(least)d: %(missing)d more are missing."
        )
        return words % {"judged": judged, "least": LEAST_JUDGED, "missing": LEAST_JUDGED - judged}
    if count < LEAST_COUNT:
        words = _("%(count)d anomalies were counted in it, and a rate needs %(least)d. Take a longer period.")
        return words % {"count": count, "least": LEAST_COUNT}
    return ""


def _objection_to(since: datetime, until: datetime, now: datetime) -> str:
    if since >= until:
        return _("The period ends before it begins.")
    if until > now:
        return _("The period ends in the future.")
    if since < EARLIEST or until - since > LONGEST:
        return _("A baseline is made of at most %(days)d days.") % {"days": LONGEST.days}
    return ""


def _broken(chart: Chart, since: datetime, until: datetime, now: datetime) -> str:
    found = breaks(chart.line, since + TICK, now + TICK)
    if not found:
        return ""
    told = {"at": date_format(timezone.localtime(found[0].at), "j M Y H:i"), "what": found[0].words}
    if found[0].at < until:
        return _("The chart breaks in it, on %(at)s: %(what)s. Choose a period that lies before or after.") % told
    return _("The chart broke after it, on %(at)s: %(what)s. Choose a period since then.") % told
