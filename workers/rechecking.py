"""Versions that did not load once are looked at again: what stood in the way may have passed, as a disk that was away.

What is in force is left to the judges, who try it again by themselves, on the device that they judge with.
"""

import structlog

from inspections import registry
from inspections.models import ModelVersion
from workers.changing import objection_to_bundle

log = structlog.get_logger(__name__)


def work() -> None:
    """Clear the complaint of every version that loads by now, and keep the present one of those that do not."""
    in_force = registry.all_in_force().values("pk")
    for version in ModelVersion.objects.exclude(broken="").exclude(pk__in=in_force):
        reason = objection_to_bundle(version)[:300]
        if reason != version.broken:
            ModelVersion.objects.filter(pk=version.pk, broken=version.broken).update(broken=reason)
            log.info("model-looked-at-again", version=version.name, reason=reason)
