"""`/lines/<slug>/chart/`: how a line is charted, what is normal on it, who said so, and what broke that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import charting
from inspections.charting import Proposal, Refused
from inspections.models import Baseline, Chart, ChartKind, DefectClass
from inspections.models.defect_class import GOOD, UNKNOWN, titles
from inspections.pages.access import PersonRequest, deed, for_managers, line_of, page
from inspections.pages.charting_forms import Confirmation, Period, Settings, plain, seen, subgroup_words
from inspections.pages.charting_plot import proposal_plot
from inspections.pages.history import name_of
from inspections.pages.overview import class_names
from inspections.pages.periods import percent, rounded
from inspections.spc import Dispersion

BREAKS_BACK = timedelta(days=28)
BREAKS_SHOWN = 20


@dataclass(frozen=True)
class Row:
    """A baseline in figures. Its limits are those of a subgroup of its mean size."""

    baseline: Baseline
    chart: str
    centre: str
    limits: str
    sigma_z: str
    by: str

    @classmethod
    def of(cls, one: Baseline) -> "Row":
        found = charting.limits(one, max(1, round(one.judged / max(1, one.subgroups))))
        return cls(
            baseline=one,
            chart=f"{one.get_kind_display()}, {subgroup_words(one.subgroup_by, one.size)}",
            centre=percent(found.centre),
            limits=f"{percent(found.lower)} – {percent(found.upper)}",
            sigma_z="" if one.sigma_z == 1 else rounded(one.sigma_z, 2),
            by=name_of(one.confirmed_by) if one.confirmed_by else "–",
        )


@require_http_methods(["GET", "HEAD", "POST"])
def chart(request: HttpRequest, slug: str) -> HttpResponseBase:
    return _choose(request, slug) if request.method == "POST" else _look(request, slug)


@page
def _look(request: PersonRequest, slug: str) -> HttpResponseBase:
    found = _chart_of(request, slug, request.GET)
    period = _period(request.GET)
    if period and not period.is_valid():
        return _shown(request, found, period=period, status=400)
    return _shown(request, found, period=period)


@deed
def _choose(request: PersonRequest, slug: str) -> HttpResponseBase:
    """Chart it otherwise from now on."""
    found = _chart_of(request, slug, request.POST)
    for_managers(request.user)
    form = Settings(request.POST, label_suffix="", auto_id="chart-%s")
    if not form.is_valid():
        return _shown(request, found, settings=form, status=400)
    kept = charting.choose(found.line, found.defect_class, form.wish, request.user, timezone.now())
    if isinstance(kept, Refused):
        return _shown(request, found, settings=form, refused=kept.reason, status=400)
    if seen(kept) == seen(found):
        messages.success(request, _("Kept. It holds from the next point on."))
    else:
        messages.success(request, _("Kept. A baseline belongs to one kind of chart: see which one fits below."))
    return _back(kept)


@deed
def confirm(request: PersonRequest, slug: str) -> HttpResponseBase:
    """Make a baseline of the period that was shown."""
    found = _chart_of(request, slug, request.POST)
    for_managers(request.user)
    form = Confirmation(request.POST)
    if not form.is_valid():
        return _shown(request, found, confirmation=form, period=_chosen(form), status=400)
    said = form.cleaned_data
    if said["seen"] != seen(found):
        words = _("The chart was changed meanwhile. Look at the proposal for what it is now.")
        return _shown(request, found, refused=words, status=409)
    kept = charting.confirm(found, said["since"], said["until"], request.user, said["reason"], timezone.now())
    if isinstance(kept, Refused):
        return _shown(request, found, confirmation=form, period=_chosen(form), refused=kept.reason, status=400)
    messages.success(request, _("Confirmed. From now on every point is held against it."))
    return _back(found)


def _back(found: Chart) -> HttpResponseBase:
    return HttpResponseRedirect(_address(found))


def _address(found: Chart) -> str:
    where = reverse("chart", args=[found.line.slug])
    return f"{where}?{urlencode({'class': found.defect_class})}" if found.defect_class else where


def _chart_of(request: PersonRequest, slug: str, said: QueryDict) -> Chart:
    """404 for a class that there is not."""
    line, code = line_of(request.user, slug), said.get("class", "")
    if code == GOOD or (code and code not in class_names()):
        raise Http404
    return charting.chart_of(line, code)


def _period(said: QueryDict) -> Period | None:
    """What the address asks for; None where the usual proposal is wanted."""
    return Period(said, label_suffix="", auto_id="period-%s") if "since" in said or "until" in said else None


def _chosen(form: Confirmation) -> Period | None:
    """The period of a confirmation that was refused, to be looked at again."""
    since, until = (form.cleaned_data.get(name) for name in ("since", "until"))
    if since is None or until is None:
        return None
    return Period.chosen(since, until)


# --- what is shown ------------------------------------------------------------------------------------------------


def _shown(
    request: PersonRequest,
    found: Chart,
    *,
    settings: Settings | None = None,
    period: Period | None = None,
    confirmation: Confirmation | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponseBase:
    now = timezone.now()
    stands = charting.standing(found, now)
    history = charting.history(found)
    offered = _offered(found, period, now)
    broken = charting.breaks(found.line, stands.since if stands else now - BREAKS_BACK, now)
    context: dict[str, Any] = {
        "chart": found,
        "line": found.line,
        "address": _address(found),
        "charted": _charted(found),
        "subgroup": subgroup_words(found.subgroup_by, found.size),
        "tabs": _tabs(found),
        "may_change": request.user.sees_every_line,
        "settings": settings or Settings.of(found),
        "standing": Row.of(stands) if stands else None,
        "ended_by": None if stands else charting.ended_by(found, now),
        "history": [Row.of(one) for one in history],
        "breaks": broken[-BREAKS_SHOWN:][::-1],
        "refused": refused,
        "confirmation": confirmation or Confirmation.empty(),
        "seen": seen(found),
        **_standing_words(found, stands),
        **_proposal(found, offered, period, now),
    }
    return render(request, "inspections/chart.html", context, status=status)


def _offered(found: Chart, period: Period | None, now: datetime) -> Proposal | Refused | None:
    """None where the period was written so that it is none."""
    if period is None:
        return charting.proposal(found, now)
    if not period.is_valid():
        return None
    return charting.from_period(found, period.cleaned_data["since"], period.cleaned_data["until"], now)


def _proposal(
    found: Chart, offered: Proposal | Refused | None, period: Period | None, now: datetime
) -> Mapping[str, Any]:
    context: dict[str, Any] = {"is_chosen": period is not None, "period": period or Period.of(now - BREAKS_BACK, now)}
    if isinstance(offered, Refused):
        return {**context, "lacking": offered.reason}
    if offered is None:
        return context
    return {
        **context,
        "period": period or Period.of(offered.since, offered.until),
        "proposal": offered,
        "proposal_centre": percent(offered.centre),
        "proposal_sigma_z": "" if offered.sigma_z == 1 else rounded(offered.sigma_z, 2),
        "plot": proposal_plot(found, offered),
        "proposal_spread": spread_words(found, offered.dispersion),
        "proposal_laney": _wants_laney(found, offered.dispersion),
        "laney": {**plain(found), "kind": ChartKind.LANEY, "rules": found.rules or [1]},
    }


def _standing_words(found: Chart, stands: Baseline | None) -> Mapping[str, Any]:
    spread = charting.spread(found, stands) if stands else None
    if stands is None or spread is None:
        return {}
    run = charting.points_to_a_false_signal(stands)
    return {
        "standing_spread": spread_words(found, spread),
        "standing_laney": _wants_laney(found, spread),
        "laney": {**plain(found), "kind": ChartKind.LANEY, "rules": found.rules or [1]},
        "false_signal": "" if run is None or run > 1e6 else rounded(run, 0),
    }


def _wants_laney(found: Chart, spread: Dispersion) -> bool:
    return spread.suggests_laney and found.kind in {ChartKind.P, ChartKind.U}


def spread_words(found: Chart, spread: Dispersion) -> str:
    """How the subgroups spread against chance, and what follows."""
    times = {"times": rounded(spread.ratio, 1), "n": rounded(spread.sigma_z, 1)}
    if not spread.is_over:
        return _("Its subgroups spread as chance makes them spread.")
    if spread.moved:
        words = _(
            "Its subgroups spread %(times)s times as far as chance gives, but neighbours are alike: the level moved."
        )
        return f"{words % times} {_('Find out why, or take a steadier period.')}"
    words = _("Its subgroups spread %(times)s times as far as chance gives, from one to the next %(n)s times.")
    if found.kind in {ChartKind.P, ChartKind.U}:
        return (
            f"{words % times} {_('Laney p′ is suggested: its limits are that much wider, and false signals are few.')}"
        )
    return f"{words % times} {_('The limits are made for that.')}"


def _charted(found: Chart) -> str:
    if not found.defect_class:
        return _("Anomaly rate")
    return class_names().get(found.defect_class, found.defect_class)


def _tabs(found: Chart) -> list[dict[str, Any]]:
    """The anomaly rate, the classes in use and what was no class, each a chart of its own."""
    classes = titles(DefectClass.objects.filter(active=True).exclude(code=GOOD)).items()
    return [
        {"code": code, "name": name, "is_here": code == found.defect_class}
        for code, name in (("", _("Anomaly rate")), *classes, (UNKNOWN, _("Unknown")))
    ]
