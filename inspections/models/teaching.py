"""What to label next, and what the labels so far tell."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.models.capture import Capture
from inspections.models.job import LIVE, Job
from inspections.models.plant import Line
from inspections.models.registry import ModelVersion


class Why(models.TextChoices):
    """Why this one."""

    MARGIN = "margin", _("the model hesitates between two classes")
    NOVELTY = "novelty", _("nothing like it was labelled yet")
    RANDOM = "random", _("drawn at random from what the model passed")
    SPREAD = "spread", _("it stands for many alike")  # where nothing predicts yet


class TeachPick(models.Model):
    """One capture of the list that would teach most, in the order of `rank`."""

    capture = models.OneToOneField(Capture, on_delete=models.CASCADE, related_name="teach_pick")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    rank = models.PositiveIntegerField()
    why = models.CharField(max_length=7, choices=Why.choices)
    margin = models.FloatField(null=True)  # p1 - p2
    first = models.CharField(max_length=40, blank=True)  # the two classes it hesitates between
    second = models.CharField(max_length=40, blank=True)
    distance = models.FloatField(null=True)  # to the nearest labelled one, unit embeddings
    made_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("line", "rank"), name="teach_line_rank"),)

    def __str__(self) -> str:
        return f"{self.rank}: {self.capture_id}"


class InsightKind(models.TextChoices):
    TEACH = "teach", _("what to label next")
    LABELS = "labels", _("have I labelled enough, and are the labels right")
    DRIFT = "drift", _("has the cloth, a lens or a lamp changed")
    COUNTS = "counts", _("what freezing the labels would give")


class Insight(Job):
    """One reckoning over what verdicts keep, asked for by a person, a training's end or the clock; `body` holds it."""

    id = models.AutoField(primary_key=True)
    kind = models.CharField(max_length=6, choices=InsightKind.choices)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.CASCADE, related_name="+")  # its embeddings
    body = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("kind",), condition=Q(state__in=LIVE), name="one_live_insight_a_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
