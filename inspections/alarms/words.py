"""What an alarm says: one sentence, from what was seen."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.models import AlarmRule, RuleKind
from inspections.models.defect_class import UNKNOWN, titles

Names = Mapping[str, str]


def words_of(rule: AlarmRule, figures: Mapping[str, Any], names: Names) -> str:
    """Of the kinds that read rollups and charts."""
    if rule.kind == RuleKind.CLASS_SEEN:
        return _seen(rule, figures, names)
    told = {
        "what": _what(rule.defect_class, names), "rate": percent(figures["rate"]), "count": figures["count"],
        "judged": figures["judged"], "minutes": rule.minutes,
    }  # fmt: skip
    if rule.kind == RuleKind.LIMIT:
        told["limit"] = percent(figures["limit"])
        return _("%(what)s %(rate)s, above %(limit)s: %(count)s of %(judged)s in %(minutes)s minutes.") % told
    return _signalled(told, figures)


def _signalled(told: dict[str, Any], figures: Mapping[str, Any]) -> str:
    told["signals"] = ", ".join(figures["signals"])
    return _("%(what)s %(rate)s (%(count)s of %(judged)s): the control chart signals, %(signals)s.") % told


def _seen(rule: AlarmRule, figures: Mapping[str, Any], names: Names) -> str:
    """What was there when it was told: more may follow while the alarm is open."""
    count = int(figures["count"])
    told = {"name": names.get(rule.defect_class, rule.defect_class), "n": count}
    words = ngettext(
        "%(name)s was seen, at first in %(n)s image.", "%(name)s was seen, at first in %(n)s images.", count
    )
    return words % told


def _what(code: str, names: Names) -> str:
    return _("%(name)s: rate") % {"name": names.get(code, code)} if code else _("Anomaly rate")


def class_names() -> Names:
    """Of all classes, retired ones too, by their codes; one query."""
    return {**titles(), UNKNOWN: _("Unknown")}


def mostly(code: str, names: Names) -> str:
    """Which class leads, after what an alarm of every class says."""
    return _("Mostly %(name)s.") % {"name": names.get(code, code)}


def late(since: datetime) -> str:
    """An alarm about the past says so."""
    return _("Seen late: it began %(when)s, and its images came afterwards.") % {"when": moment(since)}


def percent(share: float) -> str:
    return _("%(n)s %%") % {"n": f"{100 * share:.1f}"}


def moment(at: datetime) -> str:
    """In the mill's time."""
    return date_format(localtime(at), "j M Y H:i")
