"""How a line is charted, what is normal on it, and what breaks that."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.models.person import Person
from inspections.models.plant import Line


class ChartKind(models.TextChoices):
    P = "p", _("p")
    LANEY = "laney", _("Laney p′")
    U = "u", _("u")
    EWMA = "ewma", _("EWMA")
    CUSUM = "cusum", _("CUSUM")


class SubgroupBy(models.TextChoices):
    TIME = "time", _("time")  # `size` in minutes
    LENGTH = "length", _("length of cloth")  # `size` in metres


class RuleSet(models.TextChoices):
    NELSON = "nelson", _("Nelson")
    WESTERN_ELECTRIC = "western", _("Western Electric")


class Chart(models.Model):
    """How one line (and class; empty: the anomaly rate) is charted. A line without a row has the defaults."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="charts", db_index=False)
    defect_class = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=6, choices=ChartKind.choices, default=ChartKind.P)
    subgroup_by = models.CharField(max_length=6, choices=SubgroupBy.choices, default=SubgroupBy.TIME)
    size = models.PositiveIntegerField(default=10)
    rule_set = models.CharField(max_length=8, choices=RuleSet.choices, default=RuleSet.NELSON)
    rules = models.JSONField(default=list)  # numbers of the set that are on; empty: rule 1 alone
    weight = models.FloatField(default=0.2)  # an EWMA's lambda
    decision = models.FloatField(default=5.0)  # a CUSUM's h, in standard deviations

    class Meta:
        constraints = (models.UniqueConstraint(fields=("line", "defect_class"), name="chart_once"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.line_id} {self.defect_class}"

    @property
    def in_deviations(self) -> bool:
        """Its values and limits are standard deviations, not rates: it has a memory."""
        return self.kind in {ChartKind.EWMA, ChartKind.CUSUM}


class Baseline(models.Model):
    """What is normal: frozen when a person confirmed it, never changed. The newest one of its chart stands, until
    something breaks the chart."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="baselines", db_index=False)
    defect_class = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=6, choices=ChartKind.choices)
    subgroup_by = models.CharField(max_length=6, choices=SubgroupBy.choices)
    size = models.PositiveIntegerField()
    since = models.DateTimeField()  # the period that it was made from
    until = models.DateTimeField()
    subgroups = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()
    centre = models.FloatField()  # p̄, or ū per judged image
    sigma_z = models.FloatField(default=1.0)  # Laney's; 1 where it is not used
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("line", "defect_class", "-id"), name="baseline_newest"),)

    def __str__(self) -> str:
        return f"baseline {self.centre:.4f} of {self.line_id} {self.defect_class}"


class ThresholdChange(models.Model):
    """A person moved a line's threshold. null: the bundle's own."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="threshold_changes", db_index=False)
    at = models.DateTimeField()
    old = models.FloatField(null=True)
    new = models.FloatField(null=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=500)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("line", "at"), name="threshold_line"),)
        constraints = (
            models.CheckConstraint(
                condition=(Q(old=None) | Q(old__gte=0, old__lte=1)) & (Q(new=None) | Q(new__gte=0, new__lte=1)),
                name="threshold_is_a_probability",
            ),
        )

    def __str__(self) -> str:
        return f"threshold of {self.line_id}: {self.old} to {self.new}"
