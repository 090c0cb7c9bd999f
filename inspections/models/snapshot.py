"""Snapshots: frozen lists of labelled captures. What trained a model, and the golden set that never trains."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.models.capture import Capture
from inspections.models.defect_class import DefectClass
from inspections.models.label import Label
from inspections.models.person import Person
from inspections.models.plant import Camera


class Purpose(models.TextChoices):
    TRAIN = "train", _("training")
    GOLDEN = "golden", _("golden set")


class Side(models.TextChoices):
    TRAIN = "train", _("trains")
    VAL = "val", _("validates")
    GOLDEN = "golden", _("golden")
    OUT = "out", _("left out")


class LeftOut(models.TextChoices):
    """Why a labelled capture is in a snapshot's list and yet on no side."""

    UNSURE = "unsure", _("somebody was unsure")
    CONFLICTING = "conflicting", _("people disagree")
    QUARANTINED = "quarantined", _("quarantined")
    RETIRED = "retired", _("its class is retired")
    CLASS = "class", _("its class was not chosen")
    GOLDEN = "golden", _("kept for the golden set")
    DUPLICATE = "duplicate", _("the same image stands on another side")
    MISSING = "missing", _("its file is gone")
    FAILED = "failed", _("it could not be judged")


class SourceSide(models.Model):
    """The side of one source (roll, else camera and hour). Once given it is fixed for ever."""

    source = models.CharField(max_length=140, unique=True)
    side = models.CharField(max_length=6, choices=Side.choices)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source}: {self.side}"


class Snapshot(models.Model):
    """One frozen list. Nothing of it changes but `looks`: how often a model was held against it (golden sets)."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=20, unique=True)  # S1, S2 … and, of the golden set, G1, G2 …
    purpose = models.CharField(max_length=6, choices=Purpose.choices)
    digest = models.CharField(max_length=64)  # SHA-256 over the rows, in the order of their ids
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    classes = models.JSONField()  # codes, `good` first
    counts = models.JSONField()  # {side: {code: images}}
    sources = models.JSONField()  # {side: {code: sources}}
    left_out = models.JSONField(default=dict)  # {reason: images}
    weights = models.JSONField(default=dict)  # {how: weight of such a label}
    licence = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=500, blank=True)
    last_label = models.ForeignKey(
        Label, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # the newest that was there
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")  # of a golden set
    without = models.ForeignKey(
        "inspections.Quarantine", null=True, on_delete=models.PROTECT, related_name="tried_by", db_index=False
    )  # left out on top of what stands, to see what training without it does
    looks = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name


class SnapshotRow(models.Model):
    """One capture in one snapshot, as it was labelled then."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="rows", db_index=False)
    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="snapshot_rows", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="snapshot_rows", db_index=False)
    defect_class = models.ForeignKey(DefectClass, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=140)
    side = models.CharField(max_length=6, choices=Side.choices)
    reason = models.CharField(max_length=11, choices=LeftOut.choices, blank=True)  # of those left out
    weight = models.FloatField(default=1.0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("snapshot", "capture"), name="capture_once_a_snapshot"),)
        indexes = (
            models.Index(fields=("snapshot", "side", "defect_class", "id"), name="snapshot_side_class"),
            models.Index(fields=("capture",), name="snapshot_of_capture"),
            models.Index(fields=("label",), name="snapshot_of_label"),
        )

    def __str__(self) -> str:
        return f"{self.capture_id} in {self.snapshot_id}"


class Quarantine(models.Model):
    """Labels that train nothing while it stands: one person's, one camera's, one day's, or where these meet."""

    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    camera = models.ForeignKey(Camera, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    first_day = models.DateField(null=True, blank=True)  # of the labels' `at`, both days included
    last_day = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    lifted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=False) | Q(camera__isnull=False) | Q(first_day__isnull=False),
                name="a_quarantine_names_something",
            ),
        )

    def __str__(self) -> str:
        return f"quarantine {self.pk}"
