"""The taxonomy: what an image of cloth can show."""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext as _

GOOD = "good"
UNKNOWN = "unknown"  # an answer, never a class


def held_for(code: str) -> models.Q:
    """Captures that are held for this class; UNKNOWN: for none."""
    return models.Q(defect_class=None) if code == UNKNOWN else models.Q(defect_class__code=code)


class DefectClass(models.Model):
    """An entry of the taxonomy; `good` is one."""

    id = models.SmallAutoField(primary_key=True)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    family = models.CharField(max_length=20, blank=True)
    critical = models.BooleanField(default=False)
    active = models.BooleanField(default=True)  # a retired class takes no new label; what was labelled stays
    provisional = models.BooleanField(default=False)  # found by a prototype; no model has learnt it yet
    definition = models.TextField(blank=True)  # how to tell it, in words of the mill
    example = models.ForeignKey(
        "inspections.Capture", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # the picture beside the definition

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "defect classes"

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What people call it, with the mark of a class that is provisional."""
        return titled(self.name, self.provisional)

    @property
    def is_defect(self) -> bool:
        return self.code != GOOD


def suspect() -> str:
    """What everybody calls what was flagged for its score alone: no defect class is on top, and nobody labelled it."""
    return _("Flagged, but no class")


def titled(name: str, provisional: bool) -> str:
    return _("◇ %(name)s (provisional)") % {"name": name} if provisional else name


def titles(rows: "models.QuerySet[DefectClass] | None" = None) -> dict[str, str]:
    """What people call these classes, or all, by code."""
    wanted = DefectClass.objects.all() if rows is None else rows
    return {code: titled(name, mark) for code, name, mark in wanted.values_list("code", "name", "provisional")}


def named(codes: Iterable[str]) -> list[str]:
    """What people call these classes, in this order; a code that the mill does not know stays."""
    wanted = list(codes)
    names = titles(DefectClass.objects.filter(code__in=wanted))
    return [names.get(code) or code for code in wanted]
