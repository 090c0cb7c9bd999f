"""A challenger in shadow: it judges live captures beside the champion, without effect, and never in the way."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from inspections import registry
from inspections.models import (
    AuditEvent,
    Capture,
    Comparison,
    HourlyCount,
    ModelVersion,
    ReviewItem,
    SecondLook,
    State,
    Verdict,
)
from inspections.review.answers import decide
from inspections.second_looks import note_fresh, progress, start_shadow, stop_shadow
from inspections.second_looks.shadowing import forget, is_sampled
from inspections.snapshots import Refused
from tests import cast
from tests.bundles import GOOD, HOLE, cloth, small_bundle
from tests.judged import judged
from tests.mill import install, posted
from tests.mill import judged as judged_by_it
from workers import inspectors, looking_again, tasks
from workers.judging import drain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget()
    inspectors.forget()
    yield
    forget()
    inspectors.forget()


@pytest.fixture
def champion(tmp_path: Path) -> ModelVersion:
    return install(tmp_path)


@pytest.fixture
def challenger(champion: ModelVersion, tmp_path: Path) -> ModelVersion:
    """It calls white cloth a cut and dark cloth a hole: the champion's names the other way round."""
    return added(tmp_path, 1, classes=("good", "cut", "hole"))


def added(folder: Path, seed: int, **options: Any) -> ModelVersion:
    return registry.add(small_bundle(folder / f"challenger-{seed}", seed, **options), timezone.now())


def shadowed(version: ModelVersion, share: float = 1.0) -> ModelVersion:
    started = start_shadow(version, share, None, timezone.now())
    assert isinstance(started, ModelVersion)
    return started


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return str(outcome.reason)


def test_a_challenger_judges_beside_the_champion_without_effect(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    capture = judged_by_it(posting, cloth(HOLE))
    before = everything_in_force()
    looking_again.work()
    assert everything_in_force() == before
    beside = Verdict.objects.get(version=challenger)
    assert (beside.capture_id, beside.effective, beside.label, beside.flagged) == (capture.pk, False, "cut", True)
    assert beside.evidence.embedding
    row = Comparison.objects.get()
    assert row.before is not None
    assert row.after is not None
    assert (row.before.code, row.after.code, row.agrees) == ("hole", "cut", False)
    assert (row.before_flagged, row.after_flagged, row.line_id) == (True, True, capture.line_id)
    assert not SecondLook.objects.exists()


def everything_in_force() -> Any:
    """The captures, the verdicts in force, the rollups and the questions to people."""
    captures = list(Capture.objects.order_by("pk").values())
    verdicts = list(Verdict.objects.filter(effective=True).order_by("pk").values())
    return captures, verdicts, list(HourlyCount.objects.order_by("pk").values()), list(ReviewItem.objects.values())


def test_where_both_say_the_same_they_agree(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    judged_by_it(posting, cloth(GOOD))
    looking_again.work()
    assert Comparison.objects.get().agrees
    assert progress(challenger).compared == 1
    assert progress(challenger).disagreements == 0


def test_what_somebody_has_labelled_meanwhile_counts_as_looked_at(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    capture = judged_by_it(posting, cloth(HOLE))
    mara = cast.mara()
    label = decide(mara, capture, "hole", timezone.now()).label  # type: ignore[union-attr]
    looking_again.work()
    row = Comparison.objects.get()
    assert (row.seen_by, row.seen_at) == (mara, label.at)
    assert progress(challenger).looked_at == 1


def test_it_takes_nothing_while_a_fresh_capture_waits(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    judged_by_it(posting, cloth(GOOD))
    posted(posting, cloth(HOLE, seed=1))
    looking_again.work()
    look = SecondLook.objects.get()
    assert (look.lease, look.attempts) == (None, 0)
    drain()
    looking_again.work()
    assert Comparison.objects.count() == 2


def test_who_has_judged_all_rings_for_what_waits_behind(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("inspections.bell.ring_now", lambda task="workers.judge_pending": rung.append(task))
    posted(posting, cloth(GOOD))
    tasks.judge_pending()
    assert rung == []
    shadowed(challenger)
    posted(posting, cloth(GOOD, seed=1))
    tasks.judge_pending()
    assert rung == ["workers.look_again"]
    tasks.look_again()
    assert Comparison.objects.count() == 1


def test_it_hands_over_between_two_batches(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed(challenger)
    for seed in range(3):
        posted(posting, cloth(GOOD, seed))
    drain()
    look = looking_again.look_once

    def then_one_arrives(*args: Any) -> bool:
        done = look(*args)
        posted(posting, cloth(HOLE, seed=9))
        return done

    monkeypatch.setattr(looking_again, "look_once", then_one_arrives)
    looking_again.work()
    assert Comparison.objects.count() == 1


def test_batches_begin_small_and_grow(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed(challenger)
    for seed in range(20):
        posted(posting, cloth(GOOD, seed))
    drain()
    sizes: list[int] = []
    keep = looking_again.write_down
    monkeypatch.setattr(
        looking_again, "write_down", lambda version, done, *rest: (sizes.append(len(done)), keep(version, done, *rest))
    )
    looking_again.work()
    assert sizes == [1, 2, 4, 8, 5]


def test_the_line_s_own_threshold_holds_for_it_too(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    capture = judged_by_it(posting, cloth(GOOD))
    capture.line.threshold = 0.0
    capture.line.save()
    looking_again.work()
    beside = Verdict.objects.get(version=challenger)
    assert (beside.threshold, beside.flagged) == (0.0, True)


def test_class_shares_that_name_other_classes_are_not_forced_on_it(
    posting: Client, champion: ModelVersion, challenger: ModelVersion
) -> None:
    shadowed(challenger)
    capture = judged_by_it(posting, cloth(GOOD))
    capture.line.shares = {"good": 0.98, "hole": 0.01, "snag": 0.01}
    capture.line.save()
    looking_again.work()
    assert Comparison.objects.get().agrees


def test_of_a_share_everybody_picks_the_same_captures() -> None:
    keys = [UUID(int=number << 64 | 7) for number in range(4000)]
    tenth = {key for key in keys if is_sampled(key, 0.1)}
    half = {key for key in keys if is_sampled(key, 0.5)}
    assert 340 <= len(tenth) <= 460
    assert 1900 <= len(half) <= 2100
    assert tenth < half
    assert all(is_sampled(key, 1.0) for key in keys)


def test_it_ends_at_the_most_that_is_compared(posting: Client, challenger: ModelVersion, settings: Any) -> None:
    settings.SHADOW_MOST = 2
    shadowed(challenger)
    for seed in range(4):
        judged_by_it(posting, cloth(GOOD, seed))
    assert SecondLook.objects.count() == 2


def test_a_shadow_starts_only_from_a_candidate_that_loads_and_one_at_a_time(
    champion: ModelVersion, challenger: ModelVersion, tmp_path: Path
) -> None:
    now = timezone.now()
    assert "active" in refusal(start_shadow(champion, 1.0, None, now))
    assert "share" in refusal(start_shadow(challenger, 0.0, None, now))
    ModelVersion.objects.filter(pk=challenger.pk).update(broken="no such file")
    assert "no such file" in refusal(start_shadow(challenger, 1.0, None, now))
    ModelVersion.objects.filter(pk=challenger.pk).update(broken="", state=State.REJECTED)
    assert "rejected" in refusal(start_shadow(challenger, 1.0, None, now))
    other = shadowed(added(tmp_path, 2))
    ModelVersion.objects.filter(pk=challenger.pk).update(state=State.CANDIDATE)
    assert other.name in refusal(start_shadow(challenger, 1.0, None, now))


def test_stopping_keeps_what_it_said_and_drops_what_waits(posting: Client, challenger: ModelVersion) -> None:
    mara = cast.mara()
    shadowed(challenger)
    judged_by_it(posting, cloth(HOLE))
    looking_again.work()
    judged_by_it(posting, cloth(HOLE, seed=1))
    stop_shadow(challenger, mara, timezone.now())
    judged_by_it(posting, cloth(HOLE, seed=2))
    looking_again.work()
    challenger.refresh_from_db()
    assert (challenger.state, SecondLook.objects.count(), Comparison.objects.count()) == (State.CANDIDATE, 0, 1)
    assert AuditEvent.objects.filter(person=mara, action="shadow-stop").count() == 1
    assert "not in shadow" in refusal(stop_shadow(challenger, mara, timezone.now()))


def test_what_waits_for_a_promoted_challenger_is_dropped(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    judged_by_it(posting, cloth(HOLE))
    registry.put_in_force(challenger)
    looking_again.work()
    assert not SecondLook.objects.exists()
    assert not Comparison.objects.exists()


def test_a_look_that_kills_its_worker_is_dropped_at_last_and_counted(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    shadowed(challenger)
    capture = judged_by_it(posting, cloth(HOLE))
    clock = Clock()

    class Killed(BaseException):
        """What no `except` of the product sees: the process is gone."""

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("ml.inspector.Inspector.judge", kill)
    for _attempt in range(settings.MAX_ATTEMPTS):
        with pytest.raises(Killed):
            looking_again.work(clock=clock)
        clock.later(settings.LEASE_S + 1)
    looking_again.work(clock=clock)
    challenger.refresh_from_db()
    assert (SecondLook.objects.count(), challenger.shadow_dropped) == (0, 1)
    capture.refresh_from_db()
    assert capture.effective_verdict.label == "hole"


class Clock:
    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> Any:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_a_lease_that_was_lost_writes_nothing(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed(challenger)
    judged_by_it(posting, cloth(HOLE))
    judge = inspectors.inspector_for(challenger).judge  # type: ignore[union-attr]

    def slowly(items: Any) -> Any:
        SecondLook.objects.update(lease=UUID(int=1))  # its lease ran out and somebody else has it
        return judge(items)

    monkeypatch.setattr(inspectors.inspector_for(challenger), "judge", slowly)
    looking_again.look_once()
    assert not Verdict.objects.filter(version=challenger).exists()
    assert SecondLook.objects.count() == 1


def test_a_verdict_that_it_gave_before_is_used_again(
    posting: Client, challenger: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = judged_by_it(posting, cloth(HOLE))
    shadowed(challenger)
    SecondLook.objects.create(capture=capture, version=challenger)
    looking_again.work()
    Comparison.objects.all().delete()
    said = Verdict.objects.get(version=challenger)
    SecondLook.objects.create(capture=capture, version=challenger)
    monkeypatch.setattr("workers.looking_again.read_file", lambda _capture: pytest.fail("it was judged again"))
    looking_again.work()
    assert Comparison.objects.get().verdict == said


def test_a_file_that_is_gone_is_counted_and_the_others_go_on(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    gone, there = (judged_by_it(posting, cloth(GOOD, seed)) for seed in range(2))
    default_storage.delete(gone.path)
    looking_again.work()
    challenger.refresh_from_db()
    assert challenger.shadow_dropped == 1
    assert Comparison.objects.get().capture == there


def test_a_bundle_that_does_not_load_takes_no_more(posting: Client, challenger: ModelVersion) -> None:
    shadowed(challenger)
    judged_by_it(posting, cloth(HOLE))
    (challenger.folder / "spec.json").write_text("{}")
    looking_again.work()
    challenger.refresh_from_db()
    assert challenger.broken
    forget()
    judged_by_it(posting, cloth(HOLE, seed=1))
    assert SecondLook.objects.count() == 1
    assert Capture.objects.filter(status=1).count() == 2


def test_without_a_shadow_judging_asks_nothing_more(camera: Any, django_assert_num_queries: Any) -> None:
    capture = judged(camera)
    note_fresh([capture], timezone.now())
    with django_assert_num_queries(0):
        note_fresh([capture], timezone.now())
