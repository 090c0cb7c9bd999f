"""A line's threshold: which one is in force, and moving it. A change marks the line's charts and breaks their baseline.

Workers read the line anew for each batch that they claim, so a change holds from every process's next batch on.
What was judged before keeps its flag.
"""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from django.db import transaction
from django.utils.translation import gettext as _

from inspections import registry
from inspections.models import AuditEvent, Line, ModelVersion, Person, ThresholdChange
from inspections.snapshots import Refused

MOST_REASON = 500


@dataclass(frozen=True)
class Stale:
    """Not changed: somebody else moved it since the page was opened. The latest change, where one is known."""

    line: Line
    latest: ThresholdChange | None


@dataclass(frozen=True)
class Already:
    """Nothing to change: it is what was asked for. A second press of the same button finds it so."""

    line: Line


def own(version: ModelVersion | None) -> float | None:
    """The bundle's threshold; None without a version."""
    found = version.spec.get("threshold") if version else None
    return float(found) if isinstance(found, int | float) else None


def in_force(line: Line, version: ModelVersion | None = None) -> float | None:
    """The line's, else its version's; `version` where the caller has it read already."""
    if line.threshold is not None:
        return line.threshold
    return own(version or registry.in_force(line))


def stamp(line: Line) -> str:
    """What a reader saw, as a form sends it back: empty where the bundle's threshold holds."""
    return "" if line.threshold is None else repr(line.threshold)


def change(
    line: Line, new: float | None, expected: str, person: Person, reason: str, now: datetime
) -> ThresholdChange | Refused | Stale | Already:
    """Set the line's threshold; None: the bundle's again. `expected`: the `stamp` of what the person saw."""
    if new is not None and not (isfinite(new) and 0 <= new <= 1):
        return Refused(_("A threshold lies between 0 and 1."))
    if not reason.strip():
        return Refused(_("Say why: the reason is kept with the change."))
    with transaction.atomic():
        held = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)
        if held.threshold == new:
            return Already(held)
        if stamp(held) != expected:
            return Stale(held, ThresholdChange.objects.filter(line=held).select_related("person").first())
        old, held.threshold = held.threshold, new
        held.save(update_fields=["threshold"])
        said = {"old": old, "new": new, "reason": reason.strip()[:MOST_REASON]}
        AuditEvent.note(person, "threshold", f"line {held.slug}", now, **said)
        return ThresholdChange.objects.create(line=held, at=now, person=person, **said)
