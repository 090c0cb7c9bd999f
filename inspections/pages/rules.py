"""`/alarms/rules/`: what raises alarms. A rule is tried on what was counted before it is saved."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import alarms
from inspections.models import AlarmRule, Person, RuleKind
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.overview import class_names
from inspections.pages.periods import percent
from inspections.pages.replayed import Replayed, replayed
from inspections.pages.rule_form import USUAL_WEEKS, RuleForm

FOUR_WEEKS = timedelta(weeks=4)


def rule_of(person: Person, key: int) -> AlarmRule:
    for_managers(person)
    return get_object_or_404(AlarmRule.objects.select_related("line", "made_by"), pk=key)


@page
def rules(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    lately = Count("alarms", filter=Q(alarms__raised_at__gte=timezone.now() - FOUR_WEEKS))
    rows = AlarmRule.objects.select_related("line", "made_by").prefetch_related("channels").annotate(lately=lately)
    names = class_names()
    found = [(rule, looks_at(rule, names)) for rule in rows.order_by("-enabled", "name", "id")]
    return render(request, "inspections/rules.html", {"rows": found})


def looks_at(rule: AlarmRule, names: dict[str, str]) -> str:
    """What a rule looks at, in a few words."""
    name = names.get(rule.defect_class, rule.defect_class)
    said = {"limit": rule.limit or 0, "minutes": rule.minutes, "class": name or _("any defect")}
    if rule.kind == RuleKind.LIMIT:
        return _("%(class)s above %(limit)s over %(minutes)d min") % {**said, "limit": percent(rule.limit)}
    if rule.kind == RuleKind.QUEUE:
        return _("more than %(limit)d images wait") % said
    if rule.kind == RuleKind.STALE:
        return _("an image waits longer than %(limit)d s, or the model is unfit") % said
    return str(rule.get_kind_display()) + (f": {name}" if name else "")


@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: HttpRequest) -> HttpResponseBase:
    return _make(request) if request.method == "POST" else _blank(request)


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, rule: int) -> HttpResponseBase:
    return _change(request, rule) if request.method == "POST" else _stands(request, rule)


@page
def _blank(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return _shown(request, RuleForm())


@page
def _stands(request: PersonRequest, key: int) -> HttpResponseBase:
    return _shown(request, RuleForm(rule=rule_of(request.user, key)))


@deed
def _make(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return _sent(request, RuleForm(request.POST))


@deed
def _change(request: PersonRequest, key: int) -> HttpResponseBase:
    return _sent(request, RuleForm(request.POST, rule_of(request.user, key)))


def _sent(request: PersonRequest, form: RuleForm) -> HttpResponseBase:
    """Try the rule, or save it; either says what it would have raised."""
    if not form.is_valid():
        return _shown(request, form, status=400)
    now, wish, is_tried = timezone.now(), form.wish, "try" in request.POST
    if reason := alarms.objection(wish, is_tried=is_tried):
        return _shown(request, form, refused=reason, status=400)
    found = replayed(wish, int(form.cleaned_data["weeks"] or USUAL_WEEKS), now)
    if is_tried:
        return _shown(request, form, found=found)
    return _saved(request, form, wish, found, now)


def _saved(
    request: PersonRequest, form: RuleForm, wish: alarms.Wish, found: Replayed, now: datetime
) -> HttpResponseBase:
    kept = alarms.save_rule(wish, request.user, now)
    if isinstance(kept, alarms.Refused):
        return _shown(request, form, refused=kept.reason, status=409)
    before = found.cannot or _("It would have raised %(words)s") % {"words": f"{found.words} {found.began}".strip()}
    messages.success(request, _("“%(name)s” is kept. %(before)s") % {"name": kept.name, "before": before})
    return HttpResponseRedirect(reverse("alarm-rules"))


def _shown(
    request: PersonRequest, form: RuleForm, *, refused: str = "", found: Replayed | None = None, status: int = 200
) -> HttpResponseBase:
    context = {"form": form, "rule": form.rule, "refused": refused, "replayed": found}
    return render(request, "inspections/rule.html", context, status=status)


@deed
def switch(request: PersonRequest, rule: int) -> HttpResponseBase:
    """On or off; nothing else of it changes."""
    found = rule_of(request.user, rule)
    wanted = request.POST.get("enabled")
    if wanted not in {"yes", "no"}:
        raise Http404
    kept = alarms.save_rule(replace(wish_of(found), enabled=wanted == "yes"), request.user, timezone.now())
    if isinstance(kept, alarms.Refused):
        messages.error(request, kept.reason)
    return HttpResponseRedirect(reverse("alarm-rules"))


def wish_of(rule: AlarmRule) -> alarms.Wish:
    """A rule as it stands."""
    return alarms.Wish(
        name=rule.name, kind=RuleKind(rule.kind), line=rule.line, defect_class=rule.defect_class, limit=rule.limit,
        minutes=rule.minutes, at_least=rule.at_least, k=rule.k, n=rule.n, cool_down_s=rule.cool_down_s,
        critical=rule.critical, enabled=rule.enabled, channels=tuple(rule.channels.all()), rule=rule,
    )  # fmt: skip
