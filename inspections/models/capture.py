"""A capture: one image as received, with where and when it was taken. The row is the queue of record."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from inspections.ids import made_at, new_id
from inspections.models.defect_class import DefectClass, suspect
from inspections.models.plant import Camera, Line
from inspections.models.roll import Roll

if TYPE_CHECKING:
    from inspections.models.person import Person


class Status(models.IntegerChoices):
    PENDING = 0, "pending"
    JUDGED = 1, "judged"
    FAILED = 2, "failed"


class CaptureQuerySet(models.QuerySet["Capture"]):
    def seen_by(self, person: "Person") -> Self:
        """The captures of the lines whose pages this person may open."""
        return self if person.sees_every_line else self.filter(line__operators=person)

    def of_camera(self, camera: Camera) -> Self:
        return self.filter(camera=camera)

    def claimable(self, now: datetime) -> Self:
        """Pending, and held by nobody whose lease still runs."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=now), status=Status.PENDING)


class Capture(models.Model):
    """One image as received. Narrow: what no list reads stands in the verdict's evidence and in the file."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="captures", db_index=False)
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="captures", db_index=False)
    capture_id = models.CharField(max_length=64, null=True)  # noqa: DJ001  the camera's own name; absent is not empty
    roll = models.ForeignKey(Roll, null=True, on_delete=models.PROTECT, related_name="captures", db_index=False)

    captured_at = models.DateTimeField()  # the camera's clock
    received_at = models.DateTimeField()  # ours
    counted_at = models.DateTimeField()  # captured_at, or received_at where the camera's clock is wrong
    sequence = models.BigIntegerField(null=True)
    position_m = models.FloatField(null=True)
    offset_mm = models.FloatField(null=True)
    mm_per_px = models.FloatField(null=True)

    sha256 = models.BinaryField(max_length=32)
    bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    suffix = models.CharField(max_length=4)  # jpg, png, webp, tiff, bmp
    warnings = models.CharField(max_length=120, blank=True)  # words, separated by commas

    status = models.SmallIntegerField(choices=Status.choices, default=Status.PENDING)
    attempts = models.SmallIntegerField(default=0)
    lease = models.UUIDField(null=True)  # whose claim this is
    lease_until = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)

    # What the effective verdict said, and what people said of it, repeated here because every list reads it.
    defect_class = models.ForeignKey(
        DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # the effective label, else the predicted class; null: unknown, or no verdict yet
    label = models.ForeignKey(
        "inspections.Label", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # the effective label: the latest that is not undone
    anomaly_score = models.FloatField(null=True)
    flagged = models.BooleanField(null=True)
    anomaly = models.BooleanField(null=True)  # counted as one: flagged and not labelled good, or labelled a defect
    severity = models.FloatField(
        default=0.0
    )  # sorts worst first: the score (1 where there is none, or the class is provisional), 1 more if critical

    objects = CaptureQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("camera", "capture_id"),
                condition=Q(capture_id__isnull=False),
                name="capture_once_a_camera",
            ),
        )
        indexes = (
            models.Index(fields=("line", "-counted_at", "-id"), name="capture_line_time"),
            models.Index(fields=("camera", "-id"), name="capture_camera"),
            models.Index(
                fields=("camera", "-counted_at"), condition=Q(status=Status.JUDGED), name="capture_camera_time"
            ),
            models.Index(fields=("roll", "-id"), condition=Q(roll__isnull=False), name="capture_roll"),
            models.Index(fields=("line", "attempts", "id"), condition=Q(status=Status.PENDING), name="capture_pending"),
            models.Index(fields=("line", "counted_at"), condition=Q(status=Status.PENDING), name="capture_unjudged"),
            models.Index(
                # Camera and place, so that whoever looks for few among many reads the index alone.
                fields=("line", "-counted_at", "-id", "camera", "offset_mm"),
                condition=Q(flagged=True),
                name="capture_flagged_new",
            ),
            models.Index(fields=("line", "-severity", "-id"), condition=Q(flagged=True), name="capture_flagged_worst"),
            models.Index(
                fields=("line", "defect_class", "-counted_at", "-id"),
                condition=Q(flagged=True),
                name="capture_flagged_class",
            ),
            models.Index(
                fields=("line", "defect_class", "-severity", "-id"),
                condition=Q(flagged=True),
                name="capture_flagged_class_worst",
            ),
            # The same of what counts as an anomaly, so that every count opens what it counted.
            models.Index(
                fields=("line", "-counted_at", "-id", "camera", "offset_mm"),
                condition=Q(anomaly=True),
                name="capture_anomaly_new",
            ),
            models.Index(fields=("line", "-severity", "-id"), condition=Q(anomaly=True), name="capture_anomaly_worst"),
            models.Index(
                fields=("line", "defect_class", "-counted_at", "-id"),
                condition=Q(anomaly=True),
                name="capture_anomaly_class",
            ),
            models.Index(
                fields=("line", "defect_class", "-severity", "-id"),
                condition=Q(anomaly=True),
                name="capture_anomaly_class_worst",
            ),
            models.Index(
                # What was said, so that whoever asks that of many reads the index alone.
                fields=("line", "-counted_at", "-id", "defect_class"),
                condition=Q(label__isnull=False),
                name="capture_labelled",
            ),
            models.Index(fields=("label",), condition=Q(label__isnull=False), name="capture_of_label"),
        )

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("capture", args=[self.id])

    @property
    def class_words(self) -> str:
        """What people call what it shows, once it was judged or labelled."""
        if self.defect_class is None:
            return _("Unknown")
        alone = self.flagged and self.label_id is None and not self.defect_class.is_defect
        return suspect() if alone else self.defect_class.title

    @property
    def path(self) -> str:
        """Where its file lies in storage."""
        return path_of(self.id, self.suffix)

    @property
    def rendition_path(self) -> str:
        """Where its display copy lies, for images that a browser cannot show or that are large."""
        return f"renditions/{made_at(self.id):%Y/%m/%d}/{self.id}.jpg"

    @property
    def warning_list(self) -> list[str]:
        return [word for word in self.warnings.split(",") if word]

    @property
    def effective_verdict(self) -> Any:
        """The first verdict by the version in force, or None."""
        if self.status == Status.PENDING:
            return None
        return next((verdict for verdict in self.verdicts.all() if verdict.effective), None)


def path_of(key: UUID, suffix: str) -> str:
    """Where a capture's file lies: a folder a day, named by the id alone."""
    return f"captures/{made_at(key):%Y/%m/%d}/{key}.{suffix}"
