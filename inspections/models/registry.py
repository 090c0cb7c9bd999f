"""The registry: each model version that was installed, and which one judges."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    CANDIDATE = "candidate"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


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
        """The class codes, in the order of the model's outputs."""
        found: Any = self.spec["classes"]
        return list(found)
