"""The gate: a challenger is held against the golden set beside the champion, and what fails is not promoted."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from inspections import bell, registry
from inspections.models import AuditEvent, DefectClass, GateReport, JobState, ModelVersion, Person, Snapshot, State
from inspections.models.defect_class import named
from inspections.snapshots import Refused, newest_golden

LEAST_REASON = 10  # characters of a written reason
LIMITS = (
    "GATE_RECALL_LOSS", "GATE_CRITICAL_RECALL", "GATE_NEW_RECALL", "GATE_OVERKILL", "GATE_ECE", "GATE_LATENCY_MS",
    "GATE_SHADOW",
)  # fmt: skip


def limits() -> dict[str, float]:
    """What the settings ask for, kept with each report."""
    return {name.removeprefix("GATE_").lower(): getattr(settings, name) for name in LIMITS}


def ask(version: ModelVersion, by: Person | None, now: datetime) -> GateReport | Refused:
    """Have a worker measure this version. One that is being measured already is not measured twice at once.

    Without a person it is the system that asks, after a training or an upload, and their rows tell of it.
    """
    if version.state == State.REJECTED:
        return Refused(_("It was rejected: %(reason)s") % {"reason": version.rejected_for})
    champion = registry.in_force()
    if champion == version:
        return Refused(_("%(version)s is in force: there is nothing to hold it against.") % {"version": version})
    with transaction.atomic():
        ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if running := GateReport.objects.live().filter(version=version).first():
            found: GateReport = running
            return found
        golden = newest_golden()
        report = GateReport.objects.create(
            version=version, champion=champion, golden=golden, limits=limits(), asked_by=by, asked_at=now
        )
        if by is not None:
            AuditEvent.note(by, "gate", f"model {version}", now, golden=golden.name if golden else None)
        bell.ring_on_commit(bell.ASSESS)
        return report


def override(report: GateReport, by: Person, now: datetime, reason: str) -> GateReport | Refused:
    """Let a version through in spite of its report, with a written reason."""
    if len(reason.strip()) < LEAST_REASON:
        return Refused(_("Write down why, in %(least)d letters or more.") % {"least": LEAST_REASON})
    with transaction.atomic():
        row = GateReport.objects.select_for_update(of=("self",)).get(pk=report.pk)
        if row.state != JobState.DONE or row.passed:
            return Refused(_("Only a report that is done and did not pass can be overridden."))
        row.override_by, row.override_reason, row.overridden_at = by, reason.strip()[:500], now
        row.save(update_fields=["override_by", "override_reason", "overridden_at"])
        failed = [rule["name"] for rule in row.rules if not rule["passed"]]
        AuditEvent.note(by, "gate-override", f"model {row.version}", now, reason=reason.strip()[:500], failed=failed)
        found: GateReport = row
        return found


def standing(version: ModelVersion) -> GateReport | None:
    """Its latest report, whatever became of it; without the answers to single images."""
    found = GateReport.objects.filter(version=version).select_related("golden", "champion", "override_by")
    report: GateReport | None = found.defer("answers").order_by("-id").first()
    return report


def objection(version: ModelVersion) -> str:
    """Why its gate does not stand open, in words; empty where it does, for the very first version, and for the one
    that is in force."""
    champion = registry.in_force()
    if champion in (None, version):
        return ""
    assert champion
    return _of_report(standing(version), champion, newest_golden())


def _of_report(report: GateReport | None, champion: ModelVersion, golden: Snapshot | None) -> str:
    if report is None:
        return _("It was not held against the golden set yet.")
    if report.is_live:
        return _("It is being held against the golden set. Wait for the report.")
    if report.state != JobState.DONE:
        return _("It could not be measured: %(reason)s") % {"reason": report.reason}
    if report.golden_id != (golden.pk if golden else None):
        return _("The golden set has changed since its report. Hold it against the new one.")
    if report.limits and report.limits != limits():
        return _("The limits have changed since its report. Hold it against the golden set again.")
    if report.champion_id != champion.pk:
        return _("Its report is against another version than %(champion)s.") % {"champion": champion}
    if report.stands_open:
        return _classes_changed(report)
    return _("The gate failed: %(rules)s") % {"rules": " ".join(failed_words(report.rules))}


def _classes_changed(report: GateReport) -> str:
    """A class taken into use, or called critical, since the report: nobody held the version to it."""
    measured = report.measured or {}
    if "classes" not in measured:
        return ""
    lacked, held = measured["classes"]["missing"], measured.get("recall", {})
    rows = DefectClass.objects.filter(active=True, provisional=False).order_by("id").values_list("code", "critical")
    known = set(report.version.classes) | set(lacked)
    strict = {code for code, found in held.items() if found["critical"]}
    new = [code for code, critical in rows if code not in known or (critical and code in held and code not in strict)]
    if not new:
        return ""
    words = _("Since its report %(classes)s came into use or became critical. Hold it against the golden set again.")
    return words % {"classes": ", ".join(named(new))}


def failed_words(rules: list[dict[str, Any]]) -> list[str]:
    """Why, for every rule that did not pass."""
    return [str(rule["words"]) for rule in rules if not rule["passed"]]
