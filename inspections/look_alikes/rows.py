"""What captures are compared by, as verdicts keep it, read from the rows of evidence.

That is a texture where the version gives one, and the embedding where it does not (`ModelVersion.compares`). In this
package either is called an embedding: of one version all are of one kind.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q

from inspections.look_alikes.table import BLOCK, KEY, Floats, Table, joined, packed, unit
from inspections.models import Capture, Line, ModelVersion, Verdict, VerdictEvidence

AT_ONCE = 500  # keys in one query
NEWEST = 100_000  # rows of evidence that a search reads at most
WANTED = ("capture_id", "capture__line_id", "capture__counted_at")


def newest(
    version: ModelVersion,
    size: int,
    most: int = NEWEST,
    *,
    since: datetime | None = None,
    line_ids: Collection[int] | None = None,
    after: UUID | None = None,
    before: UUID | None = None,
) -> Table:
    """The newest that this version judged, whatever for: in force, in shadow or in a recall.

    `size`: figures of an embedding. `after`, `before`: only verdicts with ids between; ids rise with time.
    """
    wanted = Q(version=version)
    if since is not None:
        wanted &= Q(capture__counted_at__gte=since)
    if line_ids is not None:
        wanted &= Q(capture__line__in=line_ids)
    if after is not None:
        wanted &= Q(pk__gte=after)
    if before is not None:
        wanted &= Q(pk__lt=before)
    found = Verdict.objects.filter(wanted, evidence__isnull=False).order_by("-pk")
    return table_of(size, found.values_list(*WANTED, f"evidence__{version.compares}")[:most].iterator(chunk_size=2000))


def of_captures(version: ModelVersion, size: int, keys: Sequence[UUID]) -> Table:
    """What this version kept of these captures; without those of which it kept nothing usable."""
    return table_of(size, _of_captures(version, keys))


def _of_captures(version: ModelVersion, keys: Sequence[UUID]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        found = Verdict.objects.filter(capture__in=some, version=version)
        yield from found.values_list(*WANTED, f"evidence__{version.compares}")


def table_of(size: int, rows: Iterable[tuple[Any, ...]]) -> Table:
    """Rows of (capture, line, counted_at, embedding); those without a usable embedding of this size are left out."""
    parts, some = [], []
    for row in rows:
        some.append(row)
        if len(some) == BLOCK:  # in parts: a hundred thousand rows at once would be held three times over
            parts.append(_table(size, some))
            some = []
    return joined([*parts, _table(size, some)])


def _table(size: int, rows: Sequence[tuple[Any, ...]]) -> Table:
    there = [(key, line, at, bytes(raw)) for key, line, at, raw in rows if raw is not None and len(raw) == 2 * size]
    if not there:
        return Table.empty(size)
    embeddings = unit(np.frombuffer(b"".join(raw for *_, raw in there), dtype="<f2").reshape(len(there), size))
    usable = np.isfinite(embeddings[:, 0])
    found = Table(
        np.frombuffer(b"".join(key.bytes for key, *_ in there), KEY),
        np.array([line for _, line, *_ in there], np.int32),
        np.array([int(at.timestamp()) for _, _, at, _ in there], np.int64),
        packed(np.where(usable[:, None], embeddings, 0)),
    )
    return found if usable.all() else found.take(np.flatnonzero(usable))


def size_of(version: ModelVersion) -> int | None:
    """Figures of an embedding by this version; None where it has judged nothing and does not say."""
    if version.compared_size:
        return version.compared_size
    last = VerdictEvidence.objects.filter(verdict__version=version).order_by("-pk").values_list("embedding", flat=True)
    return next((len(raw) // 2 for raw in last[:1]), None)


def embeddings_of(version: ModelVersion, capture_ids: Iterable[UUID]) -> dict[UUID, Floats]:
    """Unit embeddings (D,) of these captures by this version; without those of which it kept nothing usable."""
    found: dict[UUID, Floats] = {}
    keys = list(capture_ids)
    for start in range(0, len(keys), AT_ONCE):
        some = VerdictEvidence.objects.filter(
            verdict__version=version, verdict__capture__in=keys[start : start + AT_ONCE]
        )
        for key, raw in some.values_list("verdict__capture_id", version.compares):
            one = unit(np.frombuffer(bytes(raw or b""), dtype="<f2")[None, :])[0]
            if one.size and np.isfinite(one).all():
                found[key] = one
    return found


def labelled_embeddings(version: ModelVersion, most: int) -> tuple[list[UUID], Floats, list[str]]:
    """Captures with an effective label, newest first: keys (N), unit embeddings (N, D) by this version, codes (N)."""
    lines = Line.objects.values_list("pk", flat=True)
    rows = Capture.objects.filter(line__in=list(lines), label__isnull=False).order_by("-counted_at", "-id")
    said = dict(rows.values_list("pk", "label__defect_class__code")[:most])
    found = embeddings_of(version, said)
    keys = [key for key in said if key in found]
    stacked = np.stack([found[key] for key in keys]) if keys else np.empty((0, 1), np.float32)
    return keys, stacked, [said[key] for key in keys]
