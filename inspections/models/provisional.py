"""A class that people saw before any model learnt it: its examples, and what stands for it until one has."""

from typing import Any, Self

import numpy as np
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from inspections.models.capture import Capture
from inspections.models.defect_class import DefectClass
from inspections.models.person import Person
from inspections.models.plant import Line
from inspections.models.registry import ModelVersion


class Stage(models.TextChoices):
    DRAFT = "draft", _("draft")
    STANDS = "stands", _("provisional")
    TRAINED = "trained", _("trained")
    ENDING = "ending", _("being taken back")  # closed to new captures; what it gave is being taken back
    TAKEN_BACK = "back", _("taken back")


class ProvisionalClassQuerySet(models.QuerySet["ProvisionalClass"]):
    def standing(self) -> Self:
        """Those that label new captures."""
        return self.filter(stage=Stage.STANDS, defect_class__active=True)


class ProvisionalClass(models.Model):
    """A class from a few examples, from its draft, which its maker alone sees, to a training or its end.

    It labels captures of `lines` alone, and none of another scale than its examples': elsewhere nobody has measured it.
    """

    id = models.AutoField(primary_key=True)
    defect_class = models.OneToOneField(DefectClass, null=True, on_delete=models.PROTECT, related_name="provisionally")
    stage = models.CharField(max_length=7, choices=Stage.choices, default=Stage.DRAFT)
    name = models.CharField(max_length=80, blank=True)  # of the draft, as the next three
    family = models.CharField(max_length=20, blank=True)
    critical = models.BooleanField(default=False)
    definition = models.TextField(blank=True)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    lines = models.ManyToManyField(Line, related_name="+")
    mm_per_px = models.FloatField(null=True)  # of the examples; null: their cameras do not say
    figures = models.JSONField(default=dict)  # as they stood on the page when it was confirmed
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)  # why it was taken back

    objects = ProvisionalClassQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("made_by",), condition=Q(stage=Stage.DRAFT), name="one_draft_a_person"),
        )

    def __str__(self) -> str:
        return self.defect_class.name if self.defect_class else self.name


class ExampleRole(models.TextChoices):
    EXAMPLE = "example", _("example")
    ACCEPTED = "yes", _("accepted")
    REJECTED = "no", _("rejected")


class ClassExample(models.Model):
    """What its maker said of one capture: an example, or a look-alike that is one as well, or is none."""

    provisional = models.ForeignKey(ProvisionalClass, on_delete=models.CASCADE, related_name="examples")
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=7, choices=ExampleRole.choices, default=ExampleRole.EXAMPLE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("provisional", "capture"), name="example_once"),)

    def __str__(self) -> str:
        return f"{self.capture_id} of {self.provisional_id}"


class ClassPrototype(models.Model):
    """What stands for a provisional class among the embeddings of one version. Never changed once it is there."""

    provisional = models.ForeignKey(
        ProvisionalClass, on_delete=models.PROTECT, related_name="prototypes", db_index=False
    )
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    centre = models.BinaryField()  # float32 little-endian, (D,), a unit vector
    radius = models.FloatField()  # Euclidean distance of unit embeddings; 0 where `problem` says why it takes nothing
    rivals = models.BinaryField()  # float32, (R, D): the other classes' centres
    examples = models.PositiveIntegerField()  # how many it was made of
    problem = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("provisional", "version"), name="one_prototype_a_version"),)

    def __str__(self) -> str:
        return f"{self.provisional_id} by {self.version_id}"

    @property
    def centre_row(self) -> NDArray[np.float64]:
        """(D,)."""
        return _floats(self.centre)

    @property
    def rival_rows(self) -> NDArray[np.float64]:
        """(R, D)."""
        return _floats(self.rivals).reshape(-1, max(len(bytes(self.centre)) // 4, 1))


def packed(rows: Any) -> bytes:
    """Floats as they are kept."""
    return np.asarray(rows, dtype="<f4").tobytes()


def _floats(raw: Any) -> NDArray[np.float64]:
    return np.frombuffer(bytes(raw), dtype="<f4").astype(np.float64)
