"""Captures with embeddings that a test chooses, and a class made of some of them by the pages."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import numpy as np
from django.test import Client
from django.utils import timezone

from inspections.models import Camera, Capture, DefectClass, ModelVersion, Person, ProvisionalClass
from inspections.review.answers import decide
from tests.cast import a_camera, a_png
from tests.judged import a_capture, a_judgement, a_version
from workers.recording import record

SIZE = 8  # figures of an embedding
PLACES = {"good": 0, "hole": 1, "cut": 2, "snag": 3}  # the direction in which each kind of image lies
NEW = "/classes/new-from-examples/"
_seeds = count(1)


def begin() -> None:
    """The same embeddings again, whichever tests ran before."""
    global _seeds
    _seeds = count(1)


def embedding(kind: str, seed: int, noise: float = 0.03) -> Any:
    found = np.random.default_rng(seed).normal(0, noise, SIZE)
    found[PLACES[kind]] += 1
    return found.astype(np.float16)


def rows_of(version: ModelVersion, kind: str, seed: int, noise: float = 0.03) -> dict[str, Any]:
    if version.compares == "texture":
        return {"embedding": embedding("good", seed, noise), "texture": embedding(kind, seed, noise)}
    return {"embedding": embedding(kind, seed, noise)}


def seen(
    kind: str,
    label: str = "good",
    score: float = 0.01,
    camera: Camera | None = None,
    version: ModelVersion | None = None,
    noise: float = 0.03,
    **fields: Any,
) -> Capture:
    """A capture that lies where that kind does, and is judged as the network judges: a snag passes as good.

    Of a version that gives textures its texture lies there, and its embedding where good cloth does.
    """
    seed = next(_seeds)
    version = version or a_version()
    warnings = fields.pop("warnings", ())
    capture = a_capture(camera or a_camera(), data=a_png(seed), **fields)
    said = a_judgement(label, score, warnings=warnings, **rows_of(version, kind, seed, noise))
    record(version, [capture], [said], capture.received_at + timedelta(seconds=1))
    capture.refresh_from_db()
    return capture


def known(person: Person) -> list[Capture]:
    """Labelled captures of three classes, each as the network judges it."""
    said = {"good": (0.01, 10), "hole": (0.95, 4), "cut": (0.9, 4)}
    found = []
    for code, (score, number) in said.items():
        for _ in range(number):
            found.append(seen(code, code, score))
            decide(person, found[-1], code, timezone.now())
    return found


def snags(number: int = 5, **fields: Any) -> list[Capture]:
    return [seen("snag", **fields) for _ in range(number)]


def marked(client: Client, captures: Sequence[Capture]) -> Any:
    return client.post(f"{NEW}mark/", {"capture": [str(one.pk) for one in captures]})


def told(name: str = "Snag", **more: str) -> dict[str, str]:
    return {"name": name, "family": "yarn", "definition": "A pulled loop.", **more}


def confirmed(client: Client, **more: str) -> Any:
    """Its words are kept, the page is read, and what stands there is confirmed."""
    client.post(NEW, {"do": "keep", **told(**more)})
    page = client.get(NEW)
    return client.post(NEW, {"do": "confirm", "seen": page.context["found"].stamp, **told(**more)})


def a_new_class(client: Client, captures: Sequence[Capture]) -> ProvisionalClass:
    assert marked(client, captures).status_code == 302
    response = confirmed(client)
    assert response.status_code == 302, response.context["objection"]
    return ProvisionalClass.objects.get(defect_class=DefectClass.objects.get(code="snag"))
