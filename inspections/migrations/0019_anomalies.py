from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0018_chart_memory_and_unjudged"),
    ]

    operations = [
        migrations.AddField(
            model_name="versionchange",
            name="freed",
            field=models.JSONField(default=list),
        ),
        # Null and without a default: SQLite would copy the whole table for anything else.
        migrations.AddField(
            model_name="capture",
            name="anomaly",
            field=models.BooleanField(null=True),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "-counted_at", "-id", "camera", "offset_mm"],
                condition=models.Q(("anomaly", True)),
                name="capture_anomaly_new",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "-severity", "-id"],
                condition=models.Q(("anomaly", True)),
                name="capture_anomaly_worst",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "defect_class", "-counted_at", "-id"],
                condition=models.Q(("anomaly", True)),
                name="capture_anomaly_class",
            ),
        ),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(
                fields=["line", "defect_class", "-severity", "-id"],
                condition=models.Q(("anomaly", True)),
                name="capture_anomaly_class_worst",
            ),
        ),
    ]
