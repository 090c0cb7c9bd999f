"""When to train: what starts one by itself, and what only suggests it."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import snapshots, teaching
from inspections.models import Base, Capture, DefectClass, InsightKind, JobState, ModelVersion, TrainingRun
from inspections.models.defect_class import titles
from inspections.retraining import drifting
from inspections.retraining.asking import ask
from inspections.retraining.preview import enough, preview
from inspections.retraining.wish import Wish, usual
from inspections.snapshots import Foreseen, Refused

log = structlog.get_logger(__name__)

WORTH_SAYING = 20  # new labels; fewer suggest nothing
MOST_PAIRS = 3
MOST_MOVED = 6


@dataclass(frozen=True)
class Suggestion:
    """A reason to train, for a person to weigh. `code`: the class it is about, or none; `drifted`: it is no label's."""

    words: str
    code: str = ""
    drifted: bool = False


def due(now: datetime) -> str | None:
    """Why a training should start by itself now; None where none should.

    Counted from the last that was asked for, whatever became of it: one that fails is not tried again and again.
    """
    wanted = settings.TRAIN_AFTER_LABELS
    if wanted <= 0 or TrainingRun.objects.live().exists():
        return None
    last = TrainingRun.objects.select_related("snapshot").first()
    found = snapshots.new_labels_since(last.snapshot if last else None)
    return f"policy: {found} new labels" if found >= wanted else None


def start_when_due(now: datetime) -> TrainingRun | Refused | None:
    """Start what the policy wants: the settings of the last one that was done, and every class that has enough images.

    None: nothing is due.
    """
    why = due(now)
    if why is None:
        return None
    wish, classes = _as_last_time(), enough(preview(Foreseen(snapshots.counted())))
    found = ask(
        None, now, base=wish.base, network=wish.network, preset=wish.preset, knobs=wish.knobs, classes=classes,
        base_version=wish.base_version, why=why,
    )  # fmt: skip
    if isinstance(found, Refused):
        log.warning("training-by-policy-refused", reason=found.reason)  # asked again when the clock comes by
    return found


def _as_last_time() -> Wish:
    """The last settings on the version in force now: a base that has been replaced is not gone on from."""
    last = TrainingRun.objects.filter(state=JobState.DONE).first()
    if last is None:
        return usual()
    now = usual(Base(last.base))
    same_network = now.base == Base.SCRATCH or now.network == last.network
    return Wish(now.base, now.network, last.preset, now.classes, last.knobs, now.base_version) if same_network else now


def suggestions(found: drifting.Told | None = None) -> list[Suggestion]:
    """What speaks for a training. Nothing here starts one."""
    moved = [Suggestion(words, drifted=True) for words in drifting.moved(found)]
    return [*_new_labels(), *_new_classes(), *_confusions(), *moved[:MOST_MOVED]]


def _new_labels() -> list[Suggestion]:
    last = TrainingRun.objects.filter(state=JobState.DONE).select_related("snapshot").first()
    found = snapshots.new_labels_since(last.snapshot if last else None)
    if found < WORTH_SAYING:
        return []
    if last is None:
        words = ngettext(
            "%(n)s label, and nothing was trained on it yet.",
            "%(n)s labels, and nothing was trained on them yet.",
            found,
        )
        return [Suggestion(words % {"n": found})]
    words = ngettext("%(n)s new label since training %(run)s.", "%(n)s new labels since training %(run)s.", found)
    return [Suggestion(words % {"n": found, "run": last.pk})]


def _new_classes() -> list[Suggestion]:
    """Classes in use that the version in force does not know, and that have enough images by now."""
    version = ModelVersion.objects.filter(is_default=True).first()
    known = set(version.classes) if version else set()
    enough = settings.TRAIN_LEAST_IMAGES
    unknown = list(DefectClass.objects.filter(active=True).exclude(code__in=known))
    if not unknown:  # as mostly, and then no label is read
        return []
    labelled = Capture.objects.filter(label__defect_class__in=unknown)
    counts = labelled.values("label__defect_class__code", "label__defect_class__name").annotate(n=Count("pk"))
    rows = counts.filter(n__gte=enough).order_by("label__defect_class_id") if version else []
    return [
        Suggestion(
            _("“%(name)s” has %(n)s labelled images, and the version in force does not know it.")
            % {"name": row["label__defect_class__name"], "n": row["n"]},
            row["label__defect_class__code"],
        )
        for row in rows
    ]


def _confusions() -> list[Suggestion]:
    """Pairs of classes that the labels' own reckoning mixes up: more images of both, or one class that is two."""
    last = teaching.newest_done(InsightKind.LABELS)
    pairs = (last.body or {}).get("pairs", []) if last else []
    names = titles() if pairs else {}
    words = _("“%(first)s” and “%(second)s” are taken for one another: label more of both before the next one.")
    told = [(one["first"], one["second"]) for one in pairs[:MOST_PAIRS]]
    return [
        Suggestion(words % {"first": names.get(first, first), "second": names.get(second, second)})
        for first, second in told
    ]
