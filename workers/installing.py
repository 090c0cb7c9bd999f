"""Installing a bundle by command: it is loaded and asked its probe before the registry keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from inspections import registry
from inspections.models import ModelVersion, Origin
from ml.bundle import BundleError
from ml.inspector import Inspector


@dataclass(frozen=True)
class Installed:
    """`was_here`: the same bundle had been added before."""

    version: ModelVersion
    was_here: bool


def install(folder: Path, mapped: dict[str, str] | None = None) -> Installed:
    """BundleError or OSError, with the reason, where the bundle cannot judge."""
    is_starter = folder.resolve() == Path(settings.STARTER_BUNDLE).resolve()
    origin = Origin.STARTER if is_starter else Origin.INSTALLED
    Inspector.load(folder, device="cpu")
    known = registry.find(folder)
    version = registry.add(folder, timezone.now(), origin=origin, class_map=mapped)
    return Installed(version, known is not None)


def class_map(words: Sequence[str]) -> dict[str, str] | None:
    """Of `old=new …`; None without any. BundleError where one of them says something else."""
    pairs = [word.partition("=") for word in words]
    if wrong := [word for word, pair in zip(words, pairs, strict=True) if not (pair[0] and pair[2])]:
        raise BundleError(f"--map {wrong[0]!r} is not OLD=NEW")
    return {old: new for old, _equals, new in pairs} or None
