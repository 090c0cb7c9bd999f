"""The registry's moves: a bundle is added, and one version is put in force."""

import shutil
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from inspections.models import DefectClass, ModelVersion, State
from inspections.models.defect_class import GOOD
from ml import bundle


def add(folder: Path, now: datetime) -> ModelVersion:
    """Copy a bundle into the registry and give it a version's name; the same bundle twice is one version.

    The caller has loaded it and asked its probe. Classes that the mill lacks are made. Raises BundleError.
    """
    spec = bundle.verify(folder)
    if GOOD not in spec.classes:
        raise bundle.BundleError(f"it knows no class {GOOD!r}, so it would flag every capture of every line")
    digest = bundle.digest(folder)
    known = ModelVersion.objects.filter(digest=digest).first()
    if known and bundle_is_there(known):
        return known
    _copy(folder, Path(settings.BUNDLES) / digest)
    if known:
        return known
    with transaction.atomic():
        for code in spec.classes:
            DefectClass.objects.get_or_create(code=code, defaults={"name": code.replace("_", " ").capitalize()})
        return ModelVersion.objects.create(name=_next_name(now), digest=digest, spec=_kept(spec))


def bundle_is_there(version: ModelVersion) -> bool:
    try:
        bundle.verify(version.folder)
    except bundle.BundleError:
        return False
    return True


def put_in_force(version: ModelVersion) -> None:
    """Make it the mill's default; the one before is retired. Workers see it at their next batch."""
    with transaction.atomic():
        before = ModelVersion.objects.select_for_update().filter(is_default=True).exclude(pk=version.pk)
        before.update(is_default=False, state=State.RETIRED)
        ModelVersion.objects.filter(pk=version.pk).update(is_default=True, state=State.ACTIVE, broken="")
    version.refresh_from_db()


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all: beside the name first, then renamed."""
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, part)
    part.rename(target)


def _kept(spec: bundle.Spec) -> dict[str, Any]:
    """What pages and verdicts read of a spec; the probe's numbers stay in the file."""
    return {name: value for name, value in asdict(spec).items() if name != "probe"}


def _next_name(now: datetime) -> str:
    """`2026.11.1`: year, month, and a running number in it."""
    month = f"{now.year}.{now.month}."
    used = ModelVersion.objects.filter(name__startswith=month).values_list("name", flat=True)
    return f"{month}{max((int(name.rsplit('.', 1)[1]) for name in used), default=0) + 1}"
