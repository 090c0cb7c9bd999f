"""Changes of the version in force: checked here, where an engine is, then made or refused."""

import structlog
from django.utils import timezone

from inspections import changes
from inspections.models import ChangeState, ModelVersion, VersionChange
from ml.bundle import BundleError
from ml.inspector import Inspector
from workers import prototyping

log = structlog.get_logger(__name__)


def work() -> None:
    """Decide the changes that are asked for, in the order in which they were."""
    changes.give_up(timezone.now())
    waiting = VersionChange.objects.filter(state=ChangeState.CHECKING).select_related("version")
    for change in waiting.order_by("id"):
        decide(change)


def decide(change: VersionChange) -> VersionChange:
    """Load the version, ask its probe, and move the pointer or refuse."""
    objection = objection_to_bundle(change.version)
    if not objection:
        prototyping.prepare(change.version)
    decided = changes.settle(change, objection, timezone.now())
    log.info("version-change", kind=decided.kind, version=str(decided.version), state=decided.state, why=decided.answer)
    return decided


def objection_to_bundle(version: ModelVersion) -> str:
    """Why this bundle cannot judge, in words; empty where every hash is right, it loads and answers its probe."""
    try:
        Inspector.load(version.folder, device="cpu")
    except (BundleError, OSError, RuntimeError, ValueError, ImportError) as error:
        return str(error) or type(error).__name__
    return ""
