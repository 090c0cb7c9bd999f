"""Judging beside the verdict in force: a challenger's shadow on live captures, and a recall over stored ones."""

from django.db import models
from django.db.models import Q

from inspections.models.capture import Capture
from inspections.models.defect_class import DefectClass
from inspections.models.job import Job
from inspections.models.person import Person
from inspections.models.plant import Line
from inspections.models.registry import ModelVersion
from inspections.models.roll import Roll
from inspections.models.verdict import Verdict


class Recall(Job):
    """Stored captures of chosen rolls or days, judged by a version; history is not rewritten."""

    id = models.AutoField(primary_key=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="recalls")
    rolls = models.JSONField(default=list)  # codes; or
    since = models.DateTimeField(null=True)  # of counted_at
    until = models.DateTimeField(null=True)
    line = models.ForeignKey(Line, null=True, on_delete=models.PROTECT, related_name="+")
    cursor = models.UUIDField(null=True)  # the last capture that was put on the list
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)  # of these: their file is gone, or every attempt ended unanswered

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"recall {self.pk}"


class SecondLook(models.Model):
    """One capture that waits to be judged by a version beside its verdict in force; deleted when it was."""

    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    recall = models.ForeignKey(Recall, null=True, on_delete=models.CASCADE, related_name="waiting")  # null: shadow
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("capture", "version", "recall"), name="one_second_look_a_recall"),
            models.UniqueConstraint(fields=("capture", "version"), condition=Q(recall=None), name="one_shadow_look"),
        )

    def __str__(self) -> str:
        return f"{self.version_id} looks at {self.capture_id}"


class Comparison(models.Model):
    """What a version said of a capture beside what was said before. Null classes: unknown."""

    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+", db_index=False)
    champion = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+", db_index=False)
    recall = models.ForeignKey(Recall, null=True, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    roll = models.ForeignKey(Roll, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    counted_at = models.DateTimeField()  # the capture's, as line and roll are
    before = models.ForeignKey(DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    after = models.ForeignKey(DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    before_flagged = models.BooleanField()
    after_flagged = models.BooleanField()
    agrees = models.BooleanField()  # the same class and the same flag
    seen_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("capture", "version", "recall"), name="compared_once_a_recall"),
            models.UniqueConstraint(fields=("capture", "version"), condition=Q(recall=None), name="compared_once"),
        )
        indexes = (
            models.Index(fields=("version", "recall", "agrees", "id"), name="comparison_list"),
            models.Index(fields=("capture",), name="comparison_capture"),
        )

    def __str__(self) -> str:
        return f"{self.version_id} beside {self.champion_id} on {self.capture_id}"
