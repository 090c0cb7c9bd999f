"""What a training would learn from if it were asked for now. Nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from inspections.models import Quarantine, Side
from inspections.snapshots.freezing import golden_files, pool, sides_for
from inspections.snapshots.placing import for_training


@dataclass(frozen=True)
class Images:
    """Of one class: those that train and those that validate."""

    train: int = 0
    val: int = 0


def preview(without: Quarantine | None = None) -> dict[str, Images]:
    """Images by class code, of every class of the mill."""
    found = pool(without)
    placed = for_training(found.candidates, sides_for(found), set(found.codes), golden_files())
    counts: dict[tuple[str, str], int] = {}
    for row in placed:
        key = (found.codes[row.candidate.class_id], row.side)
        counts[key] = counts.get(key, 0) + 1
    return {
        code: Images(counts.get((code, Side.TRAIN), 0), counts.get((code, Side.VAL), 0))
        for code in found.codes.values()
    }


def enough(images: Mapping[str, Images]) -> tuple[str, ...]:
    """The classes that have enough to train on."""
    return tuple(code for code, one in images.items() if one.train >= settings.TRAIN_LEAST_IMAGES)
