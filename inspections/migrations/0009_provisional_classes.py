import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STAGES = [
    ("draft", "draft"),
    ("stands", "provisional"),
    ("trained", "trained"),
    ("ending", "being taken back"),
    ("back", "taken back"),
]


def _person() -> models.Field:
    return models.ForeignKey(
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0008_first_rollups"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="makes_classes",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="defectclass",
            name="provisional",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="ProvisionalClass",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("stage", models.CharField(choices=STAGES, default="draft", max_length=7)),
                ("name", models.CharField(blank=True, max_length=80)),
                ("family", models.CharField(blank=True, max_length=20)),
                ("critical", models.BooleanField(default=False)),
                ("definition", models.TextField(blank=True)),
                ("made_at", models.DateTimeField()),
                ("mm_per_px", models.FloatField(null=True)),
                ("figures", models.JSONField(default=dict)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("confirmed_by", _person()),
                (
                    "defect_class",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provisionally",
                        to="inspections.defectclass",
                    ),
                ),
                ("ended_by", _person()),
                ("lines", models.ManyToManyField(related_name="+", to="inspections.line")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("stage", "draft")), fields=("made_by",), name="one_draft_a_person"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClassExample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("example", "example"), ("yes", "accepted"), ("no", "rejected")],
                        default="example",
                        max_length=7,
                    ),
                ),
                (
                    "capture",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="inspections.capture"
                    ),
                ),
                (
                    "provisional",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="examples",
                        to="inspections.provisionalclass",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("provisional", "capture"), name="example_once")],
            },
        ),
        migrations.CreateModel(
            name="ClassPrototype",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("centre", models.BinaryField()),
                ("radius", models.FloatField()),
                ("rivals", models.BinaryField()),
                ("examples", models.PositiveIntegerField()),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("made_at", models.DateTimeField()),
                (
                    "provisional",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prototypes",
                        to="inspections.provisionalclass",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inspections.modelversion"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("provisional", "version"), name="one_prototype_a_version")
                ],
            },
        ),
        migrations.AddField(
            model_name="verdict",
            name="model_class",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inspections.defectclass",
            ),
        ),
        migrations.AddField(
            model_name="verdict",
            name="prototype",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inspections.classprototype",
            ),
        ),
        migrations.AddIndex(
            model_name="verdict",
            index=models.Index(
                condition=models.Q(("prototype__isnull", False)),
                fields=["prototype", "id"],
                name="verdict_by_prototype",
            ),
        ),
    ]
