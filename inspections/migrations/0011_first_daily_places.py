"""What was counted by place and hour is added up by the day.

The SQL is written out here, as it was on that day: a migration must not change when the product does. It runs before
any process of the new version, so that a relabelling never looks for a row that is not there.
"""

from typing import Any

from django.db import migrations

AMOUNTS = ("judged", "flagged", "anomalies", "defects", "failed")
DAY = {
    "sqlite": "substr(hour, 1, 10) || ' 00:00:00'",
    "postgresql": "date_bin('1 day', hour, TIMESTAMPTZ '2000-01-01 00:00:00+00')",
}


def count(_apps: Any, schema: Any) -> None:
    day, sums = DAY[schema.connection.vendor], ", ".join(f"sum({name})" for name in AMOUNTS)
    with schema.connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO inspections_dailyplacecount (line_id, day, camera_id, band, {', '.join(AMOUNTS)})"  # noqa: S608
            f" SELECT line_id, {day}, camera_id, band, {sums} FROM inspections_placecount GROUP BY 1, 2, 3, 4"
        )


class Migration(migrations.Migration):
    dependencies = [("inspections", "0010_long_histories")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
