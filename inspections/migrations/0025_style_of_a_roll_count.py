"""Which rolls ran on a line keeps each roll's style as well; what ran already is filled in from the rolls."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0024_what_was_said"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="rollcount",
            name="roll_line_time",
        ),
        migrations.AddField(
            model_name="rollcount",
            name="style",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.RunSQL(
            "UPDATE inspections_rollcount SET style ="
            " (SELECT r.style FROM inspections_roll r WHERE r.id = inspections_rollcount.roll_id)",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name="rollcount",
            index=models.Index(fields=["line", "first_at", "roll", "style"], name="roll_line_style"),
        ),
    ]
