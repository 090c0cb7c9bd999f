"""The registry: each model version that was installed, and which one judges."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    CANDIDATE = "candidate", _("candidate")
    SHADOW = "shadow", _("shadow")
    ACTIVE = "active", _("active")
    RETIRED = "retired", _("retired")
    REJECTED = "rejected", _("rejected")


class Origin(models.TextChoices):
    STARTER = "starter", _("starter")
    TRAINED = "trained", _("trained here")
    UPLOADED = "uploaded", _("uploaded")
    INSTALLED = "installed", _("installed by command")


class ModelVersion(models.Model):
    """One trained bundle. The files lie in `BUNDLES/<digest>`; the spec is kept here too, so lists open no file."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=40, unique=True)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the bundle's spec.json
    state = models.CharField(max_length=9, choices=State.choices, default=State.CANDIDATE)
    is_default = models.BooleanField(default=False)  # the mill's version in force
    spec = models.JSONField()
    broken = models.CharField(max_length=300, blank=True)  # why a worker could not load it, in words
    installed_at = models.DateTimeField(auto_now_add=True)
    installed_by = models.ForeignKey(
        "inspections.Person", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    origin = models.CharField(max_length=9, choices=Origin.choices, default=Origin.INSTALLED)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    snapshot = models.ForeignKey("inspections.Snapshot", null=True, on_delete=models.PROTECT, related_name="versions")
    class_map = models.JSONField(default=dict)  # the bundle's name of a class -> the mill's code, where they differ
    rejected_for = models.CharField(max_length=500, blank=True)
    shadow_share = models.FloatField(default=0.0)  # of live captures, while its state is `shadow`
    shadow_since = models.DateTimeField(null=True)
    shadow_dropped = models.PositiveIntegerField(default=0)  # looks that ended without an answer

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("is_default",), condition=Q(is_default=True), name="one_default_version"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        return Path(settings.BUNDLES) / self.digest

    @property
    def classes(self) -> list[str]:
        """The mill's codes of its classes, in the order of the model's outputs."""
        found: Any = self.spec["classes"]
        return [self.class_map.get(name, name) for name in found]

    @property
    def compares(self) -> str:
        """By which column of evidence its captures are held against each other: `texture`, or `embedding` where its
        bundle gives no textures."""
        return "texture" if self.spec.get("texture_size") else "embedding"

    @property
    def compared_size(self) -> int | None:
        """How many figures that column holds; None where the spec does not say."""
        found: int | None = self.spec.get("texture_size") or self.spec.get("embedding_size")
        return found

    def code_of(self, name: str) -> str:
        """The mill's code of what the bundle calls a class; unknown stays unknown."""
        code: str = self.class_map.get(name, name)
        return code
