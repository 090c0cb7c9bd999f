"""Search times of look-alikes, exact and by the graph, and of the page's answer over a database: one line each.

`python -m workers.bench.look_alikes OUT ROWS…` in a scratch DATA; `manage.py bench --look-alikes` does that.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE, LATENT, CLUSTERS = 512, 64, 300
ASKED, ROUNDS, MOST = 100, 40, 10
IN_DATABASE, TAIL = 100_000, 1_500
PART = 20_000

Floats = NDArray[np.float32]


def embeddings(count: int, seed: int = 0) -> Iterator[Floats]:
    """Rows (n, SIZE) of unit length in parts, as a network gives them: clusters of few dimensions, noise, no figure
    below nothing."""
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(LATENT, SIZE)).astype(np.float32) / 8
    centres = 1.5 * rng.normal(size=(CLUSTERS, LATENT)).astype(np.float32)
    for start in range(0, count, PART):
        some = min(PART, count - start)
        inner = centres[rng.integers(0, CLUSTERS, some)] + 1.5 * rng.normal(size=(some, LATENT)).astype(np.float32)
        rows = np.maximum(inner @ spread + 0.5 * rng.normal(size=(some, SIZE)).astype(np.float32), 0)
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def times(ask: Callable[[int], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """p50 and p95 in milliseconds, after one that is not counted."""
    ask(0)
    found = []
    for number in range(rounds):
        began = time.perf_counter()
        ask(number)
        found.append((time.perf_counter() - began) * 1000)
    return median(found), quantiles(found, n=20)[18]


def searches(rows: list[int]) -> Iterator[dict[str, Any]]:
    """Both ways at each number of rows; the graph from 100 000 on."""
    from inspections.look_alikes.table import packed

    kept = np.empty((max(rows), SIZE), np.int16)
    place = 0
    for part in embeddings(max(rows)):
        kept[place : place + len(part)] = packed(part)
        place += len(part)
    asked = np.concatenate(list(embeddings(ASKED, seed=0)))  # of the same clusters, other noise below
    noise = np.random.default_rng(1).normal(size=asked.shape).astype(np.float32)
    asked = asked + 0.3 / np.sqrt(SIZE) * noise
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    for count in sorted(rows):
        yield from _at(kept[:count], asked)


def _at(kept: NDArray[np.int16], asked: Floats) -> Iterator[dict[str, Any]]:
    from inspections.look_alikes import graph
    from inspections.look_alikes.table import smallest, to_nearest

    def exact(number: int) -> NDArray[np.intp]:
        return smallest(to_nearest(kept, asked[number : number + 1]), MOST)

    p50, p95 = times(exact)
    yield {"what": "exact, NumPy", "rows": len(kept), "p50": p50, "p95": p95}
    if len(kept) < 100_000:
        return
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        graph.build(kept, Path(folder) / "graph")
        built = time.monotonic() - began
        drawn = graph.opened(Path(folder) / "graph", SIZE)

        def likely(number: int) -> NDArray[np.intp]:
            found = graph.likely(drawn, asked[number : number + 1], 4 * MOST)
            return found[smallest(to_nearest(kept, asked[number : number + 1], found), MOST)]

        p50, p95 = times(likely)
        same = [len(np.intersect1d(exact(number), likely(number))) / MOST for number in range(ASKED)]
        size = (Path(folder) / "graph").stat().st_size / 2**20
    told = {"recall": float(np.mean(same)), "built_s": built, "graph_mib": size}
    yield {"what": "graph, usearch", "rows": len(kept), "p50": p50, "p95": p95, **told}


def answers() -> Iterator[dict[str, Any]]:
    """The API over a database of 100 000 judged captures: without an index, with one, and with what came since."""
    from django.core.management import call_command
    from django.utils import timezone

    from workers import indexing

    call_command("migrate", verbosity=0)
    now = timezone.now()
    keys, ask = _mill(now)
    gc.collect()
    gc.freeze()  # what filled the database is no part of a web process
    p50, p95 = times(lambda number: ask(keys[number * 7]), 5)
    yield {"what": "API, rows read one by one", "rows": len(keys), "p50": p50, "p95": p95}
    began = time.monotonic()
    indexing.work(now)
    built = time.monotonic() - began
    p50, p95 = times(lambda number: ask(keys[number * 7]))
    yield {"what": "API, the index", "rows": len(keys), "p50": p50, "p95": p95, "built_s": built}
    _judge(now + timedelta(seconds=1), TAIL, 9)
    p50, p95 = times(lambda number: ask(keys[number * 7]))
    yield {"what": f"API, the index and {TAIL} since", "rows": len(keys) + TAIL, "p50": p50, "p95": p95}


def _mill(now: datetime) -> tuple[list[Any], Callable[[Any], None]]:
    """A line with so many captures of the last day, and how its manager asks."""
    from hashlib import sha256

    from inspections.models import Camera, Line, ModelVersion, Person, Role
    from workers.bench.pages_measure import client_of
    from workers.bench.pages_mill import CLASSES

    line = Line.objects.create(slug="line-1", name="Line 1")
    Camera.objects.create(line=line, slug="camera-1")
    spec = {"classes": CLASSES, "embedding_size": SIZE}
    ModelVersion.objects.create(name="2026.11.1", digest=sha256(b"1").hexdigest(), is_default=True, spec=spec)
    client = client_of(Person.objects.create_user("mara", role=Role.MANAGER))
    keys = _judge(now - timedelta(days=1), IN_DATABASE, 0)

    def ask(key: Any) -> None:
        answer = client.get(f"/api/v1/captures/{key}/look-alikes/")
        if answer.status_code != 200 or len(answer.json()["results"]) != 24:
            raise SystemExit(f"{key} answered {answer.status_code}")

    return keys, ask


def _judge(start: datetime, count: int, seed: int) -> list[Any]:
    """Rows as the judge writes them, half a second apart."""
    from inspections.ids import id_at
    from inspections.models import Camera, Capture, DefectClass, ModelVersion, Status, Verdict, VerdictEvidence

    camera, version = Camera.objects.select_related("line").get(), ModelVersion.objects.get()
    good = DefectClass.objects.get(code="good")
    keys: list[Any] = []
    probabilities = np.full(len(version.classes), 0.1, "<f4").tobytes()
    for part in embeddings(count, seed):
        moments = [start + timedelta(seconds=0.5) * (len(keys) + number) for number in range(len(part))]
        captures = [
            Capture(
                id=id_at(at), line=camera.line, camera=camera, captured_at=at, received_at=at, counted_at=at,
                sha256=b"", bytes=1, width=64, height=64, suffix="png", status=Status.JUDGED, defect_class=good,
                anomaly_score=0.1, flagged=False,
            )
            for at in moments
        ]  # fmt: skip
        verdicts = [
            Verdict(
                id=id_at(at), capture=one, version=version, defect_class=good, confidence=0.9, anomaly_score=0.1,
                threshold=0.2, flagged=False, judged_at=at, latency_ms=10,
            )
            for one, at in zip(captures, moments, strict=True)
        ]  # fmt: skip
        evidence = [
            VerdictEvidence(
                verdict=one, probabilities=probabilities, embedding=row.astype("<f2").tobytes(), heatmap=bytes(100),
                heatmap_rows=8, heatmap_cols=8,
            )
            for one, row in zip(verdicts, part, strict=True)
        ]  # fmt: skip
        for model, made in ((Capture, captures), (Verdict, verdicts), (VerdictEvidence, evidence)):
            model._default_manager.bulk_create(made, batch_size=1000)  # type: ignore[arg-type]
        keys += [one.pk for one in captures]
    return keys


def main() -> None:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qc_site.settings")
    django.setup()
    out, *rows = sys.argv[1:]
    found = [*searches([int(one) for one in rows]), *answers()]
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
