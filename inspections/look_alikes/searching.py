"""Which captures look alike: the nearest by the embeddings that one model version made."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from inspections import bell
from inspections.look_alikes import files, gathering, graph, keeping, rows
from inspections.look_alikes.table import Floats, Table, measured, smallest, to_nearest, unit
from inspections.models import Capture, Line, ModelVersion, Person, Verdict
from inspections.review.blind import withheld

How = Literal["exact", "index", "rows"]
BLURRED = 16  # so many more are measured than asked for: the quick product takes near ones for equally near
SPARE = 4  # so many times what is asked for is asked of the graph: some of it may be of other lines, or too old


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
    if verdict is None:
        return Found(None, note=_("It has no verdict, so there is nothing to compare it by."))
    if capture.pk in secret:
        return Found(None, note=_("You are asked about this image. What looks like it comes after your answer."))
    mine = rows.embeddings_of(verdict.version, [capture.pk]).get(capture.pk)
    if mine is None:
        return Found(verdict.version, note=_("Its verdict kept nothing by which it could be compared."))
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
    if not len(queries):
        return Found(version)
    asked = _Asked(version, queries, most + len(without), since, line_ids)
    found = _indexed(asked)
    return replace(found, rows=best(found.rows, most, without))


@dataclass(frozen=True)
class _Asked:
    version: ModelVersion
    queries: Floats  # unit (q, D)
    most: int
    since: datetime | None
    line_ids: Collection[int] | None


def _indexed(asked: _Asked) -> Found:
    """The index, and what was judged since; the rows of evidence where there is no index that can be searched."""
    index = keeping.index_of(asked.version)
    if isinstance(index, keeping.Missing):
        return _by_rows(asked, index.trouble)
    if index.base.header.size != asked.queries.shape[1]:
        return Found(asked.version)
    if index.trouble:
        bell.ring_on_commit(bell.INDEX)
    parts = [_in_base(index, asked), *(_in_table(one.table, asked) for one in index.more), _in_rows(asked, index.last)]
    how: How = "index" if parts[0].is_likely else "exact"
    rows_found = [one for part in parts for one in part.rows]
    note = _in_part(index.trouble) if index.trouble else ""
    return Found(asked.version, rows_found, how, sum(part.searched for part in parts), note)


@dataclass(frozen=True)
class _Part:
    rows: list[Alike]
    searched: int
    is_likely: bool = False  # rows that were not compared may lie nearer


def _in_base(index: keeping.Index, asked: _Asked) -> _Part:
    """Exactly while few enough rows may be found, else what the graph holds for likely."""
    table = index.base.table
    allowed = _allowed(table, asked)
    count = len(table) if allowed is None else int(allowed.sum())
    if index.graph is None or count <= settings.LOOK_ALIKE_EXACT:
        return _in_table(table, asked)
    likely = graph.likely(index.graph, asked.queries, SPARE * asked.most)
    if allowed is not None:
        likely = likely[allowed[likely]]
    if len(likely) < asked.most:  # most of what is near lies on other lines, or is too old
        return _in_table(table, asked)
    return _Part(nearest(table, asked.queries, asked.most, likely), count, is_likely=True)


def _in_table(table: Table, asked: _Asked) -> _Part:
    allowed = _allowed(table, asked)
    chosen = None if allowed is None else np.flatnonzero(allowed)
    found = nearest(table, asked.queries, asked.most, chosen)
    return _Part(found, len(table) if chosen is None else len(chosen))


def _allowed(table: Table, asked: _Asked) -> NDArray[np.bool_] | None:
    return table.where(asked.since.timestamp() if asked.since else None, asked.line_ids)


def _in_rows(asked: _Asked, last: files.Opened) -> _Part:
    """What was judged since the last file was written."""
    table = _read(asked, last.through)
    return _Part(nearest(table, asked.queries, asked.most), len(table))


def _by_rows(asked: _Asked, reason: str) -> Found:
    """Without an index: said where one should be there, and not where there is little to be searched."""
    table = _read(asked, None)
    note = ""
    if reason or len(table) > 2 * settings.LOOK_ALIKE_LEAST:
        note = _no_index(asked.version, reason)
    return Found(asked.version, nearest(table, asked.queries, asked.most), "rows", len(table), note)


def _no_index(version: ModelVersion, reason: str) -> str:
    if version not in gathering.versions(timezone.now()):
        return _("Version %(version)s has been out of force for long: its newest captures are read one by one.") % {
            "version": version.name
        }
    bell.ring_on_commit(bell.INDEX)
    return _being_built(reason)


def _read(asked: _Asked, after: UUID | None) -> Table:
    size = asked.queries.shape[1]
    return rows.newest(asked.version, size, since=asked.since, line_ids=asked.line_ids, after=after)


def _in_part(trouble: str) -> str:
    return _(
        "A part of the index of look-alikes cannot be used (%(reason)s). A worker builds it anew; "
        "nothing is missed until then, but the search takes longer."
    ) % {"reason": trouble}


def _being_built(reason: str) -> str:
    if not reason:
        return _("The index of look-alikes is not built yet. Until it is, the newest captures are read one by one.")
    return _(
        "The index of look-alikes cannot be used (%(reason)s). A worker builds it anew; "
        "until then captures are read one by one."
    ) % {"reason": reason}


def nearest(table: Table, queries: Floats, most: int, chosen: NDArray[np.intp] | None = None) -> list[Alike]:
    """The `most` nearest rows of a table, of `chosen` ones where given."""
    places = smallest(to_nearest(table.embeddings, queries, chosen), most + BLURRED)
    numbers = places if chosen is None else chosen[places]
    distances = measured(table.embeddings[numbers], queries)
    return [Alike(table.uuid(int(numbers[place])), float(distances[place])) for place in smallest(distances, most)]


def best(found: Iterable[Alike], most: int, without: Collection[UUID]) -> list[Alike]:
    """The nearest `most`, each capture once, less what must not be told."""
    chosen: dict[UUID, Alike] = {}
    for one in sorted(found, key=lambda one: one.distance):
        if one.capture_id not in without:
            chosen.setdefault(one.capture_id, one)
    return list(chosen.values())[:most]
