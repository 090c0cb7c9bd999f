"""The registry's moves: a bundle is added, and one version is put in force, for the mill or for a line."""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from inspections.models import AuditEvent, DefectClass, Line, ModelVersion, Origin, Person, Snapshot, State
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.label import UNSURE
from inspections.provisional import settle_trained
from ml import bundle

CODE = re.compile(r"[-a-zA-Z0-9_]{1,40}")
RESERVED = frozenset({UNKNOWN, UNSURE, "undo"})  # answers, and never classes
UPLOADING = "upload-"  # begins the name of a folder that an upload is unpacked to
LEFT_BEHIND_S = 6 * 3600  # no upload or copy takes that long
BESIDE = "CARD.md"  # kept with a bundle though its spec does not name it


def add(
    folder: Path,
    now: datetime,
    *,
    origin: Origin = Origin.INSTALLED,
    by: Person | None = None,
    parent: ModelVersion | None = None,
    snapshot: Snapshot | None = None,
    class_map: Mapping[str, str] | None = None,
) -> ModelVersion:
    """Copy a bundle into the registry and give it a version's name; the same bundle twice is one version.

    `class_map`: the bundle's name of a class to the mill's code. Classes that the mill lacks are made, out of use.
    Raises BundleError.
    """
    spec = bundle.verify(folder)
    names = {name: code for name, code in (class_map or {}).items() if name != code}
    digest = bundle.digest(folder)
    known = _known(digest, class_map is not None, names)
    codes = known.classes if known else _codes(spec.classes, names)
    if known and bundle_is_there(known):
        return known
    _copy(folder, spec, Path(settings.BUNDLES) / digest)
    if known:
        return known
    values = {"origin": origin, "installed_by": by, "parent": parent, "snapshot": snapshot, "class_map": names}
    try:
        return _register(codes, now, digest=digest, spec=_kept(spec), **values)
    except IntegrityError:  # another process added one at the same moment: the same bundle, or another of that name
        if again := _known(digest, class_map is not None, names):
            return again
        return _register(codes, now, digest=digest, spec=_kept(spec), **values)


def _register(codes: list[str], now: datetime, **values: Any) -> ModelVersion:
    with transaction.atomic():
        _make_missing(codes)
        version = ModelVersion.objects.create(name=_next_name(now), **values)
        if version.installed_by:
            AuditEvent.note(version.installed_by, "new-model", f"model {version}", now, origin=version.origin)
        return version


def find(folder: Path) -> ModelVersion | None:
    """The version that this bundle is already. BundleError where the folder is none."""
    return ModelVersion.objects.filter(digest=bundle.digest(folder)).first()


def bundle_is_there(version: ModelVersion) -> bool:
    return _is_whole(version.folder)


def in_force(line: Line | None = None) -> ModelVersion | None:
    """The version that judges this line, or the mill's default."""
    own = Line.objects.select_related("version").get(pk=line.pk).version if line else None
    return own or ModelVersion.objects.filter(is_default=True).first()


def all_in_force() -> QuerySet[ModelVersion]:
    """The mill's default and the lines' own."""
    return ModelVersion.objects.filter(Q(is_default=True) | Exists(Line.objects.filter(version=OuterRef("pk"))))


def put_in_force(version: ModelVersion, line: Line | None = None) -> list[int]:
    """Make it the mill's default, or the line's own version; workers see it at their next batch.

    What is in force nowhere any more is retired. A line whose own version is the mill's has no own. Returns the lines
    that had this version of their own and follow the mill from now on: whoever writes the change keeps them with it.
    """
    freed: list[int] = []
    with transaction.atomic():
        lock(version)
        if line is None:
            freed = list(Line.objects.filter(version=version).order_by("pk").values_list("pk", flat=True))
            ModelVersion.objects.filter(is_default=True).exclude(pk=version.pk).update(is_default=False)
            ModelVersion.objects.filter(pk=version.pk).update(is_default=True)
            Line.objects.filter(version=version).update(version=None)
        else:
            is_default = ModelVersion.objects.filter(pk=version.pk, is_default=True).exists()
            Line.objects.filter(pk=line.pk).update(version=None if is_default else version)
        ModelVersion.objects.filter(pk=version.pk).update(broken="")
        _set_states()
        settle_trained(timezone.now())
    version.refresh_from_db()
    return freed


def lock(*versions: ModelVersion) -> None:
    """Hold these and the mill's default until the transaction ends; in one order always."""
    wanted = Q(is_default=True) | Q(pk__in=[one.pk for one in versions])
    list(ModelVersion.objects.select_for_update(of=("self",), no_key=True).filter(wanted).order_by("pk").values("pk"))


def _set_states() -> None:
    """`active` is what is in force somewhere; what was so and is no longer is `retired`."""
    active = list(all_in_force().values_list("pk", flat=True))
    ModelVersion.objects.filter(state=State.ACTIVE).exclude(pk__in=active).update(state=State.RETIRED)
    ModelVersion.objects.filter(pk__in=active).update(state=State.ACTIVE, shadow_share=0.0, rejected_for="")


def _codes(names: tuple[str, ...], class_map: Mapping[str, str]) -> list[str]:
    """The mill's codes in the order of the bundle's classes."""
    if strange := sorted(set(class_map) - set(names)):
        raise bundle.BundleError(f"it knows no class {strange[0]!r} that could be called {class_map[strange[0]]!r}")
    codes = [class_map.get(name, name) for name in names]
    if GOOD not in codes:
        raise bundle.BundleError(f"it knows no class {GOOD!r}, so it would flag every capture of every line")
    if len(set(codes)) < len(codes):
        raise bundle.BundleError("two of its classes would have one and the same code")
    for name, code in zip(names, codes, strict=True):
        if not CODE.fullmatch(code) or code in RESERVED:
            raise bundle.BundleError(f"{name!r} can be no class's code here: map it to another")
    return codes


def _known(digest: str, is_mapped: bool, class_map: Mapping[str, str]) -> ModelVersion | None:
    known = ModelVersion.objects.filter(digest=digest).first()
    if known and is_mapped and known.class_map != class_map:
        raise bundle.BundleError(f"it is here already, as {known.name}, with its classes mapped otherwise")
    return known


def _make_missing(codes: list[str]) -> None:
    """Out of use: a class that nobody has defined yet takes no label, and the gate refuses a model that says it."""
    for code in codes:
        values = {"name": code.replace("_", " ").capitalize(), "active": False}
        DefectClass.objects.get_or_create(code=code, defaults=values)


def _copy(source: Path, spec: bundle.Spec, target: Path) -> None:
    """Whole or not at all: beside the name first, then renamed. Only what the spec names, and the card."""
    part = target.with_name(f"{target.name}.{uuid4().hex[:8]}.part")
    part.mkdir(parents=True)
    try:
        for name in (bundle.SPEC, *spec.files, BESIDE):
            if (source / name).is_file() and not (source / name).is_symlink():
                shutil.copyfile(source / name, part / name)
        if target.exists() and not _is_whole(target):
            shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):  # another process was quicker
            part.rename(target)
        bundle.verify(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_left_behind(now: datetime) -> None:
    """What a killed upload or copy left beside the bundles, once nobody can be at it any more."""
    folder = Path(settings.BUNDLES)
    for path in [*folder.glob("*.part"), *folder.glob(f"{UPLOADING}*")]:
        with suppress(FileNotFoundError):  # another process was quicker, or it came to its end
            if path.stat().st_mtime < now.timestamp() - LEFT_BEHIND_S:
                shutil.rmtree(path, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        bundle.verify(folder)
    except (bundle.BundleError, OSError):
        return False
    return True


def _kept(spec: bundle.Spec) -> dict[str, Any]:
    """What pages and verdicts read of a spec; the probe's numbers stay in the file."""
    return {name: value for name, value in asdict(spec).items() if name != "probe"}


def _next_name(now: datetime) -> str:
    """`2026.11.1`: year, month, and a running number in it."""
    month = f"{now.year}.{now.month}."
    used = ModelVersion.objects.filter(name__startswith=month).values_list("name", flat=True)
    return f"{month}{max((int(name.rsplit('.', 1)[1]) for name in used), default=0) + 1}"
