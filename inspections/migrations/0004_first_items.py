"""What was flagged before there was a queue comes into it; the first classes get their definitions."""

from typing import Any

from django.db import migrations

from inspections.ids import new_id

SLICE = 1000
DEFINITIONS = {
    "good": "Cloth as it should be. Slight unevenness of the yarn that a buyer would not see is good.",
    "color": "A patch, streak or stain whose colour or brightness differs from the cloth around it.",
    "cut": "A straight slit with clean edges: threads are severed, the cloth is open along a line.",
    "hole": "An opening with threads missing, of any shape but a straight slit. Its edges are often frayed.",
    "thread": "A loose, missing, doubled or pulled thread on or in the cloth; the cloth is closed.",
    "metal_contamination": "Metal on or in the cloth: a splinter, wire, staple or needle part. Always critical.",
}


def ask(apps: Any, _schema: Any) -> None:
    captures = apps.get_model("inspections", "Capture")
    items = apps.get_model("inspections", "ReviewItem")
    fields = ("id", "line_id", "severity", "counted_at", "received_at")
    rows = captures.objects.filter(flagged=True).values_list(*fields).order_by("id")
    batch: list[Any] = []
    for capture, line, severity, counted_at, received_at in rows.iterator(chunk_size=SLICE):
        batch.append(
            items(
                id=new_id(), capture_id=capture, line_id=line, rank=severity, counted_at=counted_at,
                created_at=received_at,
            )
        )  # fmt: skip
        if len(batch) == SLICE:
            items.objects.bulk_create(batch)
            batch = []
    items.objects.bulk_create(batch)


def define(apps: Any, _schema: Any) -> None:
    classes = apps.get_model("inspections", "DefectClass")
    for code, text in DEFINITIONS.items():
        classes.objects.filter(code=code, definition="").update(definition=text)


class Migration(migrations.Migration):
    dependencies = [("inspections", "0003_labels_and_review")]
    operations = [
        migrations.RunPython(ask, migrations.RunPython.noop),
        migrations.RunPython(define, migrations.RunPython.noop),
    ]
