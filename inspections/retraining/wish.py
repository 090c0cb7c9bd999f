"""A training as somebody wants it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from inspections.models import Base, DefectClass, ModelVersion, TrainingRun
from inspections.models.defect_class import GOOD
from ml.presets import recipe

NETWORKS = (
    "textile_resnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet20v1",
    "resnet32v1",
    "resnet56v1",
    "resnet29v2",
)
EXTRAS = ("size", "stem", "seed", "resize_mixed", "precision")  # what a wish may say beside the preset's knobs
FIRST_NETWORK, FIRST_PRESET, TUNING_PRESET = "textile_resnet", "best", "refresh"


@dataclass(frozen=True)
class Wish:
    """`classes`: codes, `good` first. `knobs`: what differs from the preset, and EXTRAS. Head only has no recipe."""

    base: Base
    network: str
    preset: str
    classes: tuple[str, ...]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    base_version: ModelVersion | None = None

    @property
    def recipe_knobs(self) -> dict[str, Any]:
        return {name: value for name, value in self.knobs.items() if name not in EXTRAS}

    @property
    def calibrates_on_folds(self) -> bool:
        """Such a recipe makes its own folds over everything, and takes no sides from us."""
        return self.base != Base.HEAD and recipe(self.preset, self.recipe_knobs).calibrate == "folds"

    @classmethod
    def of(cls, run: TrainingRun) -> Self:
        """What a run was asked for with."""
        classes = tuple(run.snapshot.classes)
        return cls(Base(run.base), run.network, run.preset, classes, run.knobs, run.base_version)


def usual(base: Base | None = None, version: ModelVersion | None = None) -> Wish:
    """What is asked for where nobody says otherwise: the head of the version in force; without one, from scratch."""
    version = version or ModelVersion.objects.filter(is_default=True).first()
    if version is None:
        return Wish(Base.SCRATCH, FIRST_NETWORK, FIRST_PRESET, active_classes())
    chosen = base or Base.HEAD
    network = FIRST_NETWORK if chosen == Base.SCRATCH else str(version.spec.get("network", FIRST_NETWORK))
    preset = TUNING_PRESET if chosen == Base.ACTIVE else FIRST_PRESET
    return Wish(chosen, network, preset, active_classes(), base_version=None if chosen == Base.SCRATCH else version)


def active_classes() -> tuple[str, ...]:
    """Codes of the classes in use, `good` first."""
    codes = DefectClass.objects.filter(active=True).order_by("id").values_list("code", flat=True)
    return good_first(codes)


def good_first(codes: Any) -> tuple[str, ...]:
    found = list(dict.fromkeys(codes))
    return (*(code for code in found if code == GOOD), *(code for code in found if code != GOOD))
