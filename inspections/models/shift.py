"""A shift: who works when. Data, because every mill has its own."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Shift(models.Model):
    """A shift of the mill, in its own local time. It ends on the next day where `ends` is not after `starts`."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    starts = models.TimeField(_("starts"))  # local; on a five-minute mark
    ends = models.TimeField(_("ends"))
    days = models.JSONField(_("days"), default=list)  # ISO weekdays, 1 to 7, on which it begins
    zone = models.CharField(_("time zone"), max_length=60)  # of the IANA data base

    class Meta:
        ordering = ("starts", "name")

    def __str__(self) -> str:
        return self.name
