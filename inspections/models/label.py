"""A label: what one person said of one capture. Labels are appended, never edited; an undo is a label too."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.ids import new_id
from inspections.models.capture import Capture
from inspections.models.defect_class import DefectClass
from inspections.models.person import Person
from inspections.models.verdict import Verdict

UNSURE = "unsure"  # an answer, never a class: somebody else shall look
MOST_NOTE = 500


class How(models.TextChoices):
    SINGLE = "single", _("single")  # one image, the model's answer in sight
    BULK = "bulk", _("in bulk")
    BLIND = "blind", _("blind")  # one image, the model's answer withheld
    IMPORT = "import", _("imported")  # came with the image, from a folder that was labelled elsewhere
    UNDO = "undo", _("undo")


class LabelQuerySet(models.QuerySet["Label"]):
    def standing(self) -> Self:
        """Answers that name a class and were not undone; what stands beside is not among them."""
        return self.filter(undone_by=None, defect_class__isnull=False, beside=False)

    def since(self, start: datetime) -> Self:
        return self.filter(at__gte=start)


class Label(models.Model):
    """One answer of one person. Without a class: `unsure`, or the undo of another label."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="labels", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="labels", db_index=False)
    at = models.DateTimeField()
    how = models.CharField(max_length=6, choices=How.choices)
    defect_class = models.ForeignKey(DefectClass, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    undoes = models.OneToOneField("self", null=True, on_delete=models.CASCADE, related_name="undone_by")
    item = models.ForeignKey("inspections.ReviewItem", null=True, on_delete=models.SET_NULL, related_name="answers")
    beside = models.BooleanField(default=False)  # measures the person, never changes the capture
    verdict = models.ForeignKey(
        Verdict, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # what the model had said
    note = models.CharField(max_length=MOST_NOTE, blank=True)
    took_ms = models.PositiveIntegerField(null=True)  # from the image's appearing to the answer, as the page measured
    token = models.UUIDField(null=True)  # the sender's name for this answer: sent twice, it is one label

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "token"), condition=Q(token__isnull=False), name="label_once"),
            models.CheckConstraint(
                condition=Q(how=How.UNDO, undoes__isnull=False, defect_class=None)
                | (~Q(how=How.UNDO) & Q(undoes__isnull=True)),
                name="an_undo_undoes",
            ),
        )
        indexes = (
            models.Index(fields=("capture", "id"), name="label_capture"),
            models.Index(fields=("person", "at"), name="label_person_time"),
            models.Index(fields=("at",), name="label_time"),
        )

    def __str__(self) -> str:
        return f"{self.answer} of {self.capture_id} by {self.person_id}"

    @property
    def answer(self) -> str:
        """The class's code, `unsure`, or `undo`."""
        if self.how == How.UNDO:
            return How.UNDO
        return self.defect_class.code if self.defect_class else UNSURE
