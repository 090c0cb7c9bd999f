"""Changes of the version in force, and the gate's reports that allow them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.models.job import Job
from inspections.models.person import Person
from inspections.models.plant import Line
from inspections.models.registry import ModelVersion
from inspections.models.snapshot import Snapshot


class GateReport(Job):
    """One look at the golden set: challenger and champion on the same images, and what each rule says of it."""

    id = models.AutoField(primary_key=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="gate_reports")
    champion = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    golden = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="gate_reports")
    limits = models.JSONField(default=dict)  # the settings it was held to
    measured = models.JSONField(null=True)  # figures of both; see inspections.gate
    answers = models.JSONField(null=True)  # per golden capture: what each said; lists defer it
    rules = models.JSONField(default=list)  # name, passed, figure, limit, words
    passed = models.BooleanField(null=True)
    override_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    override_reason = models.CharField(max_length=500, blank=True)
    overridden_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"gate report {self.pk} of {self.version}"

    @property
    def stands_open(self) -> bool:
        """Passed, or overridden with a reason."""
        return bool(self.passed) or self.overridden_at is not None


class ChangeKind(models.TextChoices):
    PROMOTE = "promote", _("promotion")
    ROLLBACK = "rollback", _("rollback")
    FALLBACK = "fallback", _("fallback")  # by the system: the bundle in force does not load


class ChangeState(models.TextChoices):
    CHECKING = "checking", _("checking")
    ACTIVE = "active", _("took effect")
    REFUSED = "refused", _("refused")


class VersionChange(models.Model):
    """One change of the pointer: asked for, checked by a worker, then in force or refused with the reason."""

    id = models.AutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=ChangeKind.choices)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="changes")
    previous = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey(Line, null=True, on_delete=models.PROTECT, related_name="version_changes")  # null: mill
    freed = models.JSONField(default=list)  # of the mill: keys of lines that had it of their own, and follow since
    gate = models.ForeignKey(GateReport, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=8, choices=ChangeState.choices, default=ChangeState.CHECKING)
    answer = models.CharField(max_length=500, blank=True)  # why it was refused
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("line", "-id"), name="change_line"),
            models.Index(fields=("id",), condition=Q(state="checking"), name="change_checking"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.version}"
