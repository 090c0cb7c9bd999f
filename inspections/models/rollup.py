"""Counts kept as things happen, so that no page counts rows."""

from django.db import models
from django.db.models import Q

from inspections.models.plant import Line


class HourlyCount(models.Model):
    """What was counted of one line, one UTC hour (of `counted_at`) and one class.

    `defect_class` is the effective label's code, else the predicted one; `unknown` where the answer was that, and
    empty for captures that failed.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    defect_class = models.CharField(max_length=40, blank=True)
    judged = models.IntegerField(default=0)
    flagged = models.IntegerField(default=0)
    anomalies = models.IntegerField(default=0)  # flagged and not labelled good, or labelled a defect
    defects = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "hour", "defect_class"), name="hourly_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="hourly_count_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.hour:%Y-%m-%d %H} {self.defect_class}"
