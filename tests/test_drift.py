"""Drift: the arithmetic, the reckoning over rows, and what the training page says of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from inspections import changes, retraining, teaching
from inspections.drift import LEAST, MUCH, drift, psi
from inspections.ids import id_at
from inspections.models import (
    Camera,
    Capture,
    ChangeKind,
    ChangeState,
    Insight,
    InsightKind,
    JobState,
    ModelVersion,
    Snapshot,
    Status,
    TrainingRun,
    Verdict,
    VerdictEvidence,
    VersionChange,
)
from tests import cast
from tests.cast import a_camera, signed_in
from tests.judged import a_version
from workers import reckoning

NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
SINCE = NOW - timedelta(days=20)


def normal(mean: float, count: int = 1500, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(mean, 1, count)


# --- the arithmetic -----------------------------------------------------------------------------------------------


def test_the_index_is_the_sum_that_its_definition_says() -> None:
    """0.1 ln 1.2 + (-0.1) ln 0.8, by hand."""
    counts = np.array([5, 5]) * 10**8, np.array([6, 4]) * 10**8
    assert psi(*counts) == pytest.approx(0.0405465, abs=1e-6)
    assert psi(counts[0], counts[0]) == 0


def test_two_samples_of_one_distribution_have_what_chance_gives_and_are_read_as_nothing() -> None:
    found = [drift(normal(0, seed=2 * seed), normal(0, seed=2 * seed + 1)) for seed in range(200)]
    assert np.mean([one.psi for one in found if one.psi is not None]) == pytest.approx(9 * 2 / 1500, rel=0.1)
    assert found[0].chance == pytest.approx(9 * 2 / 1500)
    assert max(one.beyond_chance or 0 for one in found) < 0.03


def test_a_shift_by_one_deviation_is_much_and_by_a_tenth_is_nothing() -> None:
    assert (drift(normal(0), normal(1, seed=1)).beyond_chance or 0) > MUCH
    assert (drift(normal(0), normal(0.1, seed=1)).beyond_chance or 0) < 0.1


def test_below_a_thousand_on_either_side_nothing_is_said() -> None:
    for before, now in ((LEAST - 1, 5000), (5000, LEAST - 1)):
        found = drift(normal(0, before), normal(9, now))
        assert (found.psi, found.beyond_chance, found.reference, found.recent) == (None, None, before, now)
    assert drift(normal(0, LEAST), normal(9, LEAST)).psi is not None


@pytest.mark.parametrize("other", [-1.0, 1.0])
def test_values_that_are_all_one_and_the_same_are_told_from_others_on_either_side(other: float) -> None:
    """Anomaly scores of a quiet line are mostly nothing at all."""
    still = np.zeros(2000)
    assert drift(still, still).beyond_chance == 0
    moved = np.concatenate([np.zeros(1400), np.full(600, other)])
    assert (drift(still, moved).beyond_chance or 0) > MUCH


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=LEAST, max_size=LEAST), st.integers(0, 2**31))
def test_any_values_however_many_are_alike_give_a_finite_index_that_no_order_changes(
    values: list[int], seed: int
) -> None:
    mixed = np.random.default_rng(seed).permutation(values).astype(float)
    found = drift([float(one) for one in values], mixed)
    assert found.psi == pytest.approx(0, abs=1e-12)
    assert drift(mixed, normal(3, seed=seed % 99)).psi is not None


# --- over rows ------------------------------------------------------------------------------------------------------


def planted(camera: Camera, at: datetime, bright: float, version: ModelVersion, count: int = 150) -> None:
    """Judged captures of the eight hours from then on, rows alone; brightness and its like move, the rest stays."""
    rng = np.random.default_rng(count)
    step, model = timedelta(hours=8) / count, version
    captures = Capture.objects.bulk_create(
        Capture(
            id=id_at(at + step * number), line=camera.line, camera=camera, captured_at=at, received_at=at,
            counted_at=at, sha256=b"", bytes=1, width=64, height=64, suffix="png", status=Status.JUDGED,
        )
        for number in range(count)
    )  # fmt: skip
    verdicts = Verdict.objects.bulk_create(
        Verdict(
            capture=one, version=model, anomaly_score=float(rng.uniform()), threshold=0.5, flagged=False, judged_at=at,
            latency_ms=1,
        )
        for one in captures
    )  # fmt: skip
    VerdictEvidence.objects.bulk_create(
        VerdictEvidence(
            verdict=one, embedding=b"", heatmap=b"", heatmap_rows=1, heatmap_cols=1, brightness=rng.normal(bright, 5),
            focus=None, probabilities=np.array([1 - (share := rng.uniform(0, 0.5)), share], "<f4").tobytes(),
        )
        for one in verdicts
    )  # fmt: skip


@pytest.fixture
def version(db: None, monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """In force for twenty days; a hundred images a side are enough."""
    monkeypatch.setattr("inspections.drift.LEAST", 100)
    found = a_version()
    VersionChange.objects.create(
        kind=ChangeKind.PROMOTE, version=found, asked_at=SINCE, decided_at=SINCE, state=ChangeState.ACTIVE
    )
    return found


def a_history(camera: Camera, before: float, now: float, version: ModelVersion) -> None:
    planted(camera, SINCE + timedelta(hours=3), before, version)
    planted(camera, NOW - timedelta(hours=12), now, version)


def reckoned(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    insight = teaching.ask(InsightKind.DRIFT, NOW)
    reckoning.work()
    insight.refresh_from_db()
    assert insight.state == JobState.DONE
    found: dict[str, Any] = insight.body
    return found


def words() -> list[str]:
    return [one.words for one in retraining.suggestions(retraining.drift_told())]


def test_one_camera_that_grew_darker_is_a_lens_or_a_lamp_and_nothing_starts(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_history(a_camera(slug="left"), 130, 90, version)
    a_history(a_camera(slug="right"), 130, 130, version)
    reckoned(monkeypatch)
    (said,) = words()
    assert said.startswith("loom-1, left: brightness (PSI ")
    assert "a lens or a lamp" in said
    assert not TrainingRun.objects.exists()
    assert not Snapshot.objects.exists()


def test_all_cameras_of_a_line_are_another_style_and_the_other_line_is_not_named(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("left", "right"):
        a_history(a_camera(slug=slug), 130, 90, version)
    a_history(a_camera("loom-2"), 90, 90, version)
    reckoned(monkeypatch)
    (said,) = words()
    assert said.startswith("loom-1: brightness (PSI ")
    assert said.endswith("moved on all 2 cameras, which mostly means another style.")


def test_the_only_camera_of_a_line_cannot_tell_which(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    a_history(a_camera(), 130, 90, version)
    a_history(a_camera(slug="manual"), 130, 90, version)
    body = reckoned(monkeypatch)
    assert [len(line["cameras"]) for line in body["lines"]] == [1], "people's uploads are no camera"
    assert "No other camera of the line tells" in words()[0]


def test_another_version_s_verdicts_count_for_nothing(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = a_camera()
    a_history(camera, 130, 130, version)
    planted(camera, NOW - timedelta(hours=12), 20, a_version("older", is_default=False))
    body = reckoned(monkeypatch)
    brightness = body["lines"][0]["cameras"][0]["measures"]["brightness"]
    assert (brightness["n"], brightness["m"]) == (150, 150)
    assert words() == []


def test_too_few_images_suggest_nothing_and_the_page_says_how_many(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(a_camera(), SINCE + timedelta(hours=3), 130, version, 40)
    planted(a_camera(), NOW - timedelta(hours=12), 20, version)
    body = reckoned(monkeypatch)
    measures = body["lines"][0]["cameras"][0]["measures"]
    assert (measures["brightness"]["psi"], measures["focus"]["n"]) == (None, 0)
    assert words() == []
    text = signed_in(cast.mara()).get("/training/").content.decode()
    assert "Has the cloth, a lens or a lamp changed?" in text
    assert "40 images" in text


def test_a_version_that_came_into_force_today_has_no_reference_yet(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    VersionChange.objects.update(decided_at=NOW - timedelta(hours=20))
    a_history(a_camera(), 130, 20, version)
    measures = reckoned(monkeypatch)["lines"][0]["cameras"][0]["measures"]
    assert (measures["brightness"]["n"], measures["brightness"]["m"]) == (0, 150)


def test_a_line_whose_trial_became_the_mills_has_its_reference_from_the_trials_beginning(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera, other = a_camera(), a_camera("loom-2")
    trial, began, became = (
        a_version("2026.11.2", is_default=False),
        SINCE + timedelta(days=1),
        NOW - timedelta(hours=12),
    )
    changes.install(trial, None, began, camera.line)
    changes.install(trial, None, became)
    planted(camera, began + timedelta(hours=3), 130, trial)
    told = {line["line"]: line for line in reckoned(monkeypatch)["lines"]}
    assert told[camera.line_id]["since"] == began.isoformat()
    assert told[other.line_id]["since"] == became.isoformat()
    assert told[camera.line_id]["cameras"][0]["measures"]["brightness"]["n"] == 150


def test_a_period_is_met_as_a_whole_and_not_its_first_minutes(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More images than are read: of each hour some."""
    monkeypatch.setattr("workers.reckonings.drift.OF_SLICE", 10)
    monkeypatch.setattr("workers.reckonings.drift.MOST", 60)
    from workers.reckonings.drift import _sample

    camera = a_camera()
    planted(camera, NOW - timedelta(hours=8), 130, version, 400)
    keys = _sample(camera, NOW - timedelta(days=1), NOW)
    assert len(keys) == 60
    assert len({(key.int >> 80) // 3_600_000 for key in keys}) >= 8


# --- the page and the clock -----------------------------------------------------------------------------------------


def test_the_page_shows_the_figures_and_says_which_moved(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_history(a_camera(slug="left"), 130, 90, version)
    a_history(a_camera(slug="right"), 130, 130, version)
    reckoned(monkeypatch)
    text = signed_in(cast.mara()).get("/training/").content.decode()
    assert "loom-1, left" in text
    assert "much" in text
    assert f"{version.name} since" in text


def test_in_a_versions_first_day_it_says_from_when_on_it_compares(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of images, and none of them before the last day: what is missing is no image."""
    VersionChange.objects.update(decided_at=NOW - timedelta(hours=9))
    planted(a_camera(), NOW - timedelta(hours=8), 130, version, 1200)
    reckoned(monkeypatch)
    text = " ".join(signed_in(cast.mara()).get("/training/").content.decode().split())
    assert "nothing to compare with before 23 Nov 05:20" in text
    assert text.count('<span class="soft">not yet</span>') == 4
    assert ">0 images<" not in text


def test_a_camera_that_is_gone_is_left_out(version: ModelVersion) -> None:
    body = {"lines": [{"line": 999, "version": "x", "since": NOW.isoformat(), "cameras": []}]}
    Insight.objects.create(kind=InsightKind.DRIFT, asked_at=NOW, finished_at=NOW, state=JobState.DONE, body=body)
    found = retraining.drift_told()
    assert found is not None
    assert found.lines == ()


@pytest.mark.django_db
def test_the_clock_asks_a_few_times_a_day_and_never_twice_at_once() -> None:
    now = timezone.now()
    teaching.look_for_drift(now)
    teaching.look_for_drift(now + timedelta(hours=7))
    assert Insight.objects.count() == 1, "the first waits still"
    Insight.objects.update(state=JobState.DONE)
    teaching.look_for_drift(now + timedelta(hours=5))
    assert Insight.objects.count() == 1
    teaching.look_for_drift(now + timedelta(hours=6))
    assert Insight.objects.count() == 2
