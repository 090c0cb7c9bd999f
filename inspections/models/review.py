"""The review queue: one question to a person about one capture, who holds it, and who has put it aside."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from inspections.ids import new_id
from inspections.models.capture import Capture
from inspections.models.defect_class import DefectClass
from inspections.models.label import Label
from inspections.models.person import Person
from inspections.models.plant import Line


class Kind(models.TextChoices):
    """Why it is asked. Nobody who answers is told."""

    FLAGGED = "flagged"  # the verdict wants a person
    AUDIT = "audit"  # the model passed it; drawn at random
    CONTROL = "control"  # the answer is known
    SECOND = "second"  # somebody else answered already
    TEACH = "teach"  # its label would teach the model most


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def not_held_from(self, person: Person, now: datetime) -> Self:
        """Held by nobody else."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=now) | Q(holder=person))

    def free_for(self, person: Person, now: datetime) -> Self:
        """Held by nobody else, and not put aside by this person."""
        return self.not_held_from(person, now).exclude(set_aside__person=person)

    def held_by(self, person: Person, now: datetime) -> Self:
        return self.open().filter(holder=person, lease_until__gte=now)


class ReviewItem(models.Model):
    """One question. `blind`: the model's answer is withheld from whoever holds it until they have answered."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="review_items", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.FLAGGED)
    blind = models.BooleanField(default=False)
    rank = models.FloatField(default=0.0)  # the capture's severity: worst first
    counted_at = models.DateTimeField()  # the capture's
    created_at = models.DateTimeField()
    holder = models.ForeignKey(
        Person, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # who was shown it last; they hold it while the lease runs
    lease_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    truth = models.ForeignKey(
        DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # of a control item
    against = models.ForeignKey(
        Label, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # of a second reading: the first

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("capture",), condition=Q(closed_at=None), name="one_open_item_a_capture"),
        )
        indexes = (
            models.Index(
                fields=("line", "-rank", "id"), condition=Q(closed_at=None, kind="flagged"), name="item_worst_first"
            ),
            models.Index(fields=("line", "id"), condition=Q(closed_at=None), name="item_open"),
            models.Index(
                fields=("holder", "lease_until"), condition=Q(closed_at=None, holder__isnull=False), name="item_held"
            ),
            models.Index(fields=("kind", "line", "counted_at"), condition=~Q(kind="flagged"), name="item_hidden_kinds"),
            models.Index(fields=("capture",), name="item_capture"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.capture_id}"

    @property
    def is_beside(self) -> bool:
        """Answers to it measure the person and never change the capture."""
        return self.kind in {Kind.CONTROL, Kind.SECOND}

    def is_held(self, now: datetime) -> bool:
        return self.holder_id is not None and self.lease_until is not None and self.lease_until >= now


class SetAside(models.Model):
    """This person was shown this item and passes it on: skipped, or unsure."""

    item = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="set_aside", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    unsure = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("item", "person"), name="set_aside_once"),)
        indexes = (models.Index(fields=("person", "item"), name="set_aside_person"),)

    def __str__(self) -> str:
        return f"{self.item_id} by {self.person_id}"


class KnownAnswer(models.Model):
    """A capture whose class is known for sure: it comes back as a control item, to measure who answers."""

    capture = models.OneToOneField(Capture, primary_key=True, on_delete=models.CASCADE, related_name="known_answer")
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+")
    defect_class = models.ForeignKey(DefectClass, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.capture_id} is {self.defect_class_id}"
