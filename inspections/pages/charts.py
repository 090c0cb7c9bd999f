"""What pictures drawn by the server share: the coordinates, the words of an hour, and the list behind a figure."""

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections.last_day import Hour
from inspections.models import Line
from inspections.pages.worklist import Show

SLOT = 100
HEIGHT = 1000
GAP = 18
LEAST = 12  # a bar of zero is still a bar: judged, and nothing found
TOPS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100)  # percent


def flagged_url(line: Line, **wanted: str) -> str:
    return f"{reverse('flagged')}?{urlencode({'line': line.slug, **wanted})}"


def anomalies_url(line: Line, **wanted: str) -> str:
    """What a count of anomalies counted."""
    return flagged_url(line, show=Show.ANOMALIES, **wanted)


def hour_words(hour: Hour) -> str:
    clock = f"{timezone.localtime(hour.start):%H:%M}"
    if hour.tally.percent is None:
        return _("%(hour)s: nothing judged") % {"hour": clock}
    return _("%(hour)s: %(rate).1f %%, %(anomalies)d of %(judged)d") % {
        "hour": clock,
        "rate": hour.tally.percent,
        "anomalies": hour.tally.anomalies,
        "judged": hour.tally.judged,
    }
