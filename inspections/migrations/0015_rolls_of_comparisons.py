import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0014_first_hourly_totals"),
    ]

    operations = [
        migrations.AddField(
            model_name="comparison",
            name="roll",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="inspections.roll",
            ),
        ),
    ]
