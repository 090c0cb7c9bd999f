"""What stands in the way of a training, in words, found before anything is spent. Empty: nothing."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from inspections import registry
from inspections.models import Base, Capture, JobState, Side, Snapshot, TrainingRun
from inspections.models.defect_class import named
from inspections.retraining.wish import Wish
from ml import network_names, presets
from ml.refusal import DataError

SPARE_BYTES = 300_000_000  # a bundle, checkpoints and the bundle's copy in the registry
SIZES = (16, 512)  # of an input's side, px


def to_wish(wish: Wish) -> str:
    """All that can be told without looking at the labels, the cheapest first. Of the classes freezing itself speaks."""
    checks: tuple[Callable[[], str], ...] = (
        _live,
        _libraries,
        lambda: _recipe(wish),
        lambda: _base(wish),
        _room,
    )
    return next((objection for check in checks if (objection := check())), "")


def to_data(wish: Wish, snapshot: Snapshot) -> str:
    """What a frozen list lacks for this wish."""
    return _sides(wish, snapshot) or _folds(wish, snapshot) or _sizes(wish, snapshot) or _unchanged(wish, snapshot)


def alone() -> str:
    """In the transaction that asks: whether somebody else asked while the labels were frozen."""
    first = Snapshot.objects.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
    list(first[:1])  # one row that everybody who asks holds, so that they ask one after the other
    return _live()


def _live() -> str:
    run = TrainingRun.objects.live().first()
    if run is None:
        return ""
    return _("Training %(run)s has not ended: one at a time. Wait for it, or cancel it.") % {"run": run.pk}


def _libraries() -> str:
    """On one box the training worker has what this process has; elsewhere the worker says it itself."""
    if settings.EMBEDDED_BROKER and find_spec("torch") is None:
        return _("The training libraries are not installed here: this is a lean installation (LEAN=1).")
    return ""


def _recipe(wish: Wish) -> str:
    if wish.base == Base.HEAD:
        return ""
    stem = str(wish.knobs.get("stem", "standard"))
    if objection := network_names.objection(wish.network, stem):
        return objection
    if wish.base == Base.SCRATCH and (objection := network_names.untaught(wish.network)):
        return objection
    try:
        recipe = presets.recipe(wish.preset, wish.recipe_knobs)
    except (DataError, TypeError) as problem:
        return str(problem)
    size = wish.knobs.get("size", SIZES[0])
    if not isinstance(size, int) or not SIZES[0] <= size <= SIZES[1]:
        return _("The input size must lie between %(low)s and %(high)s px.") % {"low": SIZES[0], "high": SIZES[1]}
    if recipe.start in ("imagenet", "base") and wish.base == Base.SCRATCH:
        return _("“%(preset)s” goes on from trained weights: choose a version to start from, or another preset.") % {
            "preset": wish.preset
        }
    return ""


def _base(wish: Wish) -> str:
    if wish.base == Base.SCRATCH:
        return ""
    version = wish.base_version
    if version is None:
        return _("There is no version to start from: train from scratch.")
    if not registry.bundle_is_there(version):
        return _("The files of version %(version)s are damaged or gone.") % {"version": version}
    network = str(version.spec.get("network", ""))
    if wish.base == Base.ACTIVE and wish.network != network:
        words = {"version": version, "network": network}
        return _("Version %(version)s is a %(network)s: only the same network can go on from it.") % words
    return ""


def _room() -> str:
    """Images on another disk are copied; on the same one they are linked and need none."""
    here, images = _existing(settings.TRAININGS), 0
    if here.stat().st_dev != _existing(Path(settings.MEDIA_ROOT)).stat().st_dev:
        images = Capture.objects.filter(label__isnull=False).aggregate(sum=Sum("bytes"))["sum"] or 0
    free, wanted = shutil.disk_usage(here).free, images + SPARE_BYTES
    if free >= wanted:
        return ""
    words = {"wanted": wanted // 1_000_000, "free": free // 1_000_000}
    return _("The disk is too full: a training needs %(wanted)s MB free, and %(free)s MB are.") % words


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _sides(wish: Wish, snapshot: Snapshot) -> str:
    images = snapshot.counts.get(Side.TRAIN, {})
    few = [code for code in wish.classes if images.get(code, 0) < settings.TRAIN_LEAST_IMAGES]
    if not few:
        return ""
    found = ", ".join(f"{name} ({images.get(code, 0)})" for code, name in zip(few, named(few), strict=True))
    words = {"found": found, "least": settings.TRAIN_LEAST_IMAGES}
    return _("Too few labelled images to train on: %(found)s; each class needs %(least)s.") % words


def _folds(wish: Wish, snapshot: Snapshot) -> str:
    """A recipe that calibrates on folds must find each class in two sources; the sides count for nothing there."""
    if not wish.calibrates_on_folds:
        return ""
    found = [snapshot.sources.get(side, {}) for side in (Side.TRAIN, Side.VAL)]
    lone = [code for code in wish.classes if sum(side.get(code, 0) for side in found) < 2]
    if not lone:
        return ""
    return _("“%(preset)s” calibrates on folds, and one roll has all images of %(names)s: choose another recipe.") % {
        "preset": wish.preset, "names": ", ".join(named(lone)),
    }  # fmt: skip


def _sizes(wish: Wish, snapshot: Snapshot) -> str:
    """Images of several sizes, all resized, show one flaw at several scales: that must be wanted."""
    if wish.base == Base.HEAD or wish.knobs.get("resize_mixed"):
        return ""
    if wish.base_version and wish.base_version.spec.get("input", {}).get("large") == "tiles":
        return ""
    learnt = Capture.objects.filter(snapshot_rows__snapshot=snapshot, snapshot_rows__side__in=(Side.TRAIN, Side.VAL))
    sizes = sorted(set(learnt.order_by().values_list("width", "height").distinct()))
    if len(sizes) < 2:
        return ""
    named = ", ".join(f"{width} × {height}" for width, height in sizes[:5])
    return _("The images have several sizes (%(sizes)s): say that all may be resized, or label one size.") % {
        "sizes": named
    }


def _unchanged(wish: Wish, snapshot: Snapshot) -> str:
    """No change, no training: the last one that was done had these labels and these settings."""
    last = TrainingRun.objects.filter(state=JobState.DONE).select_related("snapshot", "version").first()
    if last is None or last.snapshot.digest != snapshot.digest:
        return ""
    was = (last.base, last.network, last.preset, last.knobs, last.base_version_id, last.snapshot.classes)
    wished = (wish.base, wish.network, wish.preset, dict(wish.knobs), _key(wish), list(snapshot.classes))
    if was != wished:
        return ""
    words = {"run": last.pk, "version": last.version or "–"}
    return _("Nothing has changed since training %(run)s, which made %(version)s: same labels, same settings.") % words


def _key(wish: Wish) -> int | None:
    return wish.base_version.pk if wish.base_version else None
