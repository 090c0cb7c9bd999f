"""Embeddings and probabilities as they were kept with a version's verdicts; what lacks them may be judged now."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from inspections.models import Capture, ModelVersion, Verdict, VerdictEvidence
from ml.answers import Item, Judgement
from workers.inspectors import inspector_for
from workers.stored import in_parts, stored

AT_ONCE = 500  # keys in one query
BATCH = 32  # images judged together

Beat = Callable[[], None]


@dataclass(frozen=True)
class Kept:
    """keys (N), embeddings float16 (N, D), probabilities float32 (N, K), NaN rows where the model gave no numbers.

    Where it was asked for what the version compares, the embeddings are its textures, as far as it gives any.
    """

    keys: list[UUID]
    embeddings: NDArray[np.float16]
    probabilities: NDArray[np.float32]


def kept(version: ModelVersion, keys: Sequence[UUID], beat: Beat, *, compared: bool = False) -> Kept:
    """In the order of `keys`, without those of which this version kept nothing usable."""
    found: dict[UUID, tuple[NDArray[np.float16], NDArray[np.float32]]] = {}
    column = version.compares if compared else "embedding"
    size, classes = version.spec.get(f"{column}_size"), len(version.classes)
    for some in in_parts(keys, AT_ONCE):
        beat()
        rows = VerdictEvidence.objects.filter(verdict__version=version, verdict__capture__in=some)
        for key, raw, packed in rows.values_list("verdict__capture_id", column, "probabilities"):
            embedding = np.frombuffer(bytes(raw or b""), dtype="<f2")
            if embedding.size and embedding.size == (size or embedding.size) and np.isfinite(embedding).all():
                found[key] = embedding, _numbers(None if packed is None else bytes(packed), classes)
    return stacked(keys, found)


def stacked(keys: Sequence[UUID], found: dict[UUID, tuple[NDArray[np.float16], NDArray[np.float32]]]) -> Kept:
    there = [key for key in keys if key in found]
    if not there:
        return Kept([], np.empty((0, 1), np.float16), np.empty((0, 1), np.float32))
    return Kept(there, np.stack([found[key][0] for key in there]), np.stack([found[key][1] for key in there]))


def _numbers(packed: bytes | None, count: int) -> NDArray[np.float32]:
    values = np.full(count, np.nan, np.float32) if packed is None else np.frombuffer(packed, dtype="<f4")
    return values if values.size == count else np.full(count, np.nan, np.float32)


def joined(version: ModelVersion, keys: Sequence[UUID], most: int, beat: Beat, *, compared: bool = False) -> Kept:
    """What was kept of these, and of up to `most` others what the version says now. Nothing of it is written down."""
    there = kept(version, keys, beat, compared=compared)
    found = {
        key: (embedding, said)
        for key, embedding, said in zip(there.keys, there.embeddings, there.probabilities, strict=True)
    }
    missing = [key for key in keys if key not in found][:most]
    blank = np.full(len(version.classes), np.nan, np.float32)
    for key, answer in _judged_now(version, missing, beat):
        embedding = answer.compared if compared else answer.embedding
        if np.isfinite(embedding).all():
            found[key] = embedding.astype(np.float16), blank
    return stacked(keys, found)


def _judged_now(version: ModelVersion, keys: Sequence[UUID], beat: Beat) -> Iterator[tuple[UUID, Judgement]]:
    inspector = inspector_for(version) if keys else None
    if inspector is None:
        return
    for some in in_parts(keys, BATCH):
        beat()
        captures = Capture.objects.filter(pk__in=some)
        read = [(capture.pk, data) for capture in captures if (data := _read(capture))]
        answers = inspector.judge([Item(data) for _key, data in read])
        for (key, _data), answer in zip(read, answers, strict=True):
            if isinstance(answer, Judgement):
                yield key, answer


def _read(capture: Capture) -> bytes | None:
    try:
        return stored(capture.path)
    except OSError:
        return None  # the labels of the others tell enough


def version_of(keys: Sequence[UUID], wanted: ModelVersion | None, enough: int) -> ModelVersion | None:
    """The version whose embeddings are reckoned with: the wanted one if it judged enough of these, else the one that
    judged most. None where none judged any."""
    counts: dict[int, int] = {}
    for some in in_parts(keys, AT_ONCE):
        rows = Verdict.objects.filter(capture__in=some).values_list("version").annotate(count=Count("pk")).order_by()
        for version, count in rows:
            counts[version] = counts.get(version, 0) + count
    if wanted is not None and counts.get(wanted.pk, 0) >= min(enough, len(keys)) > 0:
        return wanted
    best = max(counts, key=lambda key: (counts[key], wanted is not None and key == wanted.pk), default=None)
    return None if best is None else ModelVersion.objects.get(pk=best)
