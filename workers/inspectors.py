"""The inspectors that this process holds: one a bundle, loaded when first needed."""

import time
from collections import OrderedDict

import structlog
from django.conf import settings

from inspections.models import ModelVersion
from ml.bundle import BundleError
from ml.inspector import Inspector

log = structlog.get_logger(__name__)

HELD = 3  # the version in force, the one before it, and a line's own
TRY_AGAIN_S = 10

_held: OrderedDict[str, Inspector] = OrderedDict()
_failed: dict[str, float] = {}  # digest -> when to try again


def inspector_for(version: ModelVersion) -> Inspector | None:
    """The version's inspector, or None where its bundle does not load: then its captures stay pending."""
    if version.digest in _held:
        _held.move_to_end(version.digest)
        return _held[version.digest]
    if time.monotonic() < _failed.get(version.digest, 0):
        return None
    return _load(version)


def forget() -> None:
    """Drop everything that is held (a bundle's files were changed)."""
    _held.clear()
    _failed.clear()


def _load(version: ModelVersion) -> Inspector | None:
    try:
        inspector = Inspector.load(version.folder, device=settings.DEVICE)
    except (BundleError, OSError, RuntimeError, ValueError, ImportError) as error:  # the device may be what is wrong
        _failed[version.digest] = time.monotonic() + TRY_AGAIN_S
        log.error("model-does-not-load", version=version.name, reason=str(error))
        ModelVersion.objects.filter(pk=version.pk).update(broken=str(error)[:300])
        return None
    if version.broken:
        ModelVersion.objects.filter(pk=version.pk).update(broken="")
    _held[version.digest] = inspector
    while len(_held) > HELD:
        _held.popitem(last=False)
    log.info("model-loaded", version=version.name, device=inspector.device, precision=inspector.precision)
    return inspector
