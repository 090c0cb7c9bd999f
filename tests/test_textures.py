"""Captures are compared by their textures where the version gives them, and by their embeddings where it does not."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from inspections import new_class, registry
from inspections.look_alikes import embeddings_of, like, near
from inspections.models import ClassPrototype, ModelVersion, State, Verdict, VerdictEvidence
from tests import cast
from tests.alike import index_files, planted, turned
from tests.cast import a_camera, signed_in
from tests.judged import CLASSES, a_capture, a_judgement, a_version
from tests.provisional import SIZE, a_new_class, begin, embedding, known, rows_of, seen, snags
from workers import indexing, prototyping
from workers.reckonings.embeddings import joined, kept
from workers.recording import record

pytestmark = pytest.mark.django_db
WITH = {"classes": CLASSES, "embedding_size": SIZE, "texture_size": SIZE}
WITHOUT = {"classes": CLASSES, "embedding_size": SIZE}


@pytest.fixture
def boss(db: None) -> Client:
    """The manager's browser, in a mill whose model gives textures: by embeddings a snag looks like good cloth."""
    return a_mill(WITH)


def a_mill(spec: dict[str, Any]) -> Client:
    begin()
    a_version(spec=spec)
    mara = cast.mara()
    known(mara)
    return signed_in(mara)


def test_the_verdict_keeps_the_texture_beside_the_embedding() -> None:
    begin()
    capture = seen("snag", version=a_version(spec=WITH))
    evidence = VerdictEvidence.objects.get(verdict__capture=capture)
    assert np.frombuffer(bytes(evidence.embedding), "<f2").argmax() == 0
    assert evidence.texture is not None and np.frombuffer(bytes(evidence.texture), "<f2").argmax() == 3
    (before,) = planted([turned(0)], version=a_version("2026.10.1", is_default=False, spec=WITHOUT))
    assert VerdictEvidence.objects.get(verdict__capture=before).texture is None


def test_look_alikes_go_by_textures_and_an_old_versions_by_embeddings(boss: Client) -> None:
    first, second = snags(2)
    good = seen("good")
    assert like(first, 1).rows[0].capture_id == second.pk
    told = boss.get(f"/api/v1/captures/{first.pk}/look-alikes/").json()
    distances = {one["capture"]["id"]: one["distance"] for one in told["results"]}
    assert distances[str(second.pk)] < 0.3 and distances[str(good.pk)] > 1.2
    old = a_version("2026.10.1", is_default=False, spec=WITHOUT)
    one, other = (planted([row], version=old)[0] for row in (embedding("snag", 1), embedding("snag", 2)))
    planted([embedding("good", 3)], version=old)
    assert like(one, 1).rows[0].capture_id == other.pk
    found = embeddings_of(old, [one.pk])[one.pk]
    assert found.argmax() == 3


def test_an_index_of_embeddings_is_built_anew_where_textures_are_compared(boss: Client, settings: Any) -> None:
    settings.LOOK_ALIKE_LEAST = 3
    version = ModelVersion.objects.get(is_default=True)
    first, second = snags(2)
    ModelVersion.objects.update(spec=WITHOUT)
    indexing.work(timezone.now() - timedelta(minutes=5))
    (before,) = index_files(ModelVersion.objects.get(pk=version.pk))
    ModelVersion.objects.update(spec=WITH)
    version.refresh_from_db()
    found = near(version, embedding("snag", 1)[None], 1)
    assert "compares something else" in found.note and found.rows[0].capture_id in (first.pk, second.pk)
    indexing.work(timezone.now() + timedelta(minutes=5))
    (after,) = index_files(version)
    assert after != before
    assert like(first, 1).rows[0].capture_id == second.pk and like(first, 1).how == "exact"


def test_a_new_class_is_made_and_named_by_textures(boss: Client) -> None:
    one = a_new_class(boss, snags(5))
    prototype = ClassPrototype.objects.get(provisional=one)
    assert prototype.centre_row.argmax() == 3
    sixth, good = seen("snag"), seen("good")
    labels = {row.capture_id: row.label for row in Verdict.objects.filter(capture__in=[sixth, good])}
    assert labels == {sixth.pk: "snag", good.pk: "good"}


def test_a_texture_that_is_no_number_is_named_by_no_prototype(boss: Client) -> None:
    a_new_class(boss, snags(5))
    version = ModelVersion.objects.get(is_default=True)
    rows = rows_of(version, "snag", 4711)
    rows["texture"][1] = np.nan
    capture = a_capture(a_camera())
    record(version, [capture], [a_judgement("good", 0.01, **rows)], timezone.now())
    assert Verdict.objects.get(capture=capture).label == "good"


def test_a_version_that_gives_textures_gets_a_prototype_among_them_for_a_class_of_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A class was made by embeddings; the next version compares textures, whose figures are others."""
    a_new_class(a_mill(WITHOUT), snags(5))
    newer = a_version("2026.11.2", is_default=False, state=State.CANDIDATE, spec=WITH)
    for row in Verdict.objects.filter(effective=True).select_related("evidence"):  # its shadow has judged them all
        beside = Verdict.objects.create(
            capture=row.capture, version=newer, effective=False, defect_class=row.model_class, threshold=0.2,
            flagged=False, judged_at=row.judged_at, latency_ms=1,
        )  # fmt: skip
        raw = bytes(row.evidence.embedding)
        evidence = row.evidence
        evidence.pk, evidence.verdict = None, beside
        evidence.embedding, evidence.texture = embedding("good", 1).tobytes(), raw[2:] + raw[:2]
        evidence.save(force_insert=True)
    monkeypatch.setattr("workers.prototyping.inspector_for", lambda version: object())
    registry.put_in_force(newer)
    prototyping.work()
    assert not new_class.is_work_left()
    capture = a_capture(a_camera())
    rows = {"embedding": embedding("good", 2), "texture": np.roll(embedding("snag", 4711), -1)}
    record(newer, [capture], [a_judgement("good", 0.01, **rows)], timezone.now())
    assert Verdict.objects.get(capture=capture).label == "snag"


def test_what_is_learnt_and_what_teaches_stays_with_the_embedding(boss: Client) -> None:
    version = ModelVersion.objects.get(is_default=True)
    (snag,) = snags(1)
    by_embedding = kept(version, [snag.pk], lambda: None).embeddings[0]
    by_texture = joined(version, [snag.pk], 0, lambda: None, compared=True).embeddings[0]
    assert (by_embedding.argmax(), by_texture.argmax()) == (0, 3)
