"""The overview: how each line stands, in words and figures, worst first, at a constant cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import alarms
from inspections.last_day import days
from inspections.models import AlarmState, Camera, Kind, ReviewItem, RuleKind, ThresholdChange
from inspections.models.rollup import SLOT
from inspections.pages.strips import strip
from inspections.standing import State, slot_of, standings
from inspections.watching import data_until, watched_lines
from tests import cast
from tests.alarmed import MINUTE, a_rule, counted
from tests.cast import a_camera, a_line, signed_in
from tests.floor import a_running_line, a_standing_baseline, an_alarm, critical_rule, in_a_slot
from tests.judged import a_capture, a_version, failed, judged

pytestmark = pytest.mark.django_db
POLL = {"HX-Request": "true"}
NOON = timezone.now().replace(hour=12, minute=0)  # no midnight between what is planted and the page


@pytest.fixture
def mara() -> Client:
    a_version()
    return signed_in(cast.mara())


def text_of(client: Client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def row_of(client: Client, slug: str = "loom-1") -> str:
    """The row of one line, its spaces drawn together."""
    found = re.search(rf'<li class="desk-row[^>]*id="line-{slug}">(.*?)</li>', text_of(client), re.DOTALL)
    assert found
    return " ".join(found[1].split())


def state_of(slug: str = "loom-1") -> State:
    found = standings(list(watched_lines(a_manager())), timezone.now())
    return next(one.state for one in found if one.line.slug == slug)


def a_manager() -> Any:
    return cast.Person.objects.filter(username="mara").first() or cast.mara()


def link(text: str, element: str) -> str:
    found = re.search(rf'id="{element}" href="([^"]*)"', text)
    assert found
    return found[1].replace("&amp;", "&")


# --- the state --------------------------------------------------------------------------------------------------


def test_within_its_limits_a_line_is_normal_and_its_limit_stands_there(mara: Client) -> None:
    a_standing_baseline(a_running_line())
    row = row_of(mara)
    assert "Normal" in row
    assert re.search(r"2\.0<small> %</small>", row)
    assert re.search(r"limit \d\.\d %", row)
    assert "No line is abnormal." in text_of(mara)


def test_without_a_baseline_it_says_so(mara: Client) -> None:
    a_running_line(bad=30)
    assert "No baseline in force" in row_of(mara)
    assert "only absolute limits raise an alarm" in text_of(mara)


def test_beyond_the_limit_it_is_abnormal_in_a_word_and_since_when(mara: Client) -> None:
    a_standing_baseline(a_running_line(bad=12, bad_slots=6))
    row = row_of(mara)
    assert "Abnormal" in row
    assert "The rate is above its limit." in row
    since = re.search(r"since \d\d:\d\d, (\d+) min", row)
    assert since
    assert 20 <= int(since[1]) <= 40
    assert "1 line is abnormal." in text_of(mara)


@pytest.mark.parametrize("bad_slots", [72, 400])
def test_a_signal_that_no_alarm_tells_of_says_since_when_up_to_a_day_back(bad_slots: int) -> None:
    line, now = a_line(), slot_of(timezone.now()) + 4 * MINUTE
    a_standing_baseline(line)
    first = slot_of(now) - (bad_slots - 1) * SLOT
    for place in range(bad_slots):
        counted(line, first + place * SLOT, 100, 30)
    (one,) = standings(list(watched_lines(cast.mara())), now)
    assert one.since == max(first, slot_of(now) - timedelta(hours=24) - 2 * SLOT)


def test_a_rate_below_its_lower_limit_is_a_signal_too(mara: Client) -> None:
    a_standing_baseline(a_running_line(anomalies=30, bad=1, bad_slots=6), centre=0.3)
    assert "The rate is below its lower limit." in row_of(mara)


def test_a_handful_of_captures_is_no_signal(mara: Client) -> None:
    camera = a_camera(seen_at=timezone.now())
    for _ in range(3):
        judged(camera, "hole")
    a_standing_baseline(camera.line)
    assert "Normal" in row_of(mara)


def test_another_threshold_breaks_the_baseline(mara: Client) -> None:
    line = a_running_line(bad=12, bad_slots=6)
    a_standing_baseline(line)
    ThresholdChange.objects.create(line=line, at=timezone.now() - timedelta(hours=1), new=0.3, reason="too many")
    assert state_of() == State.NO_BASELINE


def test_an_alarm_makes_it_abnormal_until_somebody_has_seen_it(mara: Client) -> None:
    a_standing_baseline(a_running_line())
    alarm = an_alarm()
    row = row_of(mara)
    assert "Abnormal" in row
    assert alarm.words in row
    olga = cast.olga()
    olga.first_name = "Olga"
    olga.save()
    alarms.acknowledge(alarm, olga, "needle changed", timezone.now())
    row = row_of(mara)
    assert "Acknowledged" in row
    assert re.search(r"Olga, \d\d:\d\d: needle changed", row)


def test_a_signal_is_not_hidden_by_an_alarm_about_something_else(mara: Client) -> None:
    a_standing_baseline(a_running_line(bad=12, bad_slots=6))
    silent = an_alarm(rule=a_rule(RuleKind.SILENT))
    alarms.acknowledge(silent, cast.olga(), "", timezone.now())
    assert state_of() == State.ABNORMAL
    assert "The rate is above its limit." in row_of(mara)
    rate = an_alarm(rule=a_rule(RuleKind.LIMIT))
    alarms.acknowledge(rate, cast.otto(), "", timezone.now())
    assert state_of() == State.ACKNOWLEDGED


def test_a_silent_camera_is_named_with_its_time(mara: Client) -> None:
    line = a_running_line()
    a_standing_baseline(line)
    since = timezone.now() - timedelta(hours=2)
    Camera.objects.filter(line=line).update(seen_at=since)
    row = row_of(mara)
    assert "Camera silent" in row
    assert f"left silent since {timezone.localtime(since):%H:%M}" in row
    assert "1 camera is silent." in text_of(mara)


def test_a_camera_that_never_came_up_is_named_with_the_time_it_was_made(mara: Client) -> None:
    a_standing_baseline(a_running_line())
    since = timezone.now() - timedelta(hours=2)
    a_camera(slug="right")
    Camera.objects.filter(slug="right").update(created_at=since)
    row = row_of(mara)
    assert "Camera silent" in row
    assert f"right not heard since {timezone.localtime(since):%H:%M}" in row
    page = text_of(mara, "/lines/loom-1/")
    assert "#i-silent" in page
    assert "Not seen yet" not in page


def test_judging_that_stands_still_is_said(mara: Client) -> None:
    a_standing_baseline(a_running_line())
    a_capture(a_camera(), timezone.now() - timedelta(minutes=5))
    assert "Judging stands still" in row_of(mara)


def test_a_line_that_nothing_comes_from_is_idle_and_a_new_one_is_new(mara: Client) -> None:
    judged(a_camera(seen_at=timezone.now()), at=timezone.now() - timedelta(hours=3))
    a_camera("loom-2")
    assert "Nothing arrives" in row_of(mara)
    assert "No data yet" in row_of(mara, "loom-2")
    assert "Nothing received yet" in row_of(mara, "loom-2")


def test_worst_first(mara: Client) -> None:
    for slug in ("loom-1", "loom-2", "loom-3", "loom-4", "loom-5"):
        a_standing_baseline(a_running_line(slug))
    an_alarm("loom-4", a_rule())
    an_alarm("loom-5", critical_rule())
    Camera.objects.filter(line__slug="loom-3").update(seen_at=timezone.now() - timedelta(hours=1))
    acknowledged = an_alarm("loom-2", a_rule(name="other"))
    alarms.acknowledge(acknowledged, cast.olga(), "", timezone.now())
    order = re.findall(r'id="line-(loom-\d)"', text_of(mara))
    assert order == ["loom-5", "loom-4", "loom-3", "loom-2", "loom-1"]


# --- the figures ------------------------------------------------------------------------------------------------


def test_every_number_opens_what_it_counts(mara: Client) -> None:
    now = timezone.now()
    found = judged(a_camera(), "cut", at=now)
    older = judged(a_camera(), "cut", at=now - timedelta(hours=1))
    other = judged(a_camera(), "unknown", 0.9, at=now)
    alarm = an_alarm()
    text = text_of(mara)
    listed = text_of(mara, link(text, "rate-loom-1"))
    assert str(found.pk) in listed
    assert str(older.pk) not in listed
    leading = text_of(mara, link(text, "leading-loom-1"))
    assert str(found.pk) in leading or str(other.pk) in leading
    assert (str(found.pk) in leading) != (str(other.pk) in leading)
    assert link(text, "trouble-loom-1") == f"/alarms/{alarm.pk}/"
    assert link(text, "open-loom-1") == "/lines/loom-1/"
    assert link(text, "queue-loom-1") == "/queue/?line=loom-1"


def test_the_leading_defect_is_of_now_and_not_of_the_day(mara: Client) -> None:
    now = timezone.now()
    for _ in range(3):
        judged(a_camera(), "hole", at=now - timedelta(hours=3))
    judged(a_camera(), "thread", at=now)
    row = row_of(mara)
    assert "Thread" in row
    assert "Hole" not in row


def test_the_queue_is_told_with_its_age_and_without_what_is_hidden(mara: Client) -> None:
    now = timezone.now()
    for minutes in (40, 5):
        judged(a_camera(), "hole", at=now - timedelta(minutes=minutes))
    ReviewItem.objects.order_by("id").update(created_at=now - timedelta(minutes=40))
    hidden = judged(a_camera(), "good", 0.01)
    ReviewItem.objects.create(
        capture=hidden, line=hidden.line, kind=Kind.AUDIT, counted_at=now, created_at=now - timedelta(days=1)
    )
    row = row_of(mara)
    assert ">2<" in row
    assert "oldest 40 min" in row


def test_a_long_queue_is_not_counted_to_its_end(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        judged(a_camera(), "hole")
    for module in ("inspections.backlog", "inspections.pages.desk"):
        monkeypatch.setattr(f"{module}.MOST_COUNTED", 2)
    assert "over 2<" in row_of(mara)


@time_machine.travel(NOON)
def test_data_until_is_to_the_second(mara: Client) -> None:
    now = timezone.now()
    judged(a_camera(), at=now)
    assert f"{timezone.localtime(now):%H:%M:%S}</time>" in row_of(mara)


def test_data_until_is_when_the_oldest_cloth_was_made_that_still_waits(mara: Client) -> None:
    now = timezone.now()
    judged(a_camera(), at=now)
    a_capture(a_camera(), now - timedelta(minutes=10), attempts=1)
    late = now - timedelta(hours=3)
    a_capture(a_camera(), late, received_at=now)  # a camera kept it back while the network was down
    (watched,) = watched_lines(a_manager())
    assert data_until(watched) == late


def test_the_strip_marks_hours_above_their_limit(mara: Client) -> None:
    line = a_running_line()
    baseline = a_standing_baseline(line)
    in_a_slot(line, slot_of(timezone.now() - timedelta(hours=5)), 40)
    day = days([line.pk], timezone.now())[line.pk]
    drawn = strip(day, baseline, 50)
    assert drawn.beyond.count("M") == 1
    assert drawn.limit
    assert "Hours above their limit: 1." in drawn.words
    assert strip(day, None, 50).limit == ""


def test_failed_captures_are_counted_where_they_can_be_opened(mara: Client) -> None:
    failed(a_camera())
    judged(a_camera())
    assert "1 failed" in row_of(mara)
    assert link(text_of(mara), "failed-now-loom-1") == "/lines/loom-1/#failed"


# --- who, and at what cost --------------------------------------------------------------------------------------


def test_an_operator_sees_and_acknowledges_their_own_line_alone() -> None:
    a_version()
    mine, other = an_alarm("loom-1"), an_alarm("loom-2", a_rule(name="other"))
    for slug in ("loom-1", "loom-2"):
        judged(a_camera(slug))
    olga = signed_in(cast.olga())
    text = text_of(olga)
    assert other.words in text
    assert 'id="line-loom-2"' not in text
    assert olga.post(f"/alarms/{other.pk}/acknowledge/", {"next": "/"}).status_code == 404
    done = olga.post(f"/alarms/{mine.pk}/acknowledge/", {"note": "on my way", "next": "/"})
    assert done.headers["Location"] == "/"
    assert "on my way" in row_of(olga)


def test_a_poll_of_an_unchanged_page_is_304_although_its_forms_carry_tokens(mara: Client) -> None:
    an_alarm()
    a_line("loom-1")
    first = mara.get("/", headers=POLL)
    again = mara.get("/", headers={**POLL, "If-None-Match": first.headers["ETag"]})
    assert b"csrfmiddlewaretoken" in first.content
    assert again.status_code == 304


def test_more_lines_and_more_alarms_ask_no_more_questions(mara: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert mara.get("/", headers=POLL).status_code == 200
        return len(found)

    a_standing_baseline(a_running_line())
    an_alarm(rule=a_rule())
    before = asked()
    for number in range(2, 6):
        a_standing_baseline(a_running_line(f"loom-{number}", bad=12))
        an_alarm(f"loom-{number}", critical_rule(name=f"rule {number}"))
    assert asked() == before
    assert before <= 25


def test_the_tab_counts_open_alarms_of_the_readers_lines(mara: Client) -> None:
    an_alarm("loom-1")
    an_alarm("loom-2", a_rule(name="other"))
    assert 'id="open-alarms"><span class="visually-hidden">open: </span>2<' in text_of(mara)
    assert 'id="open-alarms"><span class="visually-hidden">open: </span>1<' in text_of(signed_in(cast.olga()))


def test_the_tab_alone_tells_which_lines_have_alarms_that_nobody_has_seen_and_no_more(mara: Client) -> None:
    new = an_alarm("loom-1", critical_rule(), words="Metal was seen.")
    an_alarm("loom-2", a_rule(name="other"))
    an_alarm("loom-1", a_rule(name="seen"), state=AlarmState.ACKNOWLEDGED)
    olga = signed_in(cast.olga())
    text = " ".join(olga.get("/alarms/raised/").content.decode().split())
    assert '<span class="visually-hidden">open: </span>2<' in text
    assert text.count("data-alarm") == 1
    assert f'data-alarm="{new.pk}" data-critical data-told="loom-1"' in text
    assert "Metal" not in text
    assert mara.get("/alarms/raised/").content.decode().count("data-alarm") == 2
    pages = {address: olga.get(address).content.decode() for address in ("/", "/alarms/", "/lines/loom-1/", "/queue/")}
    asks = {address for address, page in pages.items() if 'data-raised="/alarms/raised/"' in page}
    assert asks == {"/lines/loom-1/", "/queue/"}  # the others show the alarms themselves
