"""A verdict: what one model version said of one capture."""

from django.db import models
from django.db.models import Q

from inspections.ids import new_id
from inspections.models.capture import Capture
from inspections.models.defect_class import UNKNOWN, DefectClass
from inspections.models.registry import ModelVersion


class Verdict(models.Model):
    """What one version said. `effective` is the first one by the version in force; the others stand beside it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="verdicts", db_index=False)
    effective = models.BooleanField(default=True)
    defect_class = models.ForeignKey(
        DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # null: unknown
    prototype = models.ForeignKey(
        "inspections.ClassPrototype", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # it named the class, and not the network
    model_class = models.ForeignKey(
        DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # where a prototype named it: what the network had said; null: unknown
    confidence = models.FloatField(null=True)
    anomaly_score = models.FloatField(null=True)
    threshold = models.FloatField()
    flagged = models.BooleanField()
    judged_at = models.DateTimeField()
    latency_ms = models.FloatField()  # from its receiving to this verdict; of a second look its share of the batch

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("capture", "version"), name="one_verdict_a_version"),
            models.UniqueConstraint(fields=("capture",), condition=Q(effective=True), name="one_effective_verdict"),
        )
        indexes = (
            models.Index(fields=("prototype", "id"), condition=Q(prototype__isnull=False), name="verdict_by_prototype"),
        )

    def __str__(self) -> str:
        return f"{self.label} of {self.capture_id}"

    @property
    def label(self) -> str:
        return self.defect_class.code if self.defect_class else UNKNOWN

    @property
    def is_provisional(self) -> bool:
        """A prototype named the class, and was not taken back since."""
        return self.prototype_id is not None and self.defect_class_id != self.model_class_id

    @property
    def said_by_network(self) -> tuple[int | None, bool]:
        """The class that the network itself said, and whether that was flagged."""
        if self.prototype_id is None:
            return self.defect_class_id, self.flagged
        by_score = self.anomaly_score is None or self.anomaly_score >= self.threshold
        return self.model_class_id, self.model_class_id is None or by_score


class VerdictEvidence(models.Model):
    """What no list reads: probabilities, embedding, texture and heat-map, one row a verdict."""

    verdict = models.OneToOneField(Verdict, primary_key=True, on_delete=models.CASCADE, related_name="evidence")
    probabilities = models.BinaryField(null=True)  # float32 little-endian, (K,), in the order of version.classes
    embedding = models.BinaryField()  # float16 little-endian, (D,)
    texture = models.BinaryField(null=True)  # float16 little-endian, (T,); null: of a bundle that gives none
    heatmap = models.BinaryField()  # zlib of uint8, (heatmap_rows, heatmap_cols)
    heatmap_rows = models.PositiveSmallIntegerField()
    heatmap_cols = models.PositiveSmallIntegerField()
    brightness = models.FloatField(null=True)  # mean grey level, 0 to 255
    focus = models.FloatField(null=True)  # variance of the Laplacian
    tiles = models.JSONField(null=True)  # rows, cols, judged, left_out, worst; null: judged whole

    def __str__(self) -> str:
        return f"evidence of {self.verdict_id}"
