from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspections", "0021_judged_by_camera")]

    operations = [
        migrations.AddField("delivery", "took", models.TextField(blank=True, default=""), preserve_default=False)
    ]
