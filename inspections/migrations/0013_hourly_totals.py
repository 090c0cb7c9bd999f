import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0012_counts_of_the_labels"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="capture", name="capture_flags_answered"),  # these are counted now
        migrations.CreateModel(
            name="HourlyTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("judged", models.IntegerField(default=0)),
                ("flagged", models.IntegerField(default=0)),
                ("anomalies", models.IntegerField(default=0)),
                ("defects", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("hour", models.DateTimeField()),
                ("flagged_defects", models.IntegerField(default=0)),
                ("flagged_good", models.IntegerField(default=0)),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hour_totals",
                        to="inspections.line",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("line", "hour"), name="hourly_total_once"),
                    models.CheckConstraint(
                        condition=models.Q(("failed__gte", 0), ("judged__gte", 0)),
                        name="hourly_total_not_negative",
                    ),
                ],
            },
        ),
    ]
