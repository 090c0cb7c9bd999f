"""A moment as lists and headings show it. Made here and not in templates: a page has fifty of them, and a template
takes ten times as long."""

from datetime import date, datetime
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def until(moment: datetime | None) -> str:
    """A time of today by the clock alone, an older one with its day."""
    if moment is None:
        return _("nothing yet")
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), clock_words(local, timezone.localdate()))


def clock_words(local: datetime, today: date) -> str:
    """To the second today; an older one with its day."""
    day = local.date()
    return f"{local:%H:%M:%S}" if day == today else f"{_day_words(day, get_language())} {local:%H:%M}"


@lru_cache(maxsize=512)
def _day_words(day: date, _language: str | None) -> str:
    return date_format(day, "j M Y")
