"""The inspectors that this process holds: one a bundle, loaded when first needed."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import structlog
from django.conf import settings
from django.utils import timezone

from inspections import changes
from inspections.models import ModelVersion
from ml.answers import Item, Judgement, Undecodable
from ml.bundle import BundleError
from ml.inspector import Inspector

log = structlog.get_logger(__name__)

HELD = 4  # the version in force, the one before it, a line's own, and one that looks again
TRY_AGAIN_S = 10


class MillInspector(Inspector):
    """Speaks the mill's codes where the bundle has other names for its classes."""

    version: ModelVersion

    @classmethod
    def of(cls, version: ModelVersion, device: str) -> Self:
        """Raises as `load` does."""
        inspector = cls.load(version.folder, device=device)
        inspector.version = version
        return inspector

    def judge(self, items: Sequence[Item]) -> list[Judgement | Undecodable]:
        if not self.version.class_map:
            return super().judge(items)
        return [_in_codes(self.version, answer) for answer in super().judge([self._in_names(item) for item in items])]

    def _in_names(self, item: Item) -> Item:
        if item.shares is None:
            return item
        names = dict(zip(self.version.classes, self.spec.classes, strict=True))
        return replace(item, shares={names.get(code, code): share for code, share in item.shares.items()})


def _in_codes(version: ModelVersion, answer: Judgement | Undecodable) -> Judgement | Undecodable:
    if isinstance(answer, Undecodable):
        return answer
    chances = answer.probabilities
    told = None if chances is None else {version.code_of(name): value for name, value in chances.items()}
    return replace(answer, label=version.code_of(answer.label), probabilities=told)


_held: OrderedDict[str, MillInspector] = OrderedDict()
_failed: dict[str, float] = {}  # digest -> when to try again


def inspector_for(version: ModelVersion) -> MillInspector | None:
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


def _load(version: ModelVersion) -> MillInspector | None:
    try:
        inspector = MillInspector.of(version, settings.DEVICE)
    except (BundleError, OSError, RuntimeError, ValueError, ImportError) as error:  # the device may be what is wrong
        _failed[version.digest] = time.monotonic() + TRY_AGAIN_S
        log.error("model-does-not-load", version=version.name, reason=str(error))
        ModelVersion.objects.filter(pk=version.pk).update(broken=str(error)[:300])
        if isinstance(error, BundleError):  # the bundle is at fault, not the device or a disk that is away just now
            changes.fall_back(version, str(error), timezone.now())
        return None
    if version.broken:
        ModelVersion.objects.filter(pk=version.pk).update(broken="")
    _held[version.digest] = inspector
    while len(_held) > HELD:
        _held.popitem(last=False)
    log.info("model-loaded", version=version.name, device=inspector.device, precision=inspector.precision)
    return inspector
