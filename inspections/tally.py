"""Counting as it happens: the rollups are written in the commits of what they count.

Adding is one statement for each line, hour and class, in a fixed order so that two writers never deadlock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.rollup import HourlyCount

Key = tuple[int, datetime, str]


@dataclass(frozen=True)
class Counted:
    """One capture's share of the rollups. `defect_class` is the effective label's code, else the predicted one;
    `failed` captures have none. `labelled`: a person said so."""

    line_id: int
    at: datetime
    defect_class: str = ""
    flagged: bool = False
    failed: bool = False
    labelled: bool = False

    @property
    def key(self) -> Key:
        return self.line_id, self.at.replace(minute=0, second=0, microsecond=0), self.defect_class

    @property
    def is_defect(self) -> bool:
        return self.defect_class not in {GOOD, UNKNOWN}

    @property
    def is_anomaly(self) -> bool:
        """Flagged and not labelled good, or labelled a defect."""
        return self.is_defect if self.labelled else self.flagged

    @property
    def amounts(self) -> tuple[int, int, int, int, int]:
        """judged, flagged, anomalies, defects, failed."""
        if self.failed:
            return 0, 0, 0, 0, 1
        return 1, int(self.flagged), int(self.is_anomaly), int(self.is_defect), 0


_TABLE = HourlyCount._meta.db_table
_ADD = f"""
INSERT INTO {_TABLE} (line_id, hour, defect_class, judged, flagged, anomalies, defects, failed)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (line_id, hour, defect_class) DO UPDATE SET
  judged = {_TABLE}.judged + excluded.judged, flagged = {_TABLE}.flagged + excluded.flagged,
  anomalies = {_TABLE}.anomalies + excluded.anomalies, defects = {_TABLE}.defects + excluded.defects,
  failed = {_TABLE}.failed + excluded.failed
"""  # noqa: S608  the table's name is ours
# Taking away is an UPDATE: a row to insert that is below zero fails its check before any conflict is seen.
_TAKE = f"""
UPDATE {_TABLE} SET judged = judged + %s, flagged = flagged + %s, anomalies = anomalies + %s, defects = defects + %s,
  failed = failed + %s WHERE line_id = %s AND hour = %s AND defect_class = %s
"""  # noqa: S608


def add(counted: Iterable[Counted]) -> None:
    """Add to the rollups; call it inside the transaction that writes what is counted."""
    move((), counted)


def move(before: Iterable[Counted], after: Iterable[Counted]) -> None:
    """Captures that counted as `before` count as `after` now; call it inside the transaction that changes them."""
    totals: dict[Key, tuple[int, ...]] = {}
    for sign, some in ((-1, before), (1, after)):
        for one in some:
            so_far = totals.get(one.key, (0,) * 5)
            totals[one.key] = tuple(a + sign * b for a, b in zip(so_far, one.amounts, strict=True))
    with connection.cursor() as cursor:
        for (line_id, hour, code), amounts in sorted(totals.items()):
            at = connection.ops.adapt_datetimefield_value(hour)
            if min(amounts) < 0:
                cursor.execute(_TAKE, [*amounts, line_id, at, code])
                if cursor.rowcount != 1:
                    raise RuntimeError(f"no count of line {line_id}, {hour}, {code!r} to take from")
            elif any(amounts):
                cursor.execute(_ADD, [line_id, at, code, *amounts])
