"""The taxonomy: what an image of cloth can show."""

from django.db import models

GOOD = "good"
UNKNOWN = "unknown"  # an answer, never a class


class DefectClass(models.Model):
    """An entry of the taxonomy; `good` is one."""

    id = models.SmallAutoField(primary_key=True)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    family = models.CharField(max_length=20, blank=True)
    critical = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "defect classes"

    def __str__(self) -> str:
        return self.name

    @property
    def is_defect(self) -> bool:
        return self.code != GOOD
