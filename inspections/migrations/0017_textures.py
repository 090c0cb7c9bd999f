from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0016_first_rolls_of_comparisons"),
    ]

    operations = [
        migrations.AddField(
            model_name="verdictevidence",
            name="texture",
            field=models.BinaryField(null=True),
        ),
    ]
