"""The threshold page, by rows and HTTP: what another would mean, setting it with a reason, taking it back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inspections import changes, scores
from inspections.models import (
    AuditEvent,
    Camera,
    Capture,
    ChangeKind,
    ChangeState,
    Line,
    ThresholdChange,
    VersionChange,
)
from inspections.scores import weigh
from inspections.snapshots import Refused
from inspections.thresholds import Stale, change
from inspections.what_if import meaning
from tests import cast, mill
from tests.audits import audited, said
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import CLASSES, a_version, judged, many_judged
from workers.judging import drain

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PAGE = "/lines/loom-1/threshold/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mara(camera: Camera) -> Client:
    """The manager of a mill whose model flags from 0.2 on."""
    a_version(spec={"classes": CLASSES, "threshold": 0.2})
    return signed_in(cast.mara())


def text_of(client: Client, address: str = PAGE, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def a_month(camera: Camera) -> None:
    """Two hours with 100 captures each; 90 passed, 10 were flagged, and people said what they are."""
    for back in (DAY, 2 * DAY):
        start = (NOW - back).replace(minute=0)
        many_judged(camera, 60, start, "good", 0.01, timedelta(seconds=20))
        many_judged(camera, 30, start + timedelta(minutes=25), "good", 0.15, timedelta(seconds=20))
        many_judged(camera, 10, start + timedelta(minutes=40), "hole", 0.6, timedelta(seconds=20))
    olga = cast.olga()
    for number, capture in enumerate(Capture.objects.filter(flagged=True)):
        said(olga, capture, "hole" if number % 2 else "good", NOW - HOUR)
    for number in range(12):
        audited(olga, camera, "hole" if number == 3 else "good", NOW - DAY + timedelta(minutes=number), seed=number)


# --- what it says -------------------------------------------------------------------------------------------------


def test_it_tells_the_threshold_in_force_and_what_another_would_have_meant(mara: Client, camera: Camera) -> None:
    a_month(camera)
    page = text_of(mara, f"{PAGE}?threshold=0.1")
    assert "0.20 is in force, the one of model 2026.11.1" in page
    # 12 audits came in the first of two hours: 212 captures, of which 20 are flagged, and 60 more from 0.1 on.
    assert (
        '<th scope="row">Flags an hour</th> <td class="num"> 10.0 </td> <td class="num"> <strong>40.0</strong>' in page
    )
    assert "12 blind audits speak for what passed, 20 answers for what was flagged" in page


def test_without_enough_audits_it_says_so_and_shows_no_rate(mara: Client, camera: Camera) -> None:
    many_judged(camera, 50, NOW - DAY)
    page = text_of(mara)
    assert "0 blind audits were answered, and 10 are needed" in page
    assert "not enough data" in page


def test_a_line_on_which_nothing_was_judged_says_that(mara: Client) -> None:
    assert "Nothing was judged in this period" in text_of(mara)


def test_without_a_model_nothing_breaks(camera: Camera) -> None:
    assert "No model in force has one." in text_of(signed_in(cast.mara()))


def test_the_cost_and_the_budget_lead_to_a_threshold(mara: Client, camera: Camera) -> None:
    a_month(camera)
    page = text_of(mara, f"{PAGE}?cost=20&budget=10")
    assert ">0.0476</a>" in page
    assert "The lowest with at most 10 flags an hour." in page
    assert ">0.1501</a>" in page


@pytest.mark.parametrize("query", ["threshold=2", "threshold=nan", "threshold=x", "cost=0", "budget=-1", "step=go"])
def test_an_address_that_asks_for_nonsense_is_told_so(mara: Client, query: str) -> None:
    assert "This cannot be shown as asked" in text_of(mara, f"{PAGE}?{query}", 400)


def test_an_operator_reads_it_and_cannot_set_it(camera: Camera) -> None:
    a_version(spec={"classes": CLASSES, "threshold": 0.2})
    client = signed_in(cast.olga())
    page = text_of(client, f"{PAGE}?threshold=0.1")
    assert "A manager can set it." in page
    assert "Set it to" not in page
    assert client.get(f"{PAGE}?threshold=0.1&step=set").status_code == 403


# --- what it is made from -----------------------------------------------------------------------------------------


def test_the_sample_is_bounded_and_spread_over_the_period(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten hours of 40 captures; in half of them all scores are high. Twenty that are looked at give the same share."""
    monkeypatch.setattr(scores, "SAMPLE", 20)
    a_version(spec={"classes": CLASSES, "threshold": 0.2})
    for number in range(10):
        start = (NOW - DAY + number * HOUR).replace(minute=0)
        many_judged(
            camera, 40, start, "hole" if number % 2 else "good", 0.9 if number % 2 else 0.01, timedelta(minutes=1)
        )
    evidence = weigh(camera.line, NOW).evidence
    assert 10 <= len(evidence.sample) <= 20  # of each hour two, or one where no more came after the place
    assert sum(one.weight for one in evidence.sample) == pytest.approx(400)
    assert meaning(evidence, 0.5).share == pytest.approx(0.5)


def test_scores_of_the_model_before_do_not_count(mara: Client, camera: Camera) -> None:
    many_judged(camera, 30, NOW - 5 * DAY, "hole", 0.9)
    promotion = VersionChange.objects.create(
        kind=ChangeKind.PROMOTE, version=a_version(), state=ChangeState.ACTIVE, asked_at=NOW, decided_at=NOW - 3 * DAY,
        previous=a_version("2026.10.1", is_default=False),
    )  # fmt: skip
    many_judged(camera, 10, NOW - DAY)
    found = weigh(camera.line, NOW)
    assert (found.cut, found.evidence.judged, found.evidence.flagged) == ("model", 10, 0)
    assert "another model judged before" in text_of(mara)
    VersionChange.objects.filter(pk=promotion.pk).update(previous=None)
    assert "no model judged this line before" in text_of(mara)


def test_scores_of_a_trial_count_though_the_mill_took_it_over_since(mara: Client, camera: Camera) -> None:
    """The mill's promotion freed the line's own version, and changed nothing there."""
    changes.install(a_version(), None, NOW - 30 * DAY)
    trial = a_version("2026.11.2", is_default=False)
    changes.install(trial, None, NOW - 9 * DAY, camera.line)
    many_judged(camera, 10, NOW - 5 * DAY)
    changes.install(trial, None, NOW - DAY)
    camera.line.refresh_from_db()
    assert camera.line.version is None
    found = weigh(camera.line, NOW)
    assert (found.since, found.cut, found.evidence.judged) == (NOW - 9 * DAY, "model", 10)


def promoted(at: datetime) -> None:
    VersionChange.objects.create(
        kind=ChangeKind.PROMOTE, version=a_version(), state=ChangeState.ACTIVE, asked_at=at, decided_at=at
    )


def test_a_model_s_first_hour_is_weighed_from_five_minutes_on(mara: Client, camera: Camera) -> None:
    promoted(NOW - timedelta(minutes=17))  # 14:03
    many_judged(camera, 30, NOW.replace(minute=0), "hole", 0.9, timedelta(seconds=5))  # the model before, in its hour
    many_judged(camera, 20, NOW.replace(minute=5), "good", 0.01, timedelta(seconds=10))
    found = weigh(camera.line, NOW)
    assert (found.since, found.until) == (NOW.replace(minute=5), NOW)
    assert (found.evidence.judged, found.evidence.flagged, len(found.evidence.sample)) == (20, 0, 20)
    assert found.evidence.an_hour == pytest.approx(80)  # twenty in a quarter of an hour
    page = text_of(mara, f"{PAGE}?threshold=0.4")
    assert "22 Nov 14:05 to 22 Nov 14:20" in page
    assert 'id="to-set"' in page


def test_just_after_a_promotion_it_says_from_when_it_speaks_and_offers_nothing(mara: Client, camera: Camera) -> None:
    many_judged(camera, 30, NOW - HOUR, "hole", 0.9)
    promoted(NOW + timedelta(seconds=30))
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        page = text_of(mara, f"{PAGE}?threshold=0.4")
    assert "From 14:25 on this page says what a threshold means." in page
    assert 'id="to-set"' not in page


def test_where_there_are_more_answers_than_are_read_the_period_begins_later(
    mara: Client, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_month(camera)
    monkeypatch.setattr(scores, "ANSWERS", 15)
    found = weigh(camera.line, NOW)
    assert found.cut == "answers"
    assert found.evidence.flagged == len(found.evidence.answers) == 10
    assert "more answers than a page can read" in text_of(mara)


def test_other_lines_do_not_count(mara: Client, camera: Camera) -> None:
    many_judged(a_camera("loom-2"), 30, NOW - DAY, "hole", 0.9)
    assert weigh(camera.line, NOW).evidence.judged == 0


def test_the_queries_do_not_grow_with_history(mara: Client, camera: Camera) -> None:
    many_judged(camera, 10, NOW - DAY)
    mara.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        mara.get(PAGE)
    for back in range(2, 20):
        many_judged(camera, 10, NOW - back * DAY, "hole", 0.9)
    with CaptureQueriesContext(connection) as many:
        mara.get(PAGE)
    assert len(many) == len(few)


# --- setting it ---------------------------------------------------------------------------------------------------


def send(
    client: Client, threshold: str = "0.3", expected: str = "", reason: str = "too many flags", status: int = 302
) -> str:
    response = client.post(PAGE, {"threshold": threshold, "expected": expected, "reason": reason})
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def test_setting_it_is_confirmed_and_kept_with_its_reason(mara: Client, camera: Camera) -> None:
    page = text_of(mara, f"{PAGE}?threshold=0.3&step=set")
    assert "From 0.20 to 0.30" in page
    assert "keeps its flag" in page
    assert a_line().threshold is None
    send(mara)
    assert a_line().threshold == 0.3
    moved = ThresholdChange.objects.get()
    assert (moved.old, moved.new, moved.reason, moved.at) == (None, 0.3, "too many flags", NOW)
    event = AuditEvent.objects.get(action="threshold")
    assert (event.subject, event.detail) == ("line loom-1", {"old": None, "new": 0.3, "reason": "too many flags"})
    assert "0.30 is in force, the line's own; the model's is 0.20" in text_of(mara)


def test_without_a_reason_nothing_is_set_and_what_was_chosen_stays(mara: Client) -> None:
    page = send(mara, reason="  ", status=400)
    assert "the reason is kept with the change" in page
    assert 'name="threshold" value="0.3"' in page
    assert not ThresholdChange.objects.exists()
    assert a_line().threshold is None


def test_two_who_move_it_at_once_are_told(mara: Client, camera: Camera) -> None:
    send(mara, "0.4", reason="the mill's wish")
    page = send(mara, "0.3", expected="", status=409)
    assert "mara moved it meanwhile: “the mill&#x27;s wish”" in page
    assert a_line().threshold == 0.4
    assert 'name="expected" value="0.4"' in page
    send(mara, "0.3", expected="0.4")
    assert a_line().threshold == 0.3


def test_a_second_press_finds_it_set_and_writes_nothing_more(mara: Client) -> None:
    send(mara)
    send(mara)
    assert ThresholdChange.objects.count() == AuditEvent.objects.filter(action="threshold").count() == 1
    assert "0.30 is in force." in text_of(mara)
    for _press in range(2):
        send(mara, "", expected="0.3", reason="Set back: too many flags")
    assert ThresholdChange.objects.count() == AuditEvent.objects.filter(action="threshold").count() == 2
    assert a_line().threshold is None


def test_it_is_taken_back_with_one_press(mara: Client) -> None:
    send(mara)
    page = text_of(mara)
    assert 'value="Set back: too many flags"' in page
    send(mara, "", expected="0.3", reason="Set back: too many flags")
    assert a_line().threshold is None
    assert [(one.old, one.new) for one in ThresholdChange.objects.all()] == [(0.3, None), (None, 0.3)]


@pytest.mark.parametrize("value", ["1.2", "-0.1", "nan", "inf", "much"])
def test_what_is_no_probability_is_refused(mara: Client, value: str) -> None:
    send(mara, value, status=400)
    assert a_line().threshold is None


def test_the_domain_refuses_by_itself(camera: Camera) -> None:
    boss = cast.mara()
    for new, reason in ((1.5, "x"), (float("nan"), "x"), (0.5, " "), (None, " ")):
        assert isinstance(change(camera.line, new, "", boss, reason, NOW), Refused), new
    assert isinstance(change(camera.line, 0.5, "0.1", boss, "x", NOW), Stale)
    assert not AuditEvent.objects.exists()


def test_the_next_batch_is_judged_by_it_and_what_was_judged_keeps_its_flag(posting: Client, tmp_path: Path) -> None:
    """Over the wire and through a worker: from 0 on everything is flagged."""
    mill.install(tmp_path)
    Line.objects.update(threshold=1.0)
    before = mill.judged(posting, a_png(1))
    change(a_line(), 0.0, "1.0", cast.mara(), "show all", NOW)
    after = mill.posted(posting, a_png(2))
    drain()
    after.refresh_from_db()
    before.refresh_from_db()
    verdicts = [capture.verdicts.get() for capture in (before, after)]
    assert [verdict.threshold for verdict in verdicts] == [1.0, 0.0]
    assert (before.flagged, after.flagged) == (verdicts[0].flagged, True)


def test_one_flagged_image_stays_flagged_when_the_threshold_rises(mara: Client, camera: Camera) -> None:
    capture = judged(camera, "hole", 0.25, at=NOW - HOUR)
    send(mara, "0.9")
    capture.refresh_from_db()
    assert capture.flagged is True
