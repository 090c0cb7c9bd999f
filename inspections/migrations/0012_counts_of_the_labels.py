from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0011_first_daily_places"),
    ]

    operations = [
        migrations.AlterField(
            model_name="insight",
            name="kind",
            field=models.CharField(
                choices=[
                    ("teach", "what to label next"),
                    ("labels", "have I labelled enough, and are the labels right"),
                    ("drift", "has the cloth, a lens or a lamp changed"),
                    ("counts", "what freezing the labels would give"),
                ],
                max_length=6,
            ),
        ),
    ]
