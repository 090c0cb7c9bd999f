"""A person who signs in: an operator of some lines, a manager or an admin."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    MANAGER = "manager", _("Manager")
    ADMIN = "admin", _("Admin")


class Person(AbstractUser):
    """Someone of the mill. An operator sees the lines that are theirs; managers and admins see all."""

    role = models.CharField(max_length=8, choices=Role.choices, default=Role.OPERATOR)
    lines = models.ManyToManyField("inspections.Line", blank=True, related_name="operators")
    makes_classes = models.BooleanField(default=False)  # an operator who may add a class from examples
    preferences = models.JSONField(default=dict, blank=True)  # of the pages: key bindings

    @property
    def sees_every_line(self) -> bool:
        return self.role in {Role.MANAGER, Role.ADMIN}

    @property
    def may_make_classes(self) -> bool:
        """Add a class from a few examples, and take it back."""
        return self.sees_every_line or self.makes_classes
