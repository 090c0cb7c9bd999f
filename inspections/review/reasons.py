"""Why an image is asked in an order that follows a list, in words."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.utils.translation import gettext as _

from inspections.models import Comparison, State, TeachPick, Why
from inspections.models.defect_class import UNKNOWN, titles
from inspections.review.wanted import Order


def reasons(order: Order, captures: Iterable[UUID]) -> dict[UUID, str]:
    """Words for each capture that stands on the list of this order; none in the others."""
    keys = list(captures)
    if order is Order.TEACH and keys:
        names = class_names()
        return {pick.capture_id: pick_words(pick, names) for pick in TeachPick.objects.filter(capture__in=keys)}
    if order is Order.DISAGREE and keys:
        return _disagreements(keys)
    return {}


def class_names() -> dict[str, str]:
    return {**titles(), UNKNOWN: _("Unknown")}


def pick_words(pick: TeachPick, names: Mapping[str, str]) -> str:
    if pick.why == Why.MARGIN and pick.first:
        both = {"first": names.get(pick.first, pick.first), "second": names.get(pick.second, pick.second)}
        return _("The model hesitates between %(first)s and %(second)s.") % both
    if pick.why == Why.NOVELTY and pick.distance is not None:
        far = {"far": f"{pick.distance:.2f}"}
        return _("Nothing like it was labelled yet. The nearest labelled one is at distance %(far)s.") % far
    words = {
        Why.MARGIN.value: _("The model hesitates between two classes."),
        Why.NOVELTY.value: _("Nothing like it was labelled yet."),
        Why.RANDOM.value: _("Drawn at random from what the model passed."),
        Why.SPREAD.value: _("It stands for many that are alike."),
    }
    return words[pick.why]


def _disagreements(keys: list[UUID]) -> dict[UUID, str]:
    rows = Comparison.objects.filter(version__state=State.SHADOW, recall=None, agrees=False, capture__in=keys)
    rows = rows.select_related("version", "champion", "before", "after").defer("version__spec", "champion__spec")
    return {row.capture_id: _disagreement(row) for row in rows.order_by("id")}


def _disagreement(row: Comparison) -> str:
    says = {"new": row.version, "after": row.after or _("Unknown"), "before": row.before or _("Unknown")}
    if row.before_id != row.after_id:
        return _("The challenger %(new)s says %(after)s, the model in force %(before)s.") % says
    if row.after_flagged:
        return _("Both say %(after)s; the challenger %(new)s flags it, the model in force passed it.") % says
    return _("Both say %(after)s; the challenger %(new)s passes it, the model in force flagged it.") % says
