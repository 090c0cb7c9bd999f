"""Embeddings as verdicts keep them, read from the rows of evidence."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q

from inspections.look_alikes.table import KEY, Floats, Table, unit
from inspections.models import Capture, Line, ModelVersion, Verdict, VerdictEvidence

AT_ONCE = 500  # keys in one query
NEWEST = 100_000  # rows of evidence that a search reads at most
_WANTED = ("capture_id", "capture__line_id", "capture__counted_at", "evidence__embedding")


def newest(
    version: ModelVersion,
    most: int = NEWEST,
    *,
    since: datetime | None = None,
    line_ids: Collection[int] | None = None,
    after: UUID | None = None,
) -> Table:
    """The newest that this version judged, whatever for: in force, in shadow or in a recall. Verdict ids rise with
    time; `after`: only verdicts with a later one."""
    wanted = Q(version=version)
    if since is not None:
        wanted &= Q(capture__counted_at__gte=since)
    if line_ids is not None:
        wanted &= Q(capture__line__in=line_ids)
    if after is not None:
        wanted &= Q(pk__gt=after)
    found = Verdict.objects.filter(wanted, evidence__isnull=False).order_by("-pk")
    return table_of(version, found.values_list(*_WANTED)[:most].iterator(chunk_size=2000))


def of_captures(version: ModelVersion, keys: Sequence[UUID]) -> Table:
    """What this version kept of these captures; without those of which it kept nothing usable."""
    return table_of(version, _of_captures(version, keys))


def _of_captures(version: ModelVersion, keys: Sequence[UUID]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        yield from Verdict.objects.filter(capture__in=some, version=version).values_list(*_WANTED)


def table_of(version: ModelVersion, rows: Iterable[tuple[Any, ...]]) -> Table:
    """Rows of (capture, line, counted_at, embedding); those without a usable embedding are left out."""
    size = version.spec.get("embedding_size")
    keys, lines, times, raw = bytearray(), [], [], []
    for key, line, at, packed in rows:
        data = b"" if packed is None else bytes(packed)
        size = size or len(data) // 2
        if data and len(data) == 2 * size:
            keys += key.bytes
            lines.append(line)
            times.append(int(at.timestamp()))
            raw.append(data)
    if not raw:
        return Table.empty(size or 1)
    embeddings = unit(np.frombuffer(b"".join(raw), dtype="<f2").reshape(len(raw), -1))
    usable = np.flatnonzero(np.isfinite(embeddings[:, 0]))
    found = Table(
        np.frombuffer(bytes(keys), KEY), np.array(lines, np.int32), np.array(times, np.int64),
        embeddings.astype(np.float16),
    )  # fmt: skip
    return found if len(usable) == len(found) else found.take(usable)


def embeddings_of(version: ModelVersion, capture_ids: Iterable[UUID]) -> dict[UUID, Floats]:
    """Unit embeddings (D,) of these captures by this version; without those of which it kept nothing usable."""
    found: dict[UUID, Floats] = {}
    keys = list(capture_ids)
    for start in range(0, len(keys), AT_ONCE):
        some = VerdictEvidence.objects.filter(
            verdict__version=version, verdict__capture__in=keys[start : start + AT_ONCE]
        )
        for key, packed in some.values_list("verdict__capture_id", "embedding"):
            one = unit(np.frombuffer(bytes(packed), dtype="<f2")[None, :])[0]
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
