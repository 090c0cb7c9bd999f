"""Comparisons that were made before they kept their capture's roll are given it."""

from typing import Any

from django.db import migrations

SQL = """UPDATE inspections_comparison SET roll_id =
    (SELECT c.roll_id FROM inspections_capture c WHERE c.id = inspections_comparison.capture_id)"""


def keep(_apps: Any, schema: Any) -> None:
    with schema.connection.cursor() as cursor:
        cursor.execute(SQL)


class Migration(migrations.Migration):
    dependencies = [("inspections", "0015_rolls_of_comparisons")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
