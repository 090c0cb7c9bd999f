"""Counts kept as things happen, so that no page counts rows. `tally` writes them, `recount` makes them anew."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from inspections.models.plant import Camera, Line
from inspections.models.roll import Roll

SLOT = timedelta(minutes=5)  # the finest time of a chart: every shift begins and ends on one
BAND_MM = 100.0  # the finest place across the width
PIECE_M = 10.0  # the finest length of cloth
NO_BAND = -1  # captures that do not say where on the width they lie


class Counts(models.Model):
    """What every rollup counts. `failed` captures are outside both sides of a rate."""

    judged = models.IntegerField(default=0)
    flagged = models.IntegerField(default=0)
    anomalies = models.IntegerField(default=0)  # flagged and not labelled good, or labelled a defect
    defects = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)

    class Meta:
        abstract = True


class HourlyCount(Counts):
    """What was counted of one line, one UTC hour (of `counted_at`) and one class.

    `defect_class` is the effective label's code, else the predicted one; `unknown` where the answer was that, and
    empty for captures that failed.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    defect_class = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "hour", "defect_class"), name="hourly_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="hourly_count_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.hour:%Y-%m-%d %H} {self.defect_class}"


class HourlyTotal(Counts):
    """One line's UTC hour, all classes together, and what people said of what was flagged in it."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="hour_totals", db_index=False)
    hour = models.DateTimeField()
    flagged_defects = models.IntegerField(default=0)  # flagged, and labelled a defect
    flagged_good = models.IntegerField(default=0)  # flagged, and labelled good

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "hour"), name="hourly_total_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="hourly_total_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.hour:%Y-%m-%d %H}"


class SlotCount(Counts):
    """The same by five minutes: what control charts and shifts are made of."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="slots", db_index=False)
    slot = models.DateTimeField()  # its start, UTC
    defect_class = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "slot", "defect_class"), name="slot_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="slot_count_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.slot:%Y-%m-%d %H:%M} {self.defect_class}"


class PlaceCount(Counts):
    """One line's hour by camera and by place across the width: bands of BAND_MM from the left selvedge."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="places", db_index=False)
    hour = models.DateTimeField()
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="+", db_index=False)
    band = models.IntegerField()  # offset_mm // BAND_MM; NO_BAND where the capture does not say

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "hour", "camera", "band"), name="place_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="place_count_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.hour:%Y-%m-%d %H} {self.camera_id} {self.band}"


class DailyPlaceCount(Counts):
    """The same by the UTC day: half a year of hours and places is a hundred thousand rows."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="daily_places", db_index=False)
    day = models.DateTimeField()  # its start, UTC
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="+", db_index=False)
    band = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "day", "camera", "band"), name="daily_place_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="daily_place_count_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.day:%Y-%m-%d} {self.camera_id} {self.band}"


class RollCount(Counts):
    """One roll on one line, all classes together: which rolls ran there, since when, and of which style.

    The style is the roll's own, kept here as well: whether a line ran one style for months is told from an index.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="roll_counts", db_index=False)
    roll = models.ForeignKey(Roll, on_delete=models.CASCADE, related_name="roll_counts", db_index=False)
    first_at = models.DateTimeField()  # `counted_at` of its earliest capture
    style = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("roll", "line"), name="roll_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="roll_count_not_negative"),
        )
        indexes = (models.Index(fields=("line", "first_at", "roll", "style"), name="roll_line_style"),)

    def __str__(self) -> str:
        return f"{self.line_id} {self.roll_id}"


class LengthCount(Counts):
    """PIECE_M of one roll on one line, by class. Captures without a roll or a position stand in none."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    roll = models.ForeignKey(Roll, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    piece = models.IntegerField()  # position_m // PIECE_M
    defect_class = models.CharField(max_length=40, blank=True)
    first_at = models.DateTimeField()  # `counted_at` of its earliest capture

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("line", "roll", "piece", "defect_class"), name="length_count_once"),
            models.CheckConstraint(condition=Q(judged__gte=0, failed__gte=0), name="length_count_not_negative"),
        )
        indexes = (
            models.Index(fields=("line", "first_at"), name="length_line_time"),
            models.Index(fields=("roll", "piece"), name="length_roll"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} {self.roll_id} {self.piece} {self.defect_class}"
