import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0009_provisional_classes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyPlaceCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("judged", models.IntegerField(default=0)),
                ("flagged", models.IntegerField(default=0)),
                ("anomalies", models.IntegerField(default=0)),
                ("defects", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("day", models.DateTimeField()),
                ("band", models.IntegerField()),
                (
                    "camera",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inspections.camera",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="daily_places",
                        to="inspections.line",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("line", "day", "camera", "band"), name="daily_place_count_once"),
                    models.CheckConstraint(
                        condition=models.Q(("failed__gte", 0), ("judged__gte", 0)),
                        name="daily_place_count_not_negative",
                    ),
                ],
            },
        ),
        migrations.RemoveIndex(model_name="capture", name="capture_flagged_new"),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "-counted_at", "-id", "camera", "offset_mm"],
                condition=models.Q(("flagged", True)),
                name="capture_flagged_new",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "defect_class", "-counted_at", "-id"],
                condition=models.Q(("flagged", True)),
                name="capture_flagged_class",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "defect_class", "-severity", "-id"],
                condition=models.Q(("flagged", True)),
                name="capture_flagged_class_worst",
            ),
        ),
    ]
