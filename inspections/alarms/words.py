"""What an alarm says: one sentence, from what was seen."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.charting import signal_words
from inspections.models import AlarmRule, Chart, DefectClass, RuleKind
from inspections.models.defect_class import UNKNOWN


def words_of(rule: AlarmRule, figures: Mapping[str, Any]) -> str:
    """Of the kinds that read rollups and charts."""
    if rule.kind == RuleKind.CLASS_SEEN:
        return _seen(rule, figures)
    told = {
        "what": _what(rule.defect_class), "rate": percent(figures["rate"]), "count": figures["count"],
        "judged": figures["judged"], "minutes": rule.minutes,
    }  # fmt: skip
    if rule.kind == RuleKind.LIMIT:
        told["limit"] = percent(figures["limit"])
        return _("%(what)s %(rate)s over %(minutes)s minutes (%(count)s of %(judged)s): above %(limit)s.") % told
    return _signalled(told, figures)


def _signalled(told: dict[str, Any], figures: Mapping[str, Any]) -> str:
    chart = Chart(rule_set=figures["rule_set"])
    told["signals"] = ", ".join(signal_words(one, chart) for one in figures["signals"])
    return _("%(what)s %(rate)s (%(count)s of %(judged)s): the control chart signals, %(signals)s.") % told


def _seen(rule: AlarmRule, figures: Mapping[str, Any]) -> str:
    count = int(figures["count"])
    told = {"name": class_name(rule.defect_class), "n": count}
    return ngettext("%(name)s was seen: %(n)s image.", "%(name)s was seen: %(n)s images.", count) % told


def _what(code: str) -> str:
    return _("%(name)s: rate") % {"name": class_name(code)} if code else _("Anomaly rate")


def class_name(code: str) -> str:
    if code == UNKNOWN:
        return _("Unknown")
    found = DefectClass.objects.filter(code=code).values_list("name", flat=True).first()
    return found or code


def mostly(code: str) -> str:
    """Which class leads, after what an alarm of every class says."""
    return _("Mostly %(name)s.") % {"name": class_name(code)}


def late(since: datetime) -> str:
    """An alarm about the past says so."""
    return _("Seen late: it began %(when)s, and its images came afterwards.") % {"when": moment(since)}


def percent(share: float) -> str:
    return _("%(n)s %%") % {"n": f"{100 * share:.1f}"}


def moment(at: datetime) -> str:
    """In the mill's time."""
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")
