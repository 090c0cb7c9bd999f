"""When the running shift began."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from inspections import shifts


def shift_start(now: datetime) -> datetime:
    """When the shift that is on began; where the mill has defined none for this time, the latest of the day's
    beginnings of shift (setting SHIFTS, local time) that is not after `now`."""
    run = shifts.running(now)
    if run:
        return run.since
    local = timezone.localtime(now)
    days = (local.date(), local.date() - timedelta(days=1))
    starts = [
        timezone.make_aware(datetime.combine(day, time.fromisoformat(text))) for day in days for text in settings.SHIFTS
    ]
    return max(start for start in starts if start <= now)
