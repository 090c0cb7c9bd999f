"""Which part of the queue somebody wants, and in which order."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from inspections.models import Line


class Order(TextChoices):
    WORST = "worst", _("Worst first")
    NEW = "new", _("Newest first")
    OLD = "old", _("Oldest first")
    TEACH = "teach", _("Teaches most")
    DISAGREE = "disagree", _("Disagreement")


LISTED = frozenset({Order.TEACH, Order.DISAGREE})  # they follow a list of captures, flagged or not


@dataclass(frozen=True)
class Wanted:
    """Which part of the queue: lines that this person may see, an order, and a predicted class or none."""

    lines: tuple[Line, ...]
    order: Order = Order.WORST
    defect_class: str = ""

    @property
    def is_plain(self) -> bool:
        """Nothing blind and nothing hidden: its class, or its age among the others, would tell what it is."""
        return bool(self.defect_class) or self.order is not Order.WORST

    @property
    def is_listed(self) -> bool:
        return self.order in LISTED
