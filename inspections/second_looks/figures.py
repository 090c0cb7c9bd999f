"""What comparisons add up to: pure figures over counted groups. Knows no SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True)
class Group:
    """Comparisons that are alike. `slot`: the place of their hour or day, -1 where it lies before the first one.
    `before`, `after`: class codes, `unknown` among them. `seen`: how many a person has looked at."""

    slot: int
    line: int
    before: str
    after: str
    before_flagged: bool
    after_flagged: bool
    count: int
    seen: int

    @property
    def agrees(self) -> bool:
        return (self.before, self.before_flagged) == (self.after, self.after_flagged)


@dataclass(frozen=True)
class Total:
    """Sums over groups; shares are None where nothing was compared."""

    compared: int = 0
    apart: int = 0  # another class or another flag
    before_flagged: int = 0
    after_flagged: int = 0
    newly: int = 0  # flagged, and was not before
    no_longer: int = 0
    seen: int = 0  # of those apart

    @property
    def agreement(self) -> float | None:
        return 1 - self.apart / self.compared if self.compared else None

    @property
    def apart_percent(self) -> float | None:
        return 100 * self.apart / self.compared if self.compared else None

    @property
    def before_per_1000(self) -> float | None:
        return 1000 * self.before_flagged / self.compared if self.compared else None

    @property
    def after_per_1000(self) -> float | None:
        return 1000 * self.after_flagged / self.compared if self.compared else None


def total(groups: Iterable[Group]) -> Total:
    found = list(groups)

    def of(wanted: Callable[[Group], bool]) -> int:
        return sum(one.count for one in found if wanted(one))

    return Total(
        compared=of(lambda one: True),
        apart=of(lambda one: not one.agrees),
        before_flagged=of(lambda one: one.before_flagged),
        after_flagged=of(lambda one: one.after_flagged),
        newly=of(lambda one: one.after_flagged and not one.before_flagged),
        no_longer=of(lambda one: one.before_flagged and not one.after_flagged),
        seen=sum(one.seen for one in found if not one.agrees),
    )


def split(groups: Iterable[Group], by: Callable[[Group], Key]) -> dict[Key, list[Group]]:
    found: dict[Key, list[Group]] = defaultdict(list)
    for one in groups:
        found[by(one)].append(one)
    return dict(found)


def in_slots(groups: Iterable[Group], slots: int) -> list[Total]:
    """One total an hour or day, oldest first."""
    by_slot = split(groups, lambda one: one.slot)
    return [total(by_slot.get(slot, ())) for slot in range(slots)]


@dataclass(frozen=True)
class Changed:
    """One roll, or what belongs to none, of whose captures some would change."""

    roll: int | None
    total: Total

    @property
    def flags(self) -> int:
        """How many would change their flag."""
        return self.total.newly + self.total.no_longer


@dataclass(frozen=True)
class Matrix:
    """Counts of before (rows) and after (columns)."""

    codes: tuple[str, ...]
    counts: Mapping[tuple[str, str], int]

    def row(self, code: str) -> list[int]:
        return [self.counts.get((code, other), 0) for other in self.codes]


def matrix(groups: Iterable[Group], order: Sequence[str]) -> Matrix:
    """Of the codes that occur, in that order; others stand last."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for one in groups:
        counts[one.before, one.after] += one.count
    occur = {code for pair in counts for code in pair}
    codes = [*(code for code in order if code in occur), *sorted(occur - set(order))]
    return Matrix(tuple(codes), dict(counts))
