"""The rollups' definition once more, as SQL over the captures: each database counts for itself what `tally` counted.

A statement sees one moment of the database, and captures are written in one commit with their counts: so what is
counted and what is kept can be compared in one statement while others write.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from inspections.models import Capture, DefectClass, Roll, Status
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.rollup import BAND_MM, NO_BAND, PIECE_M, SLOT
from inspections.tally import Rollup

CAPTURES, CLASSES, ROLLS = (model._meta.db_table for model in (Capture, DefectClass, Roll))
MINUTES = {"day": 24 * 60, "hour": 60, "slot": int(SLOT.total_seconds()) // 60}
IS_JUDGED = f"c.status = {Status.JUDGED:d}"
IS_DEFECT = f"{IS_JUDGED} AND d.code NOT IN ('{GOOD}', '{UNKNOWN}')"
IS_SAID = f"{IS_JUDGED} AND c.flagged AND c.label_id IS NOT NULL"
# A capture that failed has no class, whatever was said of it. d.code is null where the answer was unknown.
CODE = f"CASE WHEN c.status = {Status.FAILED:d} THEN '' ELSE coalesce(d.code, '{UNKNOWN}') END"
COUNTED_IF = {
    "judged": IS_JUDGED,
    "flagged": f"{IS_JUDGED} AND c.flagged",
    "anomalies": f"CASE WHEN c.label_id IS NULL THEN {IS_JUDGED} AND c.flagged ELSE {IS_DEFECT} END",
    "defects": IS_DEFECT,
    "failed": f"c.status = {Status.FAILED:d}",
    "flagged_defects": f"{IS_SAID} AND d.code <> '{GOOD}'",
    "flagged_good": f"{IS_SAID} AND d.code = '{GOOD}'",
}
EXTRAS = {
    "first_at": "min(c.counted_at)",
    "style": f"(SELECT r.style FROM {ROLLS} r WHERE r.id = c.roll_id)",  # noqa: S608  all of it is ours
}
WRONG = {"first_at": ">", "style": "<>"}  # of what is kept, to what is counted


@dataclass(frozen=True)
class Scope:
    """What of a rollup is looked at: a condition on the captures, the same on its rows, and the values of both."""

    captures: str
    kept: str
    values: tuple[Any, ...]


def counted(rollup: Rollup, scope: Scope) -> str:
    """SELECT of the rollup's columns, in the order of `columns`, from the captures."""
    keys = [_key(column) for column in rollup.columns]
    extras = [EXTRAS[name] for name in rollup.extras]
    sums = [f"sum(CASE WHEN {COUNTED_IF[name]} THEN 1 ELSE 0 END)" for name in rollup.amounts]
    places = ", ".join(str(number + 1) for number in range(len(keys)))
    return (
        f"SELECT {_as((*keys, *extras, *sums), rollup.named)}"  # noqa: S608  all of it is ours
        f" FROM {CAPTURES} c LEFT JOIN {CLASSES} d ON d.id = c.defect_class_id"
        f" WHERE c.status <> {Status.PENDING:d} AND {scope.captures} GROUP BY {places}"
    )


def differences(rollup: Rollup, scope: Scope) -> str:
    """SELECT of the keys whose amounts differ: the keys, what is kept, what is counted. The scope's values stand in it
    twice. A row of zeros is as good as none.

    `first_at` may lie before what is counted: a relabelling that takes the earliest capture away leaves it. It may not
    lie behind, or the row would be missed by who reads from a time on. A style is the roll's.
    """
    amounts, zeros = rollup.amounts, ["0"] * len(rollup.amounts)
    kept = [f"kept_{name}" for name in amounts]
    found = [f"counted_{name}" for name in amounts]
    extras, nothing = rollup.extras, ("NULL",) * len(rollup.extras)
    head = (*rollup.columns, *kept, *found, *(f"{side}_{name}" for side in ("kept", "counted") for name in extras))
    keys = ", ".join(rollup.columns)
    sums = ", ".join(f"sum({name})" for name in (*kept, *found))
    sides = [*(f"sum({a}) <> sum({b})" for a, b in zip(kept, found, strict=True))]
    unlike = " OR ".join((*sides, *(f"max(kept_{name}) {WRONG[name]} max(counted_{name})" for name in extras)))
    return (
        f"SELECT {keys}, {sums} FROM ("  # noqa: S608  all of it is ours
        f"SELECT {_as((*rollup.columns, *amounts, *zeros, *extras, *nothing), head)} FROM {rollup.table} r"
        f" WHERE {scope.kept}"
        f" UNION ALL SELECT {', '.join((*rollup.columns, *zeros, *amounts, *nothing, *extras))}"
        f" FROM ({counted(rollup, scope)}) n"
        f") both_sides GROUP BY {keys} HAVING {unlike} ORDER BY {keys}"
    )


def _as(parts: tuple[str, ...], names: tuple[str, ...]) -> str:
    return ", ".join(f"{part} AS {name}" for part, name in zip(parts, names, strict=True))


def _key(column: str) -> str:
    """What stands in this column for one capture."""
    match column:
        case "defect_class":
            return CODE
        case "day" | "hour" | "slot":
            return _start(MINUTES[column])
        case "band":
            return f"CASE WHEN c.offset_mm IS NULL THEN {NO_BAND} ELSE {_floor('c.offset_mm', BAND_MM)} END"
        case "piece":
            return _floor("c.position_m", PIECE_M)
    return f"c.{column}"


def _start(minutes: int) -> str:
    """When the day, hour or slot of a capture began, UTC, as the database stores times."""
    if connection.vendor == "postgresql":
        return f"date_bin('{minutes} minutes', c.counted_at, TIMESTAMPTZ '2000-01-01 00:00:00+00')"
    # SQLite keeps them as text: 2026-11-22 14:03:22.123456
    if minutes == MINUTES["day"]:
        return "substr(c.counted_at, 1, 10) || ' 00:00:00'"
    if minutes == MINUTES["hour"]:
        return "substr(c.counted_at, 1, 13) || ':00:00'"
    minute = f"CAST(substr(c.counted_at, 15, 2) AS INTEGER) / {minutes} * {minutes}"
    return f"substr(c.counted_at, 1, 14) || substr('0' || ({minute}), -2) || ':00'"


def _floor(column: str, size: float) -> str:
    """Exact for both sizes: no double just below a multiple of 10 or 100 is rounded up to it by the division."""
    if connection.vendor == "postgresql":
        return f"CAST(floor({column} / {size}) AS integer)"
    return f"CAST({column} / {size} AS INTEGER)"  # SQLite may lack floor(); the API takes nothing below zero
