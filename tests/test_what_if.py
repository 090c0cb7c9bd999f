"""What another threshold would have meant: by hand, against the escape rate's own estimate, and by simulation."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspections.escape import Day, Flagged, estimate
from inspections.what_if import Answer, Audit, Evidence, Scored, by_budget, by_cost, meaning


def sample(*scores: float, threshold: float = 0.5, weight: float = 1.0) -> tuple[Scored, ...]:
    return tuple(Scored(score, weight, score >= threshold) for score in scores)


def some(**more: object) -> Evidence:
    """100 captures in two hours: 90 passed, 10 flagged; 20 audits with one escape, ten answers, seven of them holes."""
    scores = [0.1] * 60 + [0.3] * 30 + [0.6] * 4 + [0.9] * 6
    values: dict[str, object] = {
        "judged": 100,
        "flagged": 10,
        "hours": 2,
        "passed": (90,),
        "sample": sample(*scores),
        "audits": (Audit(0, 0.3, True), *(Audit(0, 0.1, False),) * 19),
        "answers": (*(Answer(0.9, True),) * 6, Answer(0.6, True), *(Answer(0.6, False),) * 3),
    }
    return Evidence(**{**values, **more})  # type: ignore[arg-type]


def test_flags_an_hour_follow_the_share_of_scores_at_or_above_the_threshold() -> None:
    assert meaning(some(), 0.5).flags_an_hour == pytest.approx(5)
    assert meaning(some(), 0.3).flags_an_hour == pytest.approx(20)
    assert meaning(some(), 0.61).flags_an_hour == pytest.approx(3)
    assert meaning(some(), 0.0).share == 1


def test_each_sampled_capture_speaks_for_as_many_as_it_was_drawn_from() -> None:
    uneven = (Scored(0.1, 9.0, False), Scored(0.9, 1.0, True))
    assert meaning(some(sample=uneven), 0.5).share == pytest.approx(0.1)


def test_at_the_threshold_in_force_the_escape_rate_is_the_escape_page_s_own() -> None:
    expected = estimate([Day(90, 20, 1)], Flagged(10, 7, 3))
    found = meaning(some(), 0.5).escape
    assert found.value == pytest.approx(expected.rate)
    assert expected.between is not None and found.between is not None
    assert found.between.low == pytest.approx(expected.between.low)
    assert found.between.high == pytest.approx(min(expected.between.high, 90 / 97))


def test_a_lower_threshold_catches_the_audited_escape_and_flags_the_good_ones_beside_it() -> None:
    found = meaning(some(), 0.3)
    assert found.escape.value == 0  # 4.5 escapes among the 90, all at 0.3
    assert found.overkill.value == pytest.approx((30 - 4.5 + 3) / (90 - 4.5 + 3))


def test_a_higher_threshold_lets_the_weak_defects_pass_and_spares_the_good_ones() -> None:
    found = meaning(some(), 0.7)
    assert found.escape.value == pytest.approx((4.5 + 1) / (4.5 + 7))
    assert found.overkill.value == 0


def test_what_is_flagged_for_another_reason_is_flagged_at_any_threshold() -> None:
    unknown = (*sample(*[0.1] * 9), Scored(1.0, 1.0, True, always=True))
    found = meaning(some(sample=unknown, answers=(Answer(1.0, True, always=True),) * 10), 1.0)
    assert found.share == pytest.approx(0.1)
    assert found.escape.value == pytest.approx(4.5 / 14.5)


def test_flagged_images_without_an_answer_are_bounded_and_not_guessed() -> None:
    """Forty are flagged, ten answered: if the others are all good, or all defects, the ends still hold."""
    found = meaning(some(flagged=40), 0.5).escape
    assert found.between is not None
    assert found.between.low <= 1 / (1 + 37)
    assert found.between.high >= 4.5 / (4.5 + 7)


def test_too_few_audits_say_nothing_and_too_few_answers_no_overkill() -> None:
    assert meaning(some(audits=(Audit(0, 0.1, False),) * 9), 0.5).escape.between is None
    assert meaning(some(answers=(Answer(0.9, True),) * 9), 0.5).overkill.between is None
    assert meaning(some(answers=(Answer(0.9, True),) * 9), 0.5).escape.between is not None


def test_without_anything_judged_nothing_is_said() -> None:
    found = meaning(Evidence(), 0.5)
    assert (found.share, found.flags_an_hour, found.escape.value, found.overkill.value) == (None,) * 4


def test_the_cost_threshold_is_that_of_the_vector() -> None:
    assert by_cost(1, 20) == pytest.approx(0.0476, abs=5e-5)


def test_a_budget_gives_the_lowest_threshold_that_keeps_it() -> None:
    assert by_budget(some(), 5) == pytest.approx(0.3001)
    assert by_budget(some(), 4.9) == pytest.approx(0.6001)
    assert by_budget(some(), 50) == 0
    always = (*sample(*[0.1] * 9), Scored(1.0, 1.0, True, always=True))
    assert by_budget(some(sample=always), 4) is None
    assert by_budget(Evidence(), 4) is None


scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(scores, st.floats(0, 1), st.floats(0, 1), st.floats(0, 60))
def test_a_higher_threshold_never_flags_more_and_a_budget_is_kept(
    drawn: list[float], one: float, other: float, most: float
) -> None:
    evidence = some(sample=sample(*drawn))
    low, high = sorted((one, other))
    few, many = meaning(evidence, high), meaning(evidence, low)
    assert few.share is not None and many.share is not None
    assert few.share <= many.share + 1e-12
    assert few.escape.between is not None and many.escape.between is not None
    assert few.escape.between.high >= many.escape.between.low - 1e-12
    assert few.overkill.between is not None and few.overkill.between.low <= few.overkill.between.high + 1e-12
    kept = by_budget(evidence, most)
    if kept is not None:
        flags = meaning(evidence, kept).flags_an_hour
        assert flags is not None and flags <= most + 1e-6


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.5])
def test_the_intervals_hold_the_planted_truth_in_simulated_months(threshold: float) -> None:
    """Scores of defects and good ones overlap; 0.2 is in force; 200 of what passed are audited, the worst 300 of the
    flagged answered."""
    rng = random.Random(7)
    months, held = 60, 0
    for _ in range(months):
        pieces = [(rng.betavariate(2, 3) if bad else rng.betavariate(1, 12), bad) for bad in rng_defects(rng, 6000)]
        passed = [one for one in pieces if one[0] < 0.2]
        flagged = sorted((one for one in pieces if one[0] >= 0.2), reverse=True)
        evidence = Evidence(
            judged=len(pieces),
            flagged=len(flagged),
            hours=100,
            passed=(len(passed),),
            sample=tuple(Scored(score, 1.0, score >= 0.2) for score, _bad in rng.sample(pieces, 2000)),
            audits=tuple(Audit(0, score, bad) for score, bad in rng.sample(passed, 200)),
            answers=tuple(Answer(score, bad) for score, bad in flagged[:300]),
        )
        missed = sum(bad for score, bad in pieces if score < threshold)
        truth = missed / sum(bad for _score, bad in pieces)
        between = meaning(evidence, threshold).escape.between
        held += between is not None and between.low <= truth <= between.high
    assert held / months >= 0.93


def rng_defects(rng: random.Random, count: int) -> list[bool]:
    return [rng.random() < 0.03 for _ in range(count)]
