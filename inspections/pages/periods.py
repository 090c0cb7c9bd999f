"""The period of the quality pages: a length and a last day, both in the address. And how shares are written there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import forms
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from inspections.escape import Interval
from inspections.pages.access import PersonRequest
from inspections.pages.flagged import CHOICE, EARLIEST
from inspections.pages.live import live
from inspections.quality import WEEK, day_start

ESCAPE_PERIODS = {"7d": (1, gettext_lazy("7 days")), "28d": (4, gettext_lazy("28 days"))}
AGREEMENT_PERIODS = {**ESCAPE_PERIODS, "91d": (13, gettext_lazy("91 days"))}
USUAL_PERIOD = "28d"


class Filters(forms.Form):
    """What may stand in the address. `until` is the period's last day; today where it is not given."""

    def __init__(self, data: Mapping[str, Any], periods: Mapping[str, tuple[int, Any]], today: date) -> None:
        super().__init__({"period": USUAL_PERIOD, **{name: data[name] for name in data}}, label_suffix="")
        self.periods, self.today = periods, today
        self.fields["period"] = forms.ChoiceField(
            label=_("Period"),
            choices=[(key, name) for key, (_weeks, name) in periods.items()],
            error_messages=CHOICE,
            widget=forms.RadioSelect,
        )
        wrong = {"invalid": _("This is no day. Write it like 2026-11-22.")}
        self.fields["until"] = forms.DateField(
            label=_("Last day"), required=False, error_messages=wrong, widget=forms.HiddenInput
        )

    def clean_until(self) -> date:
        last: date = self.cleaned_data["until"] or self.today
        if not EARLIEST.date() <= last <= self.today:
            raise forms.ValidationError(_("The last day must lie between the year 2000 and today."))
        return last

    @property
    def weeks(self) -> int:
        return self.periods[self.cleaned_data["period"]][0]


@dataclass(frozen=True)
class Period:
    """The chosen days, in words and as addresses."""

    first: date
    last: date
    since: datetime
    until: datetime
    today: date

    @property
    def is_now(self) -> bool:
        return self.last == self.today

    @property
    def earlier(self) -> str:
        return f"{self.first - timedelta(days=1):%Y-%m-%d}"

    @property
    def later(self) -> str:
        return f"{min(self.last + (self.last - self.first) + timedelta(days=1), self.today):%Y-%m-%d}"


def period_of(last: date, weeks: int, today: date) -> Period:
    first = last - timedelta(days=WEEK * weeks - 1)
    return Period(first, last, day_start(first), day_start(last + timedelta(days=1)), today)


def refused(request: PersonRequest, form: Filters, name: str) -> HttpResponseBase:
    context = {"form": form, "refused": True, "address": reverse(name)}
    template, part = f"inspections/{name}.html", f"inspections/_{name}.html"
    return live(request, template, part, context, status=400, moving=False)


def percent(share: float | None) -> str:
    """One digit, two below one percent; a dash where there is none."""
    if share is None:
        return "–"
    digits = 1 if share >= 0.00995 or share == 0 else 2
    return f"{rounded(100 * share, digits)} %"


def rounded(value: float, digits: int) -> str:
    """In the reader's writing. Django's own `number_format` cuts digits off instead of rounding. Nothing is never -0.0,
    which would stand in the cache for 0 as well."""
    return _written(round(value, digits) or 0, digits, get_language())


@lru_cache(maxsize=5000)
def _written(value: float, digits: int, _language: str | None) -> str:
    """Kept, because a page writes the same small numbers hundreds of times."""
    return number_format(value, digits)


def grouped(count: int) -> str:
    """Large counts, so that they can be read: `12,480`."""
    return _grouped(count, get_language())


@lru_cache(maxsize=5000)
def _grouped(count: int, _language: str | None) -> str:
    """Kept as the others are."""
    return number_format(count, force_grouping=True)


def counted_words(anomalies: float, judged: float) -> str:
    """`2.0 %, 4 of 200`."""
    return _counted_words(anomalies, judged, get_language())


@lru_cache(maxsize=5000)
def _counted_words(anomalies: float, judged: float, _language: str | None) -> str:
    """Kept, because a page that looks again finds most of its counts as they were."""
    return _("%(rate)s, %(anomalies)s of %(judged)s") % {
        "rate": percent(anomalies / judged if judged else None),
        "anomalies": rounded(anomalies, 0),
        "judged": rounded(judged, 0),
    }


def between_words(between: Interval | None) -> str:
    return "–" if between is None else f"{percent(between.low)} – {percent(between.high)}"
