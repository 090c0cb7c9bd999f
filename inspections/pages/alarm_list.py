"""`/alarms/`: the open alarms first, then those that were, narrowed in the address; and how fast people acted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections.alarms.acting import ABOUT_CLOTH
from inspections.alarms.life import open_alarms
from inspections.models import Alarm, AlarmRule, AlarmState, Line, RuleKind
from inspections.pages import when
from inspections.pages.access import PersonRequest, lines_of, page
from inspections.pages.desk import lasted_words, seen_words, time_words
from inspections.pages.durations import duration_words
from inspections.pages.flagged import CHOICE
from inspections.pages.live import live
from inspections.pages.when import When

PAGE = 50
MOST_TIMED = 5000  # alarms whose times make the median
USUAL_PERIOD = "28d"
NARROWS = ("line", "kind", "rule", "state")


class Filters(forms.Form):
    """What may stand in the address. `after`: the id of the last alarm on the page before."""

    def __init__(self, data: QueryDict, lines: Sequence[Line]) -> None:
        super().__init__({name: data[name] for name in data}, label_suffix="")
        self.lines = lines
        self.fields["line"] = _select(_("Line"), [("", _("All lines")), *((one.slug, str(one)) for one in lines)])
        self.fields["kind"] = _select(_("Kind"), [("", _("All kinds")), *kinds()])
        self.fields["rule"] = _select(_("Rule"), [("", _("All rules")), *rules()])
        self.fields["state"] = _select(_("State"), [("", _("All states")), *AlarmState.choices])
        self.fields["after"] = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    @property
    def shown(self) -> list[forms.BoundField]:
        return [self[name] for name in NARROWS]

    @property
    def chosen(self) -> list[Line]:
        return [line for line in self.lines if self.cleaned_data["line"] in ("", line.slug)]

    def wanted(self, asked: When) -> "QuerySet[Alarm]":
        """Raised in the period."""
        said = self.cleaned_data
        rows = Alarm.objects.filter(line__in=self.chosen, raised_at__gte=asked.span.since)
        rows = rows.filter(raised_at__lt=asked.until) if asked.until else rows
        if said["kind"]:
            rows = rows.filter(rule__kind=said["kind"])
        if said["rule"]:
            rows = rows.filter(rule=said["rule"])
        return rows.filter(state=said["state"]) if said["state"] else rows

    def address(self, asked: When, **changes: Any) -> str:
        kept = {name: self.cleaned_data.get(name) or "" for name in NARROWS}
        others = urlencode({name: one for name, one in {**kept, **changes}.items() if one})
        return f"{reverse('alarms')}?{'&'.join(part for part in (asked.query, others) if part)}"


def kinds() -> list[tuple[str, str]]:
    return [(kind.value, str(kind.label).capitalize()) for kind in RuleKind]


def rules() -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in AlarmRule.objects.order_by("name", "pk").values_list("pk", "name")]


def _select(label: str, choices: Any) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, required=False, error_messages=CHOICE, widget=widget)


@dataclass(frozen=True)
class Row:
    """An alarm in a list. `action`: from its first sign to what people did; empty where they did nothing yet."""

    alarm: Alarm
    since: str
    lasted: str
    seen: str
    action: str


@page
def alarms(request: PersonRequest) -> HttpResponseBase:
    now = timezone.now()
    lines = lines_of(request.user)
    form, asked = Filters(request.GET, lines), period_of(request, now)
    is_valid = form.is_valid()
    rows, older, timed = _history(form, asked, now) if is_valid else ([], "", None)
    is_first = not request.GET.get("after")
    context = {
        "form": form,
        "when": asked,
        "newest": form.address(asked) if is_valid else "",
        "is_valid": is_valid,
        "lines": lines,
        "open": [row_of(one, now) for one in open_alarms(form.chosen)] if is_valid else [],
        "rows": rows,
        "older": older,
        "is_first": is_first,
        "timed": timed,
        "is_narrowed": any(request.GET.get(name) for name in NARROWS),
    }
    template, part, status = "inspections/alarms.html", "inspections/_alarms.html", asked.status if is_valid else 400
    return live(request, template, part, context, status=status, moving=is_valid and is_first and not asked.errors)


@page
def raised(request: PersonRequest) -> HttpResponseBase:
    """The tab alone, as every page has it: pages that show no alarms ask for it, for whoever wants to hear."""
    return render(request, "inspections/_alarm_tab.html")


def period_of(request: PersonRequest, now: datetime) -> When:
    """In which the alarms were raised; nothing stands beside it."""
    return when.chosen(request, now, USUAL_PERIOD, compares=False)


@dataclass(frozen=True)
class Timed:
    """How long people took from the first defect to their action, over the alarms about cloth of a choice."""

    alarms: int
    acted: int
    words: str  # the median


def _history(form: Filters, asked: When, now: datetime) -> tuple[list[Row], str, Timed]:
    found = form.wanted(asked)
    page_of = found.filter(pk__lt=form.cleaned_data["after"]) if form.cleaned_data["after"] else found
    rows = list(page_of.select_related("rule", "line", "acknowledged_by").order_by("-id")[: PAGE + 1])
    older = form.address(asked, after=rows[PAGE - 1].pk) if len(rows) > PAGE else ""
    return [row_of(one, now) for one in rows[:PAGE]], older, timed(found)


def timed(found: "QuerySet[Alarm]") -> Timed:
    of_cloth = found.filter(rule__kind__in=ABOUT_CLOTH)
    pairs = list(of_cloth.order_by("-id").values_list("since", "acted_at")[:MOST_TIMED])
    took = [(acted - since).total_seconds() for since, acted in pairs if acted]
    return Timed(len(pairs), len(took), duration_words(median(took)) if took else "")


def row_of(alarm: Alarm, now: datetime) -> Row:
    end = alarm.resolved_at or now
    return Row(
        alarm=alarm,
        since=time_words(alarm.since, now),
        lasted=lasted_words((end - alarm.since).total_seconds()),
        seen=seen_words(alarm),
        action=duration_words((alarm.acted_at - alarm.since).total_seconds()) if alarm.acted_at else "",
    )
