"""The six classes that a new installation starts with."""

from typing import Any

from django.db import migrations

CLASSES = [
    ("good", "Good", "", False),
    ("color", "Colour", "area", False),
    ("cut", "Cut", "area", False),
    ("hole", "Hole", "area", False),
    ("thread", "Thread", "yarn", False),
    ("metal_contamination", "Metal contamination", "foreign", True),
]


def add(apps: Any, _schema: Any) -> None:
    model = apps.get_model("inspections", "DefectClass")
    for code, name, family, critical in CLASSES:
        model.objects.get_or_create(code=code, defaults={"name": name, "family": family, "critical": critical})


class Migration(migrations.Migration):
    dependencies = [("inspections", "0001_start")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
