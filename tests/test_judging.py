"""From the pending row to the stored verdict, by a real bundle on the real engine."""

import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image

from inspections import registry
from inspections.ids import new_id
from inspections.models import Camera, Capture, HourlyCount, Line, ModelVersion, Status, Verdict
from ml.answers import Item, Judgement, Undecodable
from tests import cast, corpus, mill
from tests.bundles import CUT, GOOD, HOLE, NOT_A_NUMBER, cloth
from workers import inspectors, judging, sweeping
from workers.claims import claim_fresh, claim_retry, lines_waiting
from workers.judging import drain, judge_once
from workers.recording import record

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(tmp_path: Path, db: None) -> Iterator[ModelVersion]:
    yield mill.install(tmp_path)
    inspectors.forget()


@pytest.mark.parametrize(
    ("corner", "label", "flagged"), [(GOOD, "good", False), (HOLE, "hole", True), (CUT, "cut", True)]
)
def test_a_capture_gets_its_verdict(
    version: ModelVersion, posting: Client, corner: int, label: str, flagged: bool
) -> None:
    capture = mill.judged(posting, cloth(corner))
    body = posting.get(f"/api/v1/captures/{capture.pk}/").json()
    verdict = body["verdict"]
    assert (body["status"], verdict["label"], verdict["flagged"]) == ("judged", label, flagged)
    assert verdict["model"] == version.name
    assert verdict["threshold"] == 0.5
    assert list(verdict["probabilities"]) == version.classes
    assert sum(verdict["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert verdict["anomaly_score"] == pytest.approx(1 - verdict["probabilities"]["good"], abs=1e-5)
    assert verdict["confidence"] == pytest.approx(max(verdict["probabilities"].values()), abs=1e-5)
    assert verdict["judged_at"].endswith("Z")
    assert verdict["latency_ms"] > 0


def test_the_verdict_keeps_its_embedding_and_heatmap_apart(version: ModelVersion, posting: Client) -> None:
    evidence = mill.judged(posting, cloth(HOLE)).verdicts.get().evidence
    embedding = np.frombuffer(bytes(evidence.embedding), "<f2")
    assert (len(embedding), embedding[0]) == (4, 1)
    heat = np.frombuffer(zlib.decompress(bytes(evidence.heatmap)), np.uint8)
    assert heat.reshape(evidence.heatmap_rows, evidence.heatmap_cols).shape == (4, 4)
    assert evidence.brightness == pytest.approx(130, abs=10)


def test_logits_that_are_no_numbers_are_unknown_and_flagged(version: ModelVersion, posting: Client) -> None:
    capture = mill.judged(posting, cloth(NOT_A_NUMBER))
    verdict = posting.get(f"/api/v1/captures/{capture.pk}/").json()["verdict"]
    assert (verdict["label"], verdict["flagged"]) == ("unknown", True)
    assert verdict["confidence"] is verdict["anomaly_score"] is verdict["probabilities"] is None


@pytest.mark.parametrize(
    ("image", "warning"),
    [
        (Image.new("L", (64, 64), 8), "dark"),
        (Image.new("L", (64, 64), 255), "bright"),
        (Image.new("L", (64, 64), 128), "blurred"),
    ],
)
def test_what_cannot_be_seen_is_unknown_and_flagged(
    version: ModelVersion, posting: Client, image: Image.Image, warning: str
) -> None:
    capture = mill.judged(posting, cast.encoded(image))
    assert (capture.status, capture.flagged, capture.defect_class) == (Status.JUDGED, True, None)
    assert warning in capture.warning_list


@pytest.mark.parametrize("name", corpus.TAKEN)
def test_whatever_is_taken_is_judged(version: ModelVersion, posting: Client, name: str) -> None:
    assert mill.judged(posting, corpus.TAKEN[name][0]()).status == Status.JUDGED


def test_a_line_has_its_own_threshold(version: ModelVersion, camera: Camera, posting: Client) -> None:
    camera.line.threshold = 0.0
    camera.line.save()
    assert mill.judged(posting, cloth(GOOD)).flagged is True


def test_a_line_has_its_own_expected_shares(version: ModelVersion, camera: Camera, posting: Client) -> None:
    undecided = cloth(79)  # half way between good and cut
    before = mill.judged(posting, undecided).anomaly_score
    camera.line.shares = {"good": 0.98, "hole": 0.01, "cut": 0.01}
    camera.line.save()
    after = mill.judged(posting, undecided).anomaly_score
    assert before == pytest.approx(0.5, abs=0.05)
    assert after == pytest.approx(0.01, abs=0.005)


def test_a_line_may_have_a_version_of_its_own(version: ModelVersion, tmp_path: Path, posting: Client) -> None:
    other = mill.install(tmp_path, seed=1)
    registry.put_in_force(version)
    Line.objects.create(slug="loom-2", version=other)
    elsewhere = cast.with_key(cast.a_camera("loom-2"))
    assert mill.judged(posting, cloth()).verdicts.get().version == version
    assert mill.judged(elsewhere, cloth()).verdicts.get().version == other


def test_without_a_model_captures_wait(posting: Client, client: Client) -> None:
    capture = mill.judged(posting, cloth())
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    assert client.get("/readyz").status_code == 503


def test_with_a_corrupt_bundle_captures_wait_until_it_is_mended(
    version: ModelVersion, posting: Client, client: Client
) -> None:
    graph = version.folder / "graph.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-7])
    inspectors.forget()
    capture = mill.judged(posting, cloth())
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    version.refresh_from_db()
    assert "graph.onnx" in version.broken
    assert client.get("/readyz").status_code == 503
    graph.write_bytes(whole)
    inspectors.forget()
    drain()
    capture.refresh_from_db()
    assert capture.status == Status.JUDGED
    assert client.get("/readyz").status_code == 200


def test_a_new_version_takes_over_at_the_next_batch(version: ModelVersion, tmp_path: Path, posting: Client) -> None:
    first = mill.judged(posting, cloth())
    second_version = mill.install(tmp_path, seed=1)
    second = mill.judged(posting, cloth())
    assert first.verdicts.get().version == version
    assert second.verdicts.get().version == second_version


def test_a_file_that_is_gone_fails_with_its_reason(version: ModelVersion, posting: Client) -> None:
    capture = mill.posted(posting, cloth())
    default_storage.delete(capture.path)
    drain()
    body = posting.get(f"/api/v1/captures/{capture.pk}/").json()
    assert (body["status"], body["verdict"]) == ("failed", None)
    assert "gone" in body["failure"]["reason"]


def test_a_file_that_was_damaged_fails_and_its_neighbours_are_judged(version: ModelVersion, posting: Client) -> None:
    rows = [mill.posted(posting, cloth(seed=seed)) for seed in range(3)]
    Path(default_storage.path(rows[1].path)).write_bytes(cloth(seed=1)[:200])
    drain()
    assert list(Capture.objects.order_by("id").values_list("status", flat=True)) == [1, 2, 1]
    assert HourlyCount.objects.get(defect_class="").failed == 1


def test_a_claimed_capture_is_claimed_by_nobody_else(version: ModelVersion, posting: Client) -> None:
    mill.posted(posting, cloth())
    now = timezone.now()
    assert len(claim_fresh(lines_waiting(now), now, 32)) == 1
    assert lines_waiting(now) == []
    drain()
    assert not Verdict.objects.exists()


def test_an_expired_lease_is_claimed_again_alone(version: ModelVersion, posting: Client) -> None:
    for seed in range(3):
        mill.posted(posting, cloth(seed=seed))
    now = timezone.now()
    lost = claim_fresh(lines_waiting(now), now, 32)
    later = now + timedelta(minutes=1)
    assert claim_fresh(lines_waiting(later), later, 32) == []
    alone = claim_retry(lines_waiting(later), later)
    assert [row.pk for row in alone] == [lost[0].pk]
    assert alone[0].attempts == 2


def test_who_lost_the_lease_writes_nothing(version: ModelVersion, posting: Client) -> None:
    mill.posted(posting, cloth())
    now = timezone.now()
    lost = claim_fresh(lines_waiting(now), now, 32)
    judge_once(lambda: now + timedelta(minutes=1))
    inspector = inspectors.inspector_for(version)
    assert inspector
    from ml.inspector import Item

    assert record(version, lost, inspector.judge([Item(cloth())]), timezone.now()) == 0
    assert Verdict.objects.count() == 1
    assert HourlyCount.objects.get().judged == 1


def test_three_attempts_without_an_answer_are_the_end(version: ModelVersion, posting: Client) -> None:
    capture = mill.posted(posting, cloth())
    Capture.objects.update(attempts=3, lease_until=timezone.now() - timedelta(seconds=1))
    drain()
    assert sweeping.sweep(timezone.now()) == 1
    body = posting.get(f"/api/v1/captures/{capture.pk}/").json()
    assert (body["status"], body["verdict"]) == ("failed", None)
    assert "3 attempts" in body["failure"]["reason"]
    assert HourlyCount.objects.get().failed == 1
    assert sweeping.sweep(timezone.now()) == 0


def test_one_lines_flood_does_not_starve_another(version: ModelVersion, posting: Client, settings: Any) -> None:
    settings.JUDGE_BATCH = 4
    for seed in range(12):
        mill.posted(posting, cloth(seed=seed))
    other = cast.with_key(cast.a_camera("loom-2"))
    late = mill.posted(other, cloth())
    judge_once()
    late.refresh_from_db()
    assert late.status == Status.JUDGED


def test_rollups_equal_a_recount_from_the_rows(version: ModelVersion, posting: Client) -> None:
    now = timezone.now()
    for index in range(24):
        corner = (GOOD, HOLE, CUT, NOT_A_NUMBER)[index % 4]
        taken = now - timedelta(minutes=37 * index)
        mill.posted(posting, cloth(corner, seed=index), captured_at=taken.isoformat())
    mill.posted(posting, cloth(), captured_at="1999-01-01T00:00:00Z")
    drain()
    expected: Counter[tuple[Any, str]] = Counter()
    flagged: Counter[tuple[Any, str]] = Counter()
    for row in Capture.objects.select_related("defect_class"):
        key = (
            row.counted_at.replace(minute=0, second=0, microsecond=0),
            row.defect_class.code if row.defect_class else "unknown",
        )
        expected[key] += 1
        flagged[key] += bool(row.flagged)
    counts = HourlyCount.objects.all()
    assert {(c.hour, c.defect_class): c.judged for c in counts} == dict(expected)
    assert {(c.hour, c.defect_class): c.flagged for c in counts} == dict(flagged)
    assert all(c.defects == (c.judged if c.defect_class in {"hole", "cut"} else 0) for c in counts)


@pytest.mark.parametrize("kind", ["tiff", "large"])
def test_what_a_browser_cannot_show_gets_a_copy_that_it_can(version: ModelVersion, posting: Client, kind: str) -> None:
    data = cast.encoded(cast.weave(), "TIFF") if kind == "tiff" else cast.a_png(size=(1500, 400))
    capture = mill.judged(posting, data)
    with default_storage.open(capture.rendition_path) as file, Image.open(file) as image:
        assert (image.format, max(image.size) <= 1024) == ("JPEG", True)


def test_files_without_a_row_are_removed_once_no_upload_can_own_them(posting: Client, version: ModelVersion) -> None:
    kept = mill.posted(posting, cloth())
    orphan = kept.path.replace(str(kept.pk), str(new_id()))
    default_storage.save(orphan, ContentFile(cloth()))
    assert sweeping.remove_orphans(timezone.now()) == 0
    assert sweeping.remove_orphans(timezone.now() + timedelta(minutes=11)) == 1
    assert default_storage.exists(kept.path)
    assert not default_storage.exists(orphan)


@pytest.mark.django_db(transaction=True)
def test_the_same_work_done_by_many_at_once_gives_one_verdict_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads stand for processes, each of which has an inspector of its own: here they share one, in turns."""
    version = mill.install(tmp_path)
    posting = cast.with_key(cast.a_camera())
    for seed in range(60):
        mill.posted(posting, cloth(seed=seed))
    inspector = inspectors.inspector_for(version)  # loaded once, before the race
    assert inspector
    judge, turn = inspector.judge, threading.Lock()

    def judge_in_turns(items: Sequence[Item]) -> list[Judgement | Undecodable]:
        with turn:
            return judge(items)

    monkeypatch.setattr(inspector, "judge", judge_in_turns)

    def work() -> None:
        try:
            while drain():  # a slow machine needs more than one budget
                continue
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Capture.objects.values_list("status", flat=True)) == {Status.JUDGED}
    assert Verdict.objects.filter(effective=True).count() == 60
    assert sum(HourlyCount.objects.values_list("judged", flat=True)) == 60
    inspectors.forget()


def test_a_batch_that_dies_costs_a_waiting_retry_no_attempt(
    version: ModelVersion, posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = mill.posted(posting, cloth(seed=1))
    Capture.objects.update(attempts=1)
    mill.posted(posting, cloth(seed=2))

    def dies(self: Any, items: Any) -> Any:
        raise RuntimeError("the engine died")

    with monkeypatch.context() as patched:
        patched.setattr("workers.judging.claim_retry", lambda lines, now: [])
        patched.setattr("ml.inspector.Inspector.judge", dies)
        with pytest.raises(RuntimeError):
            judge_once()
    tried.refresh_from_db()
    assert (tried.status, tried.attempts) == (Status.PENDING, 1)
    drain()
    tried.refresh_from_db()
    assert tried.status == Status.JUDGED


def test_a_line_whose_shares_do_not_fit_waits_and_stops_nobody(version: ModelVersion, posting: Client) -> None:
    waiting = mill.posted(posting, cloth())
    Line.objects.update(shares={"good": 0.9, "stain": 0.1})
    other = cast.with_key(cast.a_camera("loom-2"))
    assert mill.judged(other, cloth()).status == Status.JUDGED
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts) == (Status.PENDING, 0)


def test_shares_that_are_changed_while_its_captures_are_claimed_cost_no_attempt(
    version: ModelVersion, posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = mill.posted(posting, cloth())
    claim = judging.claim_fresh

    def changed_meanwhile(*args: Any, **more: Any) -> Any:
        Line.objects.update(shares={"good": 0.9, "stain": 0.1})
        return claim(*args, **more)

    monkeypatch.setattr(judging, "claim_fresh", changed_meanwhile)
    judge_once()
    capture.refresh_from_db()
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    Line.objects.update(shares=None)
    monkeypatch.undo()
    Capture.objects.update(lease_until=None)
    drain()
    capture.refresh_from_db()
    assert capture.status == Status.JUDGED


def test_a_storage_that_cannot_read_costs_no_attempt(
    version: ModelVersion, posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = mill.posted(posting, cloth())

    def away(self: Any, name: str, mode: str = "rb") -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("inspections.storage.AtomicFileStorage._open", away)
        drain()
    capture.refresh_from_db()
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    assert judge_once(lambda: timezone.now() + timedelta(seconds=6)) == 1


def test_no_room_for_a_display_copy_costs_no_verdict(
    version: ModelVersion, posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = mill.posted(posting, cast.encoded(cast.weave(), "TIFF"))

    def full(self: Any, name: str, content: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inspections.storage.AtomicFileStorage._save", full)
    drain()
    capture.refresh_from_db()
    assert capture.status == Status.JUDGED


def test_a_named_device_that_is_missing_is_said_and_captures_wait(
    version: ModelVersion, posting: Client, client: Client, settings: Any
) -> None:
    settings.DEVICE = "cuda:none"
    capture = mill.judged(posting, cloth())
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    assert client.get("/readyz").status_code == 503
