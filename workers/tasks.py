"""The doorbells. Each is a few lines: the work is elsewhere, and a bell heard twice does nothing twice."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="workers.judge_pending", ignore_result=True)
def judge_pending() -> None:
    """Judge what is pending."""
    from inspections.bell import ring_now
    from workers.judging import drain

    if drain():
        ring_now()


@shared_task(name="workers.sweep", ignore_result=True)
def sweep() -> None:
    """Recover what was left: expired leases, used-up attempts, bells that nobody heard."""
    from workers import sweeping

    sweeping.sweep(timezone.now())


@shared_task(name="workers.remove_orphans", ignore_result=True)
def remove_orphans() -> None:
    """Delete files that no row points to."""
    from workers import sweeping

    sweeping.remove_orphans(timezone.now())
