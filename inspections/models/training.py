"""Trainings: what was asked for, how far it is, what became of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from inspections.models.job import Job
from inspections.models.registry import ModelVersion
from inspections.models.snapshot import Snapshot


class Base(models.TextChoices):
    HEAD = "head", _("head only, on kept embeddings")
    ACTIVE = "active", _("from a version’s weights")
    SCRATCH = "scratch", _("from scratch")


class TrainingRun(Job):
    """One training. `slot` is 1 while it runs and empty else: its unique key lets one run at a time in the mill."""

    id = models.SmallAutoField(primary_key=True)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="trainings")
    base = models.CharField(max_length=7, choices=Base.choices)
    base_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    network = models.CharField(max_length=40)
    preset = models.CharField(max_length=40)
    knobs = models.JSONField(default=dict)  # what differs from the preset
    why = models.CharField(max_length=200, blank=True)  # button, command, policy, or whose labels were left out
    slot = models.PositiveSmallIntegerField(null=True, unique=True)

    stage = models.CharField(max_length=80, blank=True)  # what it does now, in words
    epoch = models.PositiveIntegerField(default=0)
    epochs = models.PositiveIntegerField(default=0)
    batch = models.PositiveIntegerField(default=0)
    batches = models.PositiveIntegerField(default=0)
    share_done = models.FloatField(default=0.0)  # of all work, 0..1
    eta_s = models.FloatField(null=True)
    history = models.JSONField(default=list)  # one entry an epoch: run, epoch, loss, macro_f1, rate, seconds
    log = models.TextField(blank=True)  # its tail
    version = models.OneToOneField(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="training")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"training {self.pk}"
