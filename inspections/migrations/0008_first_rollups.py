"""What was captured before there were rollups by slot, place, length and roll is counted into them.

The SQL is written out here, as it was on that day: a migration must not change when the product does. It runs before
any process of the new version, so that a relabelling never looks for a row that is not there.
"""

from typing import Any

from django.db import migrations

AMOUNTS = "judged, flagged, anomalies, defects, failed"
IS_DEFECT = "c.status = 1 AND d.code NOT IN ('good', 'unknown')"
CODE = "CASE WHEN c.status = 2 THEN '' ELSE coalesce(d.code, 'unknown') END"
SUMS = f"""sum(CASE WHEN c.status = 1 THEN 1 ELSE 0 END),
    sum(CASE WHEN c.status = 1 AND c.flagged THEN 1 ELSE 0 END),
    sum(CASE WHEN CASE WHEN c.label_id IS NULL THEN c.status = 1 AND c.flagged ELSE {IS_DEFECT} END
        THEN 1 ELSE 0 END),
    sum(CASE WHEN {IS_DEFECT} THEN 1 ELSE 0 END),
    sum(CASE WHEN c.status = 2 THEN 1 ELSE 0 END)"""
FROM = """FROM inspections_capture c LEFT JOIN inspections_defectclass d ON d.id = c.defect_class_id
    WHERE c.status <> 0"""
KEYS = {  # hour, slot, band, piece
    "sqlite": (
        "substr(c.counted_at, 1, 13) || ':00:00'",
        "substr(c.counted_at, 1, 14) || substr('0' || (CAST(substr(c.counted_at, 15, 2) AS INTEGER) / 5 * 5), -2)"
        " || ':00'",
        "CAST(c.offset_mm / 100.0 AS INTEGER)",
        "CAST(c.position_m / 10.0 AS INTEGER)",
    ),
    "postgresql": (
        "date_bin('60 minutes', c.counted_at, TIMESTAMPTZ '2000-01-01 00:00:00+00')",
        "date_bin('5 minutes', c.counted_at, TIMESTAMPTZ '2000-01-01 00:00:00+00')",
        "CAST(floor(c.offset_mm / 100.0) AS integer)",
        "CAST(floor(c.position_m / 10.0) AS integer)",
    ),
}


def count(_apps: Any, schema: Any) -> None:
    hour, slot, band, piece = KEYS[schema.connection.vendor]
    band = f"CASE WHEN c.offset_mm IS NULL THEN -1 ELSE {band} END"
    for statement in (
        f"INSERT INTO inspections_slotcount (line_id, slot, defect_class, {AMOUNTS})"
        f" SELECT c.line_id, {slot}, {CODE}, {SUMS} {FROM} GROUP BY 1, 2, 3",
        f"INSERT INTO inspections_placecount (line_id, hour, camera_id, band, {AMOUNTS})"
        f" SELECT c.line_id, {hour}, c.camera_id, {band}, {SUMS} {FROM} GROUP BY 1, 2, 3, 4",
        f"INSERT INTO inspections_lengthcount (line_id, roll_id, piece, defect_class, first_at, {AMOUNTS})"
        f" SELECT c.line_id, c.roll_id, {piece}, {CODE}, min(c.counted_at), {SUMS} {FROM}"
        " AND c.roll_id IS NOT NULL AND c.position_m IS NOT NULL GROUP BY 1, 2, 3, 4",
        f"INSERT INTO inspections_rollcount (line_id, roll_id, first_at, {AMOUNTS})"
        f" SELECT c.line_id, c.roll_id, min(c.counted_at), {SUMS} {FROM} AND c.roll_id IS NOT NULL GROUP BY 1, 2",
    ):
        with schema.connection.cursor() as cursor:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("inspections", "0007_managers_pages")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
