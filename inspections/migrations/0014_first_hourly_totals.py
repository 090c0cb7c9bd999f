"""What was counted by class is added up by the hour, and what people said of what was flagged is counted.

The SQL is written out here, as it was on that day: a migration must not change when the product does. It runs before
any process of the new version, so that a relabelling never looks for a row that is not there.
"""

from typing import Any

from django.db import migrations

AMOUNTS = ("judged", "flagged", "anomalies", "defects", "failed")
HOUR = {
    "sqlite": "substr(c.counted_at, 1, 13) || ':00:00'",
    "postgresql": "date_bin('1 hour', c.counted_at, TIMESTAMPTZ '2000-01-01 00:00:00+00')",
}
JUDGED = 1


def count(_apps: Any, schema: Any) -> None:
    sums = ", ".join(f"sum({name}) AS {name}" for name in AMOUNTS)
    counted = ", ".join(f"counted.{name}" for name in AMOUNTS)
    with schema.connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO inspections_hourlytotal (line_id, hour, {', '.join(AMOUNTS)}, flagged_defects, flagged_good)"  # noqa: S608
            f" SELECT counted.line_id, counted.hour, {counted}, coalesce(said.defects, 0), coalesce(said.good, 0)"
            f" FROM (SELECT line_id, hour, {sums} FROM inspections_hourlycount GROUP BY line_id, hour) counted"
            f" LEFT JOIN (SELECT c.line_id AS line_id, {HOUR[schema.connection.vendor]} AS hour,"
            " sum(CASE WHEN d.code = 'good' THEN 0 ELSE 1 END) AS defects,"
            " sum(CASE WHEN d.code = 'good' THEN 1 ELSE 0 END) AS good"
            " FROM inspections_capture c JOIN inspections_defectclass d ON d.id = c.defect_class_id"
            f" WHERE c.flagged AND c.label_id IS NOT NULL AND c.status = {JUDGED} GROUP BY 1, 2) said"
            " ON said.line_id = counted.line_id AND said.hour = counted.hour"
        )


class Migration(migrations.Migration):
    dependencies = [("inspections", "0013_hourly_totals")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
