"""Spans of time as people say them."""

from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration_words(seconds: float) -> str:
    """`8 s`, `3 min`, `1 h 20 min`, `2 d 3 h`: two parts at most, rounded to what one needs to know."""
    if seconds < 90:
        return _("%(n)d s") % {"n": max(1, round(seconds))}
    if seconds < 90 * MINUTE:
        return _("%(n)d min") % {"n": round(seconds / MINUTE)}
    if seconds < 2 * DAY:
        whole = round(seconds / MINUTE)
        return _("%(h)d h %(m)d min") % {"h": whole // 60, "m": whole % 60}
    whole = round(seconds / HOUR)
    return _("%(d)d d %(h)d h") % {"d": whole // 24, "h": whole % 24}
