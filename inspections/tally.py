"""Counting as it happens: the rollups are written in the commits of what they count.

Adding is one statement for each line, hour and class, in a fixed order so that two writers never deadlock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.rollup import HourlyCount


@dataclass(frozen=True)
class Counted:
    """One capture's share of the rollups: its line, time, and class code; `failed` ones have no class."""

    line_id: int
    at: datetime
    defect_class: str = ""
    flagged: bool = False
    failed: bool = False

    @property
    def key(self) -> tuple[int, datetime, str]:
        return self.line_id, self.at.replace(minute=0, second=0, microsecond=0), self.defect_class

    @property
    def amounts(self) -> tuple[int, int, int, int, int]:
        """judged, flagged, anomalies, defects, failed."""
        if self.failed:
            return 0, 0, 0, 0, 1
        is_defect = self.defect_class not in {GOOD, UNKNOWN}
        return 1, int(self.flagged), int(self.flagged), int(is_defect), 0


_TABLE = HourlyCount._meta.db_table
_ADD = f"""
INSERT INTO {_TABLE} (line_id, hour, defect_class, judged, flagged, anomalies, defects, failed)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (line_id, hour, defect_class) DO UPDATE SET
  judged = {_TABLE}.judged + excluded.judged, flagged = {_TABLE}.flagged + excluded.flagged,
  anomalies = {_TABLE}.anomalies + excluded.anomalies, defects = {_TABLE}.defects + excluded.defects,
  failed = {_TABLE}.failed + excluded.failed
"""  # noqa: S608  the table's name is ours


def add(counted: Iterable[Counted]) -> None:
    """Add to the rollups; call it inside the transaction that writes what is counted."""
    totals: dict[tuple[int, datetime, str], tuple[int, ...]] = {}
    for one in counted:
        before = totals.get(one.key, (0,) * 5)
        totals[one.key] = tuple(a + b for a, b in zip(before, one.amounts, strict=True))
    with connection.cursor() as cursor:
        for (line_id, hour, code), amounts in sorted(totals.items()):
            at = connection.ops.adapt_datetimefield_value(hour)
            cursor.execute(_ADD, [line_id, at, code, *amounts])
