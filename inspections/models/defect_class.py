"""The taxonomy: what an image of cloth can show."""

from collections.abc import Iterable

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
    active = models.BooleanField(default=True)  # a retired class takes no new label; what was labelled stays
    definition = models.TextField(blank=True)  # how to tell it, in words of the mill
    example = models.ForeignKey(
        "inspections.Capture", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # the picture beside the definition

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "defect classes"

    def __str__(self) -> str:
        return self.name

    @property
    def is_defect(self) -> bool:
        return self.code != GOOD


def named(codes: Iterable[str]) -> list[str]:
    """What people call these classes, in this order; a code that the mill does not know stays."""
    wanted = list(codes)
    names = dict(DefectClass.objects.filter(code__in=wanted).values_list("code", "name"))
    return [names.get(code) or code for code in wanted]
