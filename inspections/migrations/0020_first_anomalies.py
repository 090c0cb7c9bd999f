"""Captures of before are marked as they were counted, and changes of the mill are told which lines they freed.

It runs before any process of the new version. A change of the mill freed the lines whose own version it was: that
follows from the changes before it, read from the first one on.
"""

from typing import Any

from django.db import migrations

JUDGED = 1
UNLABELLED = "UPDATE inspections_capture SET anomaly = %s WHERE flagged AND label_id IS NULL AND status = %s"
LABELLED = """UPDATE inspections_capture SET anomaly = %s WHERE label_id IS NOT NULL AND status = %s
    AND defect_class_id IN (SELECT id FROM inspections_defectclass WHERE code NOT IN ('good', 'unknown'))"""


def mark(_apps: Any, schema: Any) -> None:
    with schema.connection.cursor() as cursor:
        cursor.execute(UNLABELLED, [True, JUDGED])
        cursor.execute(LABELLED, [True, JUDGED])


def remember(apps: Any, _schema: Any) -> None:
    rows = list(
        apps.get_model("inspections", "VersionChange").objects.filter(state="active").order_by("decided_at", "id")
    )
    mills: int | None = next((row.previous_id for row in rows if row.line_id is None), None)
    own: dict[int, int | None] = {}
    for row in rows:  # what was in force before the first change of each scope
        if row.line_id is not None:
            own.setdefault(row.line_id, row.previous_id)
    for row in rows:
        if row.line_id is not None:
            own[row.line_id] = None if row.version_id == mills else row.version_id
            continue
        mills = row.version_id
        row.freed = sorted(line for line, version in own.items() if version == mills)
        own.update(dict.fromkeys(row.freed))
        if row.freed:
            row.save(update_fields=["freed"])


class Migration(migrations.Migration):
    dependencies = [("inspections", "0019_anomalies")]
    operations = [
        migrations.RunPython(mark, migrations.RunPython.noop),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
