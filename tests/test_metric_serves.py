"""A packed metric in the product: installed, it judges what cameras post, and finds what looks like it."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client

pytest.importorskip("torch")

from inspections.models import ModelVersion
from ml.drawn import draw
from ml.learn import png
from ml.metric.packing import PackOrder, pack
from ml.order import Order
from tests import cast, mill
from workers import inspectors

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(scope="module")
def siamese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("metric") / "siamese"
    order = Order(out=place, drawn=90, size=32, channels=1, precision="fp32")
    pack(PackOrder(order, "siamese", {"epochs": 2, "width": 16}))
    return place


@pytest.fixture
def version(siamese: Path, db: None) -> Iterator[ModelVersion]:
    inspectors.forget()
    call_command("install_model", str(siamese))
    yield ModelVersion.objects.get(is_default=True)
    inspectors.forget()


def test_a_siamese_judges_with_heat_and_embedding_and_its_look_alikes_are_found(
    version: ModelVersion, posting: Client
) -> None:
    assert version.spec["network"] == "siamese16"
    cloth = draw(12, 99, (32, 32), 1)
    captures = [mill.judged(posting, png(image)) for image in cloth.images[:4]]
    verdict = captures[0].verdicts.get()
    evidence = verdict.evidence
    told = posting.get(f"/api/v1/captures/{captures[0].pk}/").json()
    assert told["status"] == "judged" and told["verdict"]["model"] == version.name
    assert sum(told["verdict"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    embedding = np.frombuffer(bytes(evidence.embedding), "<f2")
    heat = np.frombuffer(zlib.decompress(bytes(evidence.heatmap)), np.uint8)
    assert embedding.shape == (16,) and np.isfinite(embedding).all() and len(heat) > 0
    assert evidence.brightness == pytest.approx(float(cloth.images[0].mean()), abs=1)  # as it came, before it was moved
    found = cast.signed_in(cast.olga()).get(f"/api/v1/captures/{captures[0].pk}/look-alikes/").json()
    assert {one["capture"]["id"] for one in found["results"]} == {str(one.pk) for one in captures[1:]}
    distances = [one["distance"] for one in found["results"]]
    assert distances == sorted(distances) and found["model"] == version.name
