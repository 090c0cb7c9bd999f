from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0017_textures"),
    ]

    operations = [
        migrations.AddField(model_name="chart", name="weight", field=models.FloatField(default=0.2)),
        migrations.AddField(model_name="chart", name="decision", field=models.FloatField(default=5.0)),
        migrations.AddIndex(
            model_name="capture",
            index=models.Index(condition=Q(("status", 0)), fields=["line", "counted_at"], name="capture_unjudged"),
        ),
    ]
