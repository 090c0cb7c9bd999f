"""Reading comparisons: counted in one query, and listed page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, TextChoices, Value, When
from django.utils.translation import gettext_lazy as _

from inspections.models import Comparison, DefectClass, Line, ModelVersion, Recall
from inspections.models.defect_class import UNKNOWN
from inspections.second_looks.figures import Changed, Group, Total

PAGE = 48
_SHOWN = ("capture__roll", "capture__label__person", "capture__defect_class", "line", "before", "after", "seen_by")


class Flag(TextChoices):
    NEWLY = "newly", _("newly flagged")
    NO_LONGER = "no-longer", _("no longer flagged")
    SAME = "same", _("flag unchanged")


@dataclass(frozen=True)
class Wanted:
    """Which comparisons: of a version's shadow, or of a recall. The parts narrow each other; empty: all."""

    version: ModelVersion
    recall: Recall | None = None
    line: Line | None = None
    before: str = ""
    after: str = ""
    flag: str = ""
    roll: str = ""
    since: datetime | None = None
    until: datetime | None = None
    without: frozenset[UUID] = frozenset()  # captures that the reader is being asked blind

    def rows(self) -> QuerySet[Comparison]:
        found = Comparison.objects.filter(version=self.version, recall=self.recall)
        return found.filter(self._narrowed()).exclude(capture__in=self.without)

    def _narrowed(self) -> Q:
        found = _class("before", self.before) & _class("after", self.after) & _FLAGS.get(self.flag, Q())
        if self.line:
            found &= Q(line=self.line)
        if self.roll:
            found &= Q(roll__code=self.roll)
        if self.since:
            found &= Q(counted_at__gte=self.since)
        if self.until:
            found &= Q(counted_at__lt=self.until)
        return found


_FLAGS = {
    Flag.NEWLY.value: Q(before_flagged=False, after_flagged=True),
    Flag.NO_LONGER.value: Q(before_flagged=True, after_flagged=False),
    Flag.SAME.value: Q(before_flagged=F("after_flagged")),
}


def _class(side: str, code: str) -> Q:
    if not code:
        return Q()
    return Q(**{f"{side}__isnull": True}) if code == UNKNOWN else Q(**{f"{side}__code": code})


def groups(wanted: Wanted, bounds: Sequence[datetime] = ()) -> list[Group]:
    """Counted groups, one query over them and one over the classes. `bounds`: where the hours or days begin, oldest
    first, and the end of the last."""
    slots = [When(counted_at__lt=bound, then=Value(place - 1)) for place, bound in enumerate(bounds)]
    slot = Case(*slots, default=Value(len(bounds)), output_field=IntegerField()) if slots else Value(-1)
    keys = ("slot", "line_id", "before_id", "after_id", "before_flagged", "after_flagged")
    rows = wanted.rows().annotate(slot=slot).values_list(*keys).order_by()
    codes: dict[int | None, str] = {None: UNKNOWN, **dict(DefectClass.objects.values_list("pk", "code"))}
    return [
        Group(place, line, codes[before], codes[after], *counts)
        for place, line, before, after, *counts in rows.annotate(count=Count("pk"), seen=Count("seen_at"))
    ]


def changed_rolls(wanted: Wanted) -> list[Changed]:
    """The rolls that would change, most changed flags first; one query."""

    def of(flag: Flag) -> Count:
        return Count("pk", filter=_FLAGS[flag.value])

    rows = wanted.rows().values_list("roll_id").order_by()
    counted = rows.annotate(
        compared=Count("pk"), apart=Count("pk", filter=Q(agrees=False)), newly=of(Flag.NEWLY), less=of(Flag.NO_LONGER)
    )
    found = [
        Changed(roll, Total(compared=compared, apart=apart, newly=newly, no_longer=less))
        for roll, compared, apart, newly, less in counted.filter(apart__gt=0)
    ]
    return sorted(found, key=lambda one: (-one.flags, -one.total.apart, one.roll or 0))


@dataclass(frozen=True)
class Mark:
    """Where a page ended: whether among the changed flags, and the row's id."""

    flag_changed: bool
    id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError where the text is no mark."""
        changed, _tilde, key = text.partition("~")
        if changed not in {"0", "1"} or not key.isascii() or not key.isdigit():
            raise ValueError(text)
        return cls(changed == "1", min(int(key), 2**62))

    def __str__(self) -> str:
        return f"{int(self.flag_changed)}~{self.id}"


@dataclass(frozen=True)
class Page:
    rows: list[Comparison]
    next: Mark | None


def apart(wanted: Wanted, after: Mark | None = None, size: int = PAGE) -> Page:
    """Where both disagree: changed flags first, then changed classes, each newest first.

    Found by their keys first: joined to all that is shown of them, every one of them would be sorted.
    """
    keys: list[int] = []
    if after is None or after.flag_changed:
        keys = _some(wanted, after, size + 1, flag_changed=True)
    if len(keys) <= size:
        below = after if after and not after.flag_changed else None
        keys += _some(wanted, below, size + 1 - len(keys), flag_changed=False)
    rows = Comparison.objects.select_related(*_SHOWN).in_bulk(keys[:size])
    shown = [rows[key] for key in keys if key in rows]
    return Page(shown, mark_of(shown[-1]) if len(keys) > size and shown else None)


def mark_of(row: Comparison) -> Mark:
    return Mark(row.before_flagged != row.after_flagged, row.pk)


def _some(wanted: Wanted, below: Mark | None, limit: int, *, flag_changed: bool) -> list[int]:
    same = Q(before_flagged=F("after_flagged"))
    rows = wanted.rows().filter(~same if flag_changed else same, agrees=False)
    if below is not None:
        rows = rows.filter(pk__lt=below.id)
    return list(rows.order_by("-id").values_list("pk", flat=True)[:limit])
