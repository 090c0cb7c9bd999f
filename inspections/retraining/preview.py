"""What a training would learn from if it were asked for now."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from inspections.models import DefectClass, Side
from inspections.snapshots.foreseen import Foreseen


@dataclass(frozen=True)
class Images:
    """Of one class: those that train and those that validate."""

    train: int = 0
    val: int = 0


def preview(found: Foreseen) -> dict[str, Images]:
    """Images by class code, of every class of the mill."""
    codes = DefectClass.objects.values_list("code", flat=True)
    return {code: Images(found.images(code, Side.TRAIN), found.images(code, Side.VAL)) for code in codes}


def enough(images: Mapping[str, Images]) -> tuple[str, ...]:
    """The classes that have enough to train on."""
    return tuple(code for code, one in images.items() if one.train >= settings.TRAIN_LEAST_IMAGES)
