"""The gate's measuring: challenger and champion on the golden set, one report after the other."""

from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from inspections import gate_rules
from inspections.models import GateReport, JobState, Snapshot
from inspections.models.defect_class import titles
from ml.bundle import BundleError
from workers import measuring, stopping

LEASE = timedelta(seconds=120)  # renewed with every few images
MOST_ATTEMPTS = 3
log = structlog.get_logger(__name__)


class TakenAway(Exception):
    """Somebody else has the report now, it was ended, or this worker ends and the next one begins anew."""


def work() -> None:
    """Work off what waits."""
    while not stopping.is_asked() and (report := claim()) is not None:
        assess(report)


def claim() -> GateReport | None:
    now = timezone.now()
    found: GateReport | None = GateReport.objects.claim(now, now + LEASE, started_at=now)
    return found


def assess(report: GateReport) -> None:
    """Measure, judge the rules, write the report; or why it could not be measured."""
    if report.attempts > MOST_ATTEMPTS:
        report.end(JobState.FAILED, timezone.now(), f"{MOST_ATTEMPTS} attempts ended without an answer")
        return
    if report.state == JobState.CANCELLING:
        report.end(JobState.CANCELLED, timezone.now())
        return
    try:
        measured, answers = measuring.measure(report, lambda: _beat(report))
    except TakenAway:
        return
    except (BundleError, OSError, RuntimeError, ValueError, ImportError) as error:
        log.exception("gate-not-measured", version=str(report.version))
        report.end(JobState.FAILED, timezone.now(), str(error) or type(error).__name__)
        return
    measured = measuring.numbers(measured)
    names = titles()
    rules = gate_rules.judge(measured, report.limits, names)
    kept: dict[str, Any] = {"measured": measured, "answers": answers, "rules": gate_rules.as_rows(rules)}
    with transaction.atomic():
        ended = report.end(JobState.DONE, timezone.now(), passed=gate_rules.verdict(rules), **kept)
        if ended and report.golden and answers:
            Snapshot.objects.filter(pk=report.golden.pk).update(looks=F("looks") + 1)


def _beat(report: GateReport) -> None:
    if stopping.is_asked():
        report.renew(timezone.now(), attempts=F("attempts") - 1)
        raise TakenAway
    if not report.renew(timezone.now() + LEASE):
        raise TakenAway
