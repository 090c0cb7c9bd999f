"""A roll: one length of fabric."""

from django.db import models


class Roll(models.Model):
    """One length of fabric; its code is unique in the mill."""

    code = models.CharField(max_length=64, unique=True)
    style = models.CharField(max_length=64, blank=True)
    width_mm = models.FloatField(null=True, blank=True)
    length_m = models.FloatField(null=True, blank=True)
    licence = models.CharField(max_length=120, blank=True)  # of its images, where they came from elsewhere
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code
