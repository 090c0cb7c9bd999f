"""Which captures look alike: the nearest by the embeddings that one model version made."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from inspections.look_alikes import rows
from inspections.look_alikes.table import Floats, Table, smallest, to_nearest, unit
from inspections.models import Capture, Line, ModelVersion, Person, Verdict
from inspections.review.blind import withheld

How = Literal["exact", "index", "rows"]


@dataclass(frozen=True)
class Alike:
    """`distance`: Euclidean, of unit embeddings: 0 the same direction, 2 the opposite one."""

    capture_id: UUID
    distance: float


@dataclass(frozen=True)
class Found:
    """Nearest first. `how`: every embedding of the index was compared, only the likely ones, or rows of evidence read
    one by one. `searched`: captures among which it was looked. `note`: what the reader should know, or empty."""

    version: ModelVersion | None
    rows: list[Alike] = field(default_factory=list)
    how: How = "exact"
    searched: int = 0
    note: str = ""


def like(capture: Capture, most: int = 24, *, person: Person | None = None) -> Found:
    """The captures that look most like this one, among those that this person may see; without it itself.

    Nothing of what the person is asked blind is told, neither of the capture nor among the answers.
    """
    verdict = _seen_by_model(capture)
    secret = withheld(person) if person is not None else set()
    if verdict is None or capture.pk in secret:
        return Found(verdict.version if verdict else None)
    mine = rows.embeddings_of(verdict.version, [capture.pk]).get(capture.pk)
    if mine is None:
        return Found(verdict.version)
    return _near(verdict.version, mine[None, :], most, None, _lines_of(person), {capture.pk, *secret})


def near(
    version: ModelVersion,
    vectors: NDArray[np.floating],
    most: int,
    *,
    since: datetime | None = None,
    line_ids: Collection[int] | None = None,
) -> Found:
    """The captures nearest to any of the vectors (q, D), as this version embedded them; of these lines, since then.

    The vectors need not be of unit length; what is no direction is passed over.
    """
    return _near(version, unit(vectors), most, since, line_ids, set())


def _seen_by_model(capture: Capture) -> Verdict | None:
    return Verdict.objects.select_related("version").filter(capture=capture, effective=True).first()


def _lines_of(person: Person | None) -> list[int] | None:
    if person is None or person.sees_every_line:
        return None
    return list(Line.objects.seen_by(person).values_list("pk", flat=True))


def _near(
    version: ModelVersion,
    queries: Floats,
    most: int,
    since: datetime | None,
    line_ids: Collection[int] | None,
    without: Collection[UUID],
) -> Found:
    queries = queries[np.isfinite(queries).all(axis=1)]
    table = rows.newest(version, since=since, line_ids=line_ids)
    if not len(queries) or queries.shape[1] != table.embeddings.shape[1]:
        return Found(version, how="rows")
    return Found(version, best(nearest(table, queries, most + len(without)), most, without), "rows", len(table))


def nearest(table: Table, queries: Floats, most: int) -> list[Alike]:
    distances = to_nearest(table.embeddings, queries)
    return [Alike(table.uuid(int(row)), float(distances[row])) for row in smallest(distances, most)]


def best(found: Iterable[Alike], most: int, without: Collection[UUID]) -> list[Alike]:
    """The nearest `most`, each capture once, less what must not be told."""
    chosen: dict[UUID, Alike] = {}
    for one in sorted(found, key=lambda one: one.distance):
        if one.capture_id not in without:
            chosen.setdefault(one.capture_id, one)
    return list(chosen.values())[:most]
