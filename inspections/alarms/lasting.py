"""What lasts, as a replay sees it: from the times at which something began and ended to the troubles that rounds raise.

Pure. A round looks at how it is now; here every moment of before is known at once, and the same follows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

GONE = timedelta(seconds=60)  # a standing sign that is gone for longer than this has ended

Lasting = tuple[datetime, datetime | None]  # from, and until before; None: it goes on


@dataclass(frozen=True)
class Stretch:
    """A rule's condition held. `told`: what is said of it at a moment within: since when, and in which words."""

    start: datetime
    end: datetime | None
    told: Callable[[datetime], tuple[datetime, str]]


@dataclass(frozen=True)
class Raised:
    """An alarm that comes of it. `ended` None: it stands at the period's end."""

    at: datetime
    ended: datetime | None
    stretch: Stretch


def deeper(lastings: Iterable[Lasting], depth: int, since: datetime, until: datetime) -> list[Lasting]:
    """When more than `depth` of them went on at once, within the period; one that reaches its end goes on."""
    steps: list[tuple[datetime, int]] = []
    for start, end in lastings:
        if start < until and (end is None or end > max(start, since)):
            steps.append((max(start, since), 1))
            if end is not None and end < until:
                steps.append((end, -1))
    found: list[Lasting] = []
    count, began = 0, None
    for at, step in sorted(steps):  # at one moment what ends goes before what begins
        count += step
        if count > depth and began is None:
            began = at
        elif count <= depth and began is not None:
            found += [(began, at)] if at > began else []
            began = None
    return found if began is None else [*found, (began, None)]


def raised(stretches: Iterable[Stretch], cool_down: timedelta, until: datetime) -> list[Raised]:
    """Of stretches of one thing, in order of time: one alarm each, unless it is over (or the period is) within the
    cool-down of another. One that stands when the cool-down ends is raised then."""
    found: list[Raised] = []
    quiet: datetime | None = None
    for joined in _joined(stretches):
        # Not in a gap between two of them: there it does not hold, and no round raises it.
        first = next((one for one in joined if not quiet or one.end is None or one.end > quiet), None)
        at = max(first.start, quiet or first.start) if first else until
        if first is None or at >= (first.end or until):
            continue
        end = joined[-1].end
        found.append(Raised(at, None if end is None else end + GONE, first))
        quiet = None if end is None else end + GONE + cool_down
    return found


def _joined(stretches: Iterable[Stretch]) -> Sequence[Sequence[Stretch]]:
    """Those between which it is gone for a moment only, together: it has not ended there."""
    found: list[list[Stretch]] = []
    for one in stretches:
        last = found[-1][-1].end if found else None
        if last is not None and one.start - last <= GONE:
            found[-1].append(one)
        else:
            found.append([one])
    return found
