"""What people say of rolls: which style they are."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Line, Person, Roll, RollCount
from inspections.snapshots import Refused

MOST = 60  # rolls at once: more than a page shows


def set_style(line: Line, codes: Collection[str], style: str, person: Person, now: datetime) -> int | Refused:
    """Say of these rolls, all of which ran on the line, which style they are (empty: none). How many were of another.

    Where the style changes from one roll to the next, the charts of the line break: see `charting.breaking`.
    """
    style = " ".join(style.split())
    if refused := _objection(codes, style):
        return refused
    with transaction.atomic():
        rolls = list(Roll.objects.filter(code__in=codes, roll_counts__line=line).order_by("pk").select_for_update())
        if strange := sorted(set(codes) - {roll.code for roll in rolls}):
            return Refused(_("Roll %(code)s never ran on this line. Nothing was changed.") % {"code": strange[0]})
        other = [roll for roll in rolls if roll.style != style]
        AuditEvent.note_many(
            person, "roll-style", now, {f"roll {roll.code}": {"style": [roll.style, style]} for roll in other}
        )
        keys = [roll.pk for roll in other]
        Roll.objects.filter(pk__in=keys).update(style=style)
        RollCount.objects.filter(roll__in=keys).update(style=style)
    return len(other)


def _objection(codes: Collection[str], style: str) -> Refused | None:
    if not codes:
        return Refused(_("No roll is picked. Pick one or more, then set their style."))
    if len(codes) > MOST:
        return Refused(_("%(n)d rolls at once are too many; at most %(most)d.") % {"n": len(codes), "most": MOST})
    longest = Roll._meta.get_field("style").max_length or 0
    if len(style) > longest:
        return Refused(_("A style has at most %(most)d letters.") % {"most": longest}, field="style")
    return None
