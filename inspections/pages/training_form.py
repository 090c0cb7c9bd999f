"""The form that asks for a training, filled in as the usual one, an earlier one, or as somebody sent it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inspections.models import Base, DefectClass, ModelVersion, Quarantine, State, TrainingRun
from inspections.models.defect_class import GOOD, titles
from inspections.retraining import NETWORKS, Images, Wish, enough, preview, usual
from inspections.snapshots import Foreseen
from ml.presets import PRESETS

EPOCHS, SIZES = (1, 1000), (16, 512)
SELECT = {"class": "form-select"}
BASE_HINTS = {
    Base.HEAD: _("A new classifier on what the version already sees: seconds, the right first try after relabelling."),
    Base.ACTIVE: _("All of the network learns on, from the version's weights: minutes to hours."),
    Base.SCRATCH: _("A new network: the longest, for new cloth or another network."),
}
USUAL = _("the usual one: refresh from a version, best from scratch")
PRESET_HINTS = {
    "best": _("best: for small real sets; calibrates on folds"),
    "cloth": _("cloth: a plain recipe, 20 epochs"),
    "refresh": _("refresh: a few small steps from the version's own weights, minutes"),
    "finetune": _("finetune: small steps from trained weights"),
    "quick": _("quick: three epochs, to try things"),
    "starter": _("starter: as the starter model was made"),
    "perceptilabs": _("perceptilabs: the textile model's own"),
    "cifar": _("cifar: 200 epochs in steps"),
}


@dataclass(frozen=True)
class ClassChoice:
    """One class that may be trained. `few`: it has fewer images to train on than a training needs."""

    code: str
    name: str
    images: Images
    chosen: bool
    few: bool
    fixed: bool


class Order(forms.Form):
    """What a manager chooses. `without`: train as if this quarantine stood, to see what it does."""

    base = forms.ChoiceField(label=_("Start from"), choices=Base.choices, widget=forms.RadioSelect)
    version = forms.ModelChoiceField(
        label=_("Version"), queryset=ModelVersion.objects.none(), required=False, empty_label=None,
        widget=forms.Select(attrs=SELECT),
    )  # fmt: skip
    network = forms.ChoiceField(
        label=_("Network"), choices=[(name, name) for name in NETWORKS], required=False,
        widget=forms.Select(attrs=SELECT),
    )  # fmt: skip
    preset = forms.ChoiceField(
        label=_("Recipe"), choices=[("", USUAL), *((name, PRESET_HINTS.get(name, name)) for name in PRESETS)],
        required=False,
        widget=forms.Select(attrs=SELECT),
    )  # fmt: skip
    classes = forms.MultipleChoiceField(label=_("Classes"), required=False)
    epochs = forms.IntegerField(label=_("Epochs"), required=False, min_value=EPOCHS[0], max_value=EPOCHS[1])
    size = forms.IntegerField(label=_("Input side, px"), required=False, min_value=SIZES[0], max_value=SIZES[1])
    resize_mixed = forms.BooleanField(label=_("Images of several sizes may all be resized"), required=False)
    without = forms.ModelChoiceField(queryset=Quarantine.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=dict(initial or {}), label_suffix="")
        self.fields["version"].queryset = startable()  # type: ignore[attr-defined]
        self.fields["without"].queryset = Quarantine.objects.all()  # type: ignore[attr-defined]
        codes = titles(DefectClass.objects.filter(active=True)).items()
        self.fields["classes"].choices = list(codes)  # type: ignore[attr-defined]

    def clean_classes(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["classes"]
        return [GOOD, *(code for code in chosen if code != GOOD)]

    @property
    def wish(self) -> Wish:
        """What was chosen. Starting from a version takes that version's network."""
        said = self.cleaned_data
        base, version = Base(said["base"]), said["version"]
        chosen = usual(base, version)
        numbers = ("epochs", "size") if base == Base.SCRATCH else ("epochs",)  # a version keeps its size
        knobs = {name: said[name] for name in numbers if said[name] is not None}
        if said["resize_mixed"]:
            knobs["resize_mixed"] = True
        is_new = base == Base.SCRATCH
        return Wish(
            base=base,
            network=(said["network"] or chosen.network) if is_new else chosen.network,
            preset=chosen.preset if base == Base.HEAD else said["preset"] or chosen.preset,
            classes=tuple(said["classes"]),
            knobs={} if base == Base.HEAD else knobs,
            base_version=None if is_new else chosen.base_version,
        )

    @property
    def bases(self) -> list[tuple[Any, str]]:
        """Each base's button with what it means."""
        hints = [str(BASE_HINTS[Base(value)]) for value, _name in Base.choices]
        return list(zip(self["base"], hints, strict=True))


def startable() -> Any:
    """Versions that a training may start from, the one in force first."""
    return ModelVersion.objects.exclude(state=State.REJECTED).defer("spec").order_by("-is_default", "-id")


def filled(again: TrainingRun | None, without: Quarantine | None) -> dict[str, Any]:
    """The form's first values. Classes None: those that have enough images."""
    wish = usual()
    found: dict[str, Any] = {
        "base": wish.base, "version": wish.base_version, "network": wish.network,
        "classes": None, "without": without,
    }  # fmt: skip
    if again:
        found |= {
            "base": again.base, "version": again.base_version or wish.base_version, "network": again.network,
            "preset": again.preset, "classes": list(again.snapshot.classes), **again.knobs,
        }  # fmt: skip
    return found


def class_choices(chosen: Iterable[str] | None, found: Foreseen) -> list[ClassChoice]:
    """Every class in use with the images that would train and validate; `good` is always trained."""
    images, least = preview(found), settings.TRAIN_LEAST_IMAGES
    wanted = {GOOD, *(enough(images) if chosen is None else chosen)}
    classes = ((one, images.get(one.code, Images())) for one in DefectClass.objects.filter(active=True))
    return [
        ClassChoice(one.code, one.title, mine, one.code in wanted, mine.train < least, one.code == GOOD)
        for one, mine in classes
    ]


def not_yet(choices: Sequence[ClassChoice]) -> str:
    """Why nothing that could be chosen would be trained now; empty where something would. Asking judges by itself."""
    least = settings.TRAIN_LEAST_IMAGES
    if not any(one.images.train or one.images.val for one in choices):
        words = gettext("No image is labelled yet that could train: at least %(least)d of “good” and of one defect.")
    elif any(one.fixed and one.few for one in choices):
        words = gettext("Too few images of “good” are labelled: a training needs %(least)d of each class.")
    elif all(one.fixed or one.few for one in choices):
        words = gettext("Too few images of any defect are labelled: a training needs %(least)d of one at least.")
    elif not any(one.images.val for one in choices):
        words = gettext("Nothing to validate on: label images of a second roll, or of a second camera or hour.")
    else:
        words = ""
    return words % {"least": least}
