"""The pages, by rows and HTTP: who sees what, in words, at what cost."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import AlarmState, Camera, Capture, Kind, ModelVersion, Person, Role, Roll, Shift, State
from inspections.pages import list_count, notices
from inspections.review.answers import decide
from tests import cast
from tests.audits import asked
from tests.cast import a_camera, a_line, signed_in
from tests.floor import an_alarm
from tests.judged import a_capture, a_version, failed, judged, many_judged

pytestmark = pytest.mark.django_db
POLL = {"HX-Request": "true"}
NOON = timezone.now().replace(hour=12, minute=0)  # no midnight between what is planted and the page


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def text_of(client: Client, address: str, status: int = 200, **headers: str) -> str:
    response = client.get(address, headers=headers or None)
    assert response.status_code == status, response.content
    return response.content.decode()


def queries(client: Client, address: str, headers: Any = None) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address, headers=headers).status_code in {200, 304}
    return len(found)


# --- signing in -------------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_goes_to_the_login_and_back() -> None:
    cast.olga()
    client = Client()
    response = client.get("/flagged/?line=loom-1")
    assert response.headers["Location"] == "/login/?next=/flagged/%3Fline%3Dloom-1"
    form = {"username": "olga", "password": cast.PASSWORD, "next": "/flagged/?line=loom-1"}
    assert client.post("/login/", form).headers["Location"] == "/flagged/?line=loom-1"


def test_a_wrong_password_is_told_in_words() -> None:
    cast.olga()
    response = Client().post("/login/", {"username": "olga", "password": "no"})
    assert "correct username and password" in response.content.decode()


def test_five_wrong_passwords_lock_the_name_from_there_alone(settings: Any) -> None:
    cast.olga()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = Client().post("/login/", {"username": "olga", "password": "no"})
    assert response.status_code == 429
    assert "Locked for now" in response.content.decode()
    right = {"username": "olga", "password": cast.PASSWORD}
    assert Client().post("/login/", right).status_code == 429
    assert Client(REMOTE_ADDR="10.9.8.7").post("/login/", right).status_code == 302


def test_signing_out_takes_a_post() -> None:
    client = signed_in(cast.olga())
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_a_poll_after_the_session_sends_the_whole_page_to_the_login() -> None:
    response = Client().get("/", headers={**POLL, "HX-Current-URL": "http://testserver/flagged/?order=worst"})
    assert response.headers["HX-Redirect"] == "/login/?next=%2Fflagged%2F%3Forder%3Dworst"
    assert response.content == b""


def test_a_press_after_the_session_was_not_done_and_says_so_and_leads_back_to_its_page() -> None:
    alarm, client = an_alarm(), Client()
    here = {"Referer": f"http://testserver/alarms/{alarm.pk}/?from=list"}
    sent = client.post(f"/alarms/{alarm.pk}/acknowledge/", headers=here)
    assert sent.headers["Location"] == f"/login/?next=/alarms/{alarm.pk}/%3Ffrom%3Dlist"
    door = sent.headers["Location"]
    assert "You were signed out: nothing was done." in text_of(client, door)
    back = client.post(door, {"username": cast.olga().username, "password": cast.PASSWORD})
    assert "You were signed out: nothing was done." in text_of(client, back.headers["Location"])
    assert "nothing was done" not in text_of(client, "/alarms/")
    client.logout()
    for other in ("https://evil.example/alarms/", "//evil.example/", ""):
        away = client.post(f"/alarms/{alarm.pk}/acknowledge/", headers={"Referer": other})
        assert away.headers["Location"] == "/login/?next=/"
    alarm.refresh_from_db()
    assert alarm.state == AlarmState.RAISED


def test_a_camera_key_opens_no_page() -> None:
    assert cast.with_key(a_camera()).get("/").status_code == 302


# --- who sees what ----------------------------------------------------------------------------------------------


def file_of(client: Client) -> bytes:
    return b"".join(client.get("/flagged.csv").streaming_content)  # type: ignore[attr-defined]


def test_what_was_flagged_for_its_score_alone_is_called_as_on_the_charts(mara: Client) -> None:
    a_version()
    many_judged(a_camera(), 1, timezone.now(), "good", 0.9)
    text = mara.get("/flagged/").content.decode()
    assert "</svg>Flagged, but no class</span>" in text
    assert b'"Flagged, but no class"' in file_of(mara)
    assert "Flagged, but no class</option>" in mara.get("/flagged/?show=anomalies").content.decode()
    decide(cast.ada(), Capture.objects.get(), "good", timezone.now())
    text = mara.get("/flagged/").content.decode()
    assert "</svg>Good</span>" in text
    assert "</svg>Flagged, but no class</span>" not in text
    assert b'"Flagged, but no class"' not in file_of(mara)


def test_an_operator_sees_their_line_alone_and_a_manager_all() -> None:
    for slug in ("loom-1", "loom-2"):
        judged(a_camera(slug))
    olga, mara = signed_in(cast.olga()), signed_in(cast.mara())
    assert 'id="line-loom-1"' in text_of(olga, "/")
    assert 'id="line-loom-2"' not in text_of(olga, "/")
    assert 'id="line-loom-2"' in text_of(mara, "/")


def test_what_is_not_yours_does_not_exist() -> None:
    capture = judged(a_camera("loom-1"))
    otto = signed_in(cast.otto())
    assert otto.get("/lines/loom-1/").status_code == 404
    for part in ("", "image/", "view/", "heatmap/"):
        assert otto.get(f"/captures/{capture.pk}/{part}").status_code == 404


def test_the_flagged_list_of_an_operator_holds_their_line_alone() -> None:
    mine, other = judged(a_camera("loom-1")), judged(a_camera("loom-2"))
    text = text_of(signed_in(cast.olga()), "/flagged/")
    assert str(mine.pk) in text
    assert str(other.pk) not in text


def test_another_line_cannot_be_asked_for_by_an_operator() -> None:
    a_line("loom-2", name="Secret line")
    text = text_of(signed_in(cast.olga()), "/flagged/?line=loom-2", status=400)
    assert "There is no “loom-2” here to choose." in text
    assert "Secret line" not in text


# --- lines ------------------------------------------------------------------------------------------------------


def test_without_lines_a_page_tells_what_to_do(mara: Client) -> None:
    assert "manage.py camera_key LINE CAMERA" in text_of(mara, "/")
    nobody = signed_in(cast.a_person("nora", Role.OPERATOR))
    assert "No line is yours yet" in text_of(nobody, "/")
    assert "No line is yours yet" in text_of(nobody, "/flagged/")


def test_a_line_without_captures_tells_what_to_do(mara: Client) -> None:
    a_camera()
    assert "Nothing received yet" in text_of(mara, "/")
    assert "1 not seen yet" in text_of(mara, "/")
    assert "Nothing received yet" in text_of(mara, "/lines/loom-1/")


@time_machine.travel(NOON)
def test_a_card_says_rate_counts_leading_class_and_freshness(mara: Client) -> None:
    camera = a_camera()
    now = timezone.now()
    many_judged(camera, 8, now - timedelta(minutes=1))
    judged(camera, "thread", at=now)
    failed(camera, at=now - timedelta(minutes=1))
    text = text_of(mara, "/")
    assert "11.1<small> %</small>" in text
    assert "1 of 9<" in text
    assert "<span>Thread</span>" in text
    assert f"{now:%H:%M:%S}</time>" in text
    assert "/lines/loom-1/#failed" in text


def test_a_number_opens_the_list_behind_it(mara: Client) -> None:
    capture = judged(a_camera(), "thread")
    address = text_of(mara, "/").split('id="rate-loom-1" href="')[1].split('"')[0].replace("&amp;", "&")
    assert str(capture.pk) in text_of(mara, address)


def test_a_silent_camera_is_told_in_words(mara: Client) -> None:
    a_camera(seen_at=timezone.now() - timedelta(minutes=5))
    a_camera(slug="right", seen_at=timezone.now())
    assert "left silent since" in text_of(mara, "/")


def test_the_line_page_lists_classes_cameras_strips_and_failures(mara: Client) -> None:
    camera = a_camera(seen_at=timezone.now())
    flagged, good = judged(camera, "cut"), judged(camera, "good", 0.01)
    broken = failed(camera, "three attempts used up")
    text = text_of(mara, "/lines/loom-1/")
    assert f'id="f-{flagged.pk}"' in text
    assert f'id="f-{good.pk}"' not in text
    assert f'id="l-{good.pk}"' in text
    assert "three attempts used up" in text
    assert f'id="failed-{broken.pk}"' in text


def test_hostile_names_are_escaped(mara: Client) -> None:
    line = a_line(name="<script>alert(1)</script>")
    roll = Roll.objects.create(code="<img src=x onerror=alert(2)>")
    capture = judged(Camera.objects.create(line=line, slug="left"), roll=roll)
    for address in ("/", "/lines/loom-1/", "/flagged/", f"/captures/{capture.pk}/"):
        text = text_of(mara, address)
        assert "<script>alert" not in text
        assert "<img src=x" not in text


# --- notices ----------------------------------------------------------------------------------------------------


def test_no_model_in_force_is_told_in_words(mara: Client) -> None:
    a_line()
    for address in ("/", "/lines/loom-1/", "/flagged/"):
        assert "No model is in force" in text_of(mara, address)


def test_a_line_with_its_own_model_needs_no_default(mara: Client) -> None:
    a_line(version=a_version(is_default=False))
    assert "No model is in force" not in text_of(mara, "/")


def test_a_broken_model_is_told_with_its_reason(mara: Client) -> None:
    a_line()
    a_version(broken="weights.safetensors does not match its hash")
    text = text_of(mara, "/")
    assert "Model 2026.11.1 could not be loaded" in text
    assert "weights.safetensors does not match its hash." in text


def test_captures_that_wait_long_are_told(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    a_version()
    a_capture(a_camera("loom-2"), timezone.now() - timedelta(seconds=30))
    assert "to be judged" not in text_of(mara, "/")
    for _ in range(4):
        a_capture(a_camera(), timezone.now() - timedelta(minutes=5))
    assert "4 captures wait to be judged" in text_of(mara, "/")
    assert "Judging stands still" in text_of(mara, "/")
    monkeypatch.setattr(notices, "MOST_COUNTED", 2)
    assert "More than 2 captures wait to be judged" in text_of(mara, "/")


@time_machine.travel(NOON)
def test_data_until_stops_where_captures_wait(mara: Client) -> None:
    a_version()
    now = timezone.now()
    a_capture(a_camera(), now - timedelta(seconds=50))
    judged(a_camera(), at=now)
    assert f"{now - timedelta(seconds=50):%H:%M:%S}</time>" in text_of(mara, "/")


def test_those_who_could_train_are_told_what_it_needs(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    a_version()
    monkeypatch.setattr(notices, "find_spec", lambda _name: None)
    assert "requirements/train.txt" in text_of(mara, "/")
    assert "requirements/train.txt" not in text_of(signed_in(cast.olga()), "/")
    monkeypatch.setattr(notices, "find_spec", lambda _name: object())
    assert "requirements/train.txt" not in text_of(mara, "/")


# --- polling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/lines/loom-1/", "/flagged/"])
def test_a_poll_gets_the_part_alone_and_304_when_nothing_is_new(mara: Client, address: str) -> None:
    judged(a_camera(), at=timezone.now() - timedelta(seconds=2))
    page, part = mara.get(address), mara.get(address, headers=POLL)
    assert b"<html" in page.content
    assert b"<html" not in part.content
    assert part.content in page.content
    etag = part.headers["ETag"]
    assert etag.strip('"') in page.content.decode()
    again = mara.get(address, headers={**POLL, "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    judged(a_camera())
    assert mara.get(address, headers={**POLL, "If-None-Match": etag}).status_code == 200


def test_pages_stay_in_their_readers_browser(mara: Client) -> None:
    response = mara.get("/")
    assert "private" in response.headers["Cache-Control"]
    assert "no-cache" in response.headers["Cache-Control"]
    assert "HX-Request" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("address", "most"),
    [("/", 14), ("/lines/loom-1/", 48), ("/flagged/", 12), ("/flagged/?order=worst&period=24h", 13)],
)
def test_a_poll_asks_the_same_few_questions_however_long_the_history(mara: Client, address: str, most: int) -> None:
    camera = a_camera()
    judged(camera)
    failed(camera)
    before = queries(mara, address, POLL)
    assert before <= most
    many_judged(camera, 400, timezone.now() - timedelta(days=30), "hole", 0.9, step=timedelta(hours=1))
    assert queries(mara, address, POLL) == before


def test_the_lines_page_asks_no_more_for_more_lines(mara: Client) -> None:
    judged(a_camera())
    before = queries(mara, "/")
    for number in range(2, 9):
        judged(a_camera(f"loom-{number}"))
    assert queries(mara, "/") == before


# --- flagged ----------------------------------------------------------------------------------------------------


def listed(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('id="c-')[1:]]


def ids(captures: list[Capture]) -> list[str]:
    return [str(capture.pk) for capture in captures]


def test_newest_first_and_worst_first(mara: Client) -> None:
    now = timezone.now()
    old_and_bad = judged(a_camera("loom-1"), "cut", 0.9, now - timedelta(minutes=9))
    new = judged(a_camera("loom-2"), "cut", 0.5, now)
    critical = judged(a_camera("loom-1"), "metal_contamination", 0.4, now - timedelta(minutes=5))
    assert listed(text_of(mara, "/flagged/")) == ids([new, critical, old_and_bad])
    assert listed(text_of(mara, "/flagged/?order=worst")) == ids([critical, old_and_bad, new])
    assert listed(text_of(mara, "/flagged/?order=worst&period=1h")) == ids([critical, old_and_bad, new])


def test_what_is_not_flagged_is_not_listed(mara: Client) -> None:
    judged(a_camera(), "good", 0.01)
    failed(a_camera())
    a_capture(a_camera())
    text = text_of(mara, "/flagged/")
    assert listed(text) == []
    assert "Nothing is flagged" in text


def test_filters_narrow_by_line_class_and_time(mara: Client) -> None:
    now = timezone.now()
    hole = judged(a_camera("loom-1"), "hole", at=now - timedelta(minutes=30))
    strange = judged(a_camera("loom-1"), "unknown", 0.7, at=now - timedelta(hours=5))
    other = judged(a_camera("loom-2"), "hole", at=now - timedelta(days=3))
    assert listed(text_of(mara, "/flagged/?line=loom-2")) == ids([other])
    assert listed(text_of(mara, "/flagged/?class=hole")) == ids([hole, other])
    assert listed(text_of(mara, "/flagged/?class=unknown")) == ids([strange])
    assert listed(text_of(mara, "/flagged/?period=8h")) == ids([hole, strange])
    assert listed(text_of(mara, "/flagged/?period=8h&class=hole&line=loom-1")) == ids([hole])
    since, until = (f"{now - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (6, 4))
    assert listed(text_of(mara, f"/flagged/?since={since}&until={until}")) == ids([strange])
    assert "Nothing fits these filters" in text_of(mara, "/flagged/?class=cut")


def test_times_to_the_second_of_a_link_are_told_and_kept_by_the_filters(mara: Client) -> None:
    a_line()
    text = text_of(mara, "/flagged/?since=2026-11-22T13:00:07Z&order=worst")
    assert "<strong>From 22 Nov 2026 13:00 on</strong>" in text
    assert "Any time</a>" in text
    assert 'aria-current="true">Any time' not in text
    assert 'id="all-times" href="?order=worst"' in text
    assert '<input type="hidden" name="since" value="2026-11-22T13:00:07Z">' in text
    assert 'href="?order=worst&amp;when=7d"' in text  # another period lets go of them


def test_a_list_of_a_stretch_is_called_by_it_and_by_no_other_period(mara: Client) -> None:
    a_line()
    span = "since=2026-11-22T06:50:00Z&until=2026-11-23T06:50:00Z"
    for more, where in (("", "?"), ("when=91d&", "?when=91d")):
        text = text_of(mara, f"/flagged/?{more}{span}")
        assert re.findall(r"<strong>(.*?)</strong>", text.split('id="when"')[1])[:1] == [
            "22 Nov 2026 06:50 – 23 Nov 2026 06:50"
        ]
        assert 'aria-current="true"' not in text.split('id="when"')[1].split("</section>")[0]
        assert f'id="all-times" href="{where}"' in text
        assert "Earlier</a>" not in text
    assert "all-times" not in text_of(mara, "/flagged/?when=91d")


def test_flagged_of_one_shift_can_be_asked_and_frozen(mara: Client) -> None:
    shift = Shift.objects.create(name="Early", starts="06:00", ends="14:00", days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    day = timezone.now() - timedelta(days=2)
    inside = judged(a_camera(), "hole", at=day.replace(hour=7))
    judged(a_camera(), "hole", at=day.replace(hour=15))
    text = text_of(mara, f"/flagged/?when=shift-{shift.pk}-{day:%Y-%m-%d}")
    assert listed(text) == ids([inside])
    assert "Freeze these times" in text_of(mara, "/flagged/?when=7d&line=loom-1")
    assert "Compare with" not in text
    assert listed(text_of(mara, f"/flagged/?from={day:%Y-%m-%d}T06:00&to={day:%Y-%m-%d}T14:00")) == ids([inside])


def test_a_period_that_moves_hides_nothing_of_a_clock_that_is_ahead(mara: Client) -> None:
    ahead = judged(a_camera(), "hole", at=timezone.now() + timedelta(minutes=11))
    assert listed(text_of(mara, "/flagged/?when=24h")) == ids([ahead])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("line=nope", "There is no “nope” here to choose."),
        ("class=nope", "There is no “nope” here to choose."),
        ("class=%00", "There are characters in the address that nobody can type."),
        ("order=best", "There is no “best” here to choose."),
        ("period=9y", "There is no period “9y” here to choose."),
        ("when=shift-1-2026-11-22", "This shift is not defined any more."),
        ("since=yesterday", "This is no time."),
        ("since=0001-01-01T00:00%2B14:00", "The year must lie between 2000 and 2100."),
        ("until=9999-12-31T23:59-14:00", "The year must lie between 2000 and 2100."),
        ("since=2026-11-22T14:00&until=2026-11-22T13:00", "This must be later than “From”."),
        ("after=nonsense", "This address is damaged."),
        ("after=0001-01-01T00:00:00%2B23:59~0199d0a0-0000-7000-8000-000000000000", "This address is damaged."),
        ("after=2026-11-22T14:00:00Z~x", "This address is damaged."),
        ("after=2026-11-22T14:00:00~0199d0a0-0000-7000-8000-000000000000", "This address is damaged."),
        ("order=worst&after=nan~0199d0a0-0000-7000-8000-000000000000", "This address is damaged."),
        ("after=2026-13-45T14:00:00Z~0199d0a0-0000-7000-8000-000000000000", "This address is damaged."),
        ("after=" + "x" * 101, "at most 100 characters"),
        ("line=%3Cscript%3Ealert(1)%3C/script%3E", "&lt;script&gt;"),
    ],
)
def test_a_bad_filter_is_told_in_words(mara: Client, query: str, words: str) -> None:
    a_line()
    text = text_of(mara, f"/flagged/?{query}", status=400)
    assert words in text
    assert "<script>alert" not in text


@pytest.mark.parametrize("order", ["new", "worst"])
def test_pages_follow_each_other_without_gap_or_repeat_even_through_ties(mara: Client, order: str) -> None:
    at = timezone.now() - timedelta(hours=1)
    everything = {
        str(capture.pk) for slug in ("loom-1", "loom-2") for capture in many_judged(a_camera(slug), 60, at, "hole", 0.9)
    }
    address: str | None = f"/flagged/?order={order}&class=hole"
    seen: list[str] = []
    while address:
        text = text_of(mara, address)
        seen += listed(text)
        following = text.split('id="next-page" rel="next" href="')[1:]
        address = "/flagged/" + following[0].split('"')[0].replace("&amp;", "&") if following else None
    assert len(seen) == len(everything)
    assert set(seen) == everything


def asked_blind(capture: Capture) -> None:
    """Mara has it before her, as a question that keeps from her what the model said."""
    asked(capture, Kind.AUDIT, timezone.now(), Person.objects.get(username="mara"))


def test_the_list_says_how_many_its_pages_hold_together_without_what_is_asked_blind(mara: Client) -> None:
    at = timezone.now() - timedelta(hours=1)
    for slug in ("loom-1", "loom-2"):
        many_judged(a_camera(slug), 40, at, "hole", 0.9)
        many_judged(a_camera(slug), 30, at, "cut", 0.9)
    asked_blind(Capture.objects.filter(line__slug="loom-1", defect_class__code="hole")[0])
    for query, number in (
        ("", 139),
        ("class=hole", 79),
        ("line=loom-1", 69),
        ("line=loom-1&class=hole&order=worst", 39),
    ):
        shown, address = 0, f"/flagged/?{query}"
        while address:
            text = text_of(mara, address)
            assert f'id="count">{number} images</p>' in text
            shown += len(listed(text))
            following = text.split('id="next-page" rel="next" href="')[1:]
            address = "/flagged/" + following[0].split('"')[0].replace("&amp;", "&") if following else ""
        assert shown == number


@pytest.mark.parametrize("show", ["flagged", "anomalies", "judged"])
def test_a_long_list_of_a_line_s_period_is_counted_by_its_figures_and_others_no_further(
    mara: Client, monkeypatch: pytest.MonkeyPatch, show: str
) -> None:
    monkeypatch.setattr(list_count, "MOST_COUNTED", 10)
    at = timezone.now() - timedelta(hours=1)
    many_judged(a_camera(), 12, at, "hole", 0.9)
    many_judged(a_camera(), 15, at, "cut", 0.9)
    many_judged(a_camera(), 11, at - timedelta(days=2), "cut", 0.9)
    asked_blind(Capture.objects.filter(defect_class__code="hole")[0])
    of = {"line=loom-1&when=24h": "26 images", "line=loom-1": "More than 10 images", "camera=left&when=24h": "More"}
    if show != "judged":  # of which no class is kept
        of |= {"line=loom-1&when=24h&class=cut": "15 images", "line=loom-1&when=24h&classes=hole,thread": "11 images"}
    for query, words in of.items():
        assert f'id="count">{words}' in text_of(mara, f"/flagged/?show={show}&{query}"), query


def test_what_no_index_holds_is_not_counted(mara: Client) -> None:
    for slug in ("loom-1", "loom-2"):
        judged(a_camera(slug), "hole", 0.9)
    for query, is_said in (("class=hole", True), ("camera=left", True), ("class=hole&camera=left", False)):
        assert ('id="count">2 images' in text_of(mara, f"/flagged/?{query}")) == is_said
    assert 'id="count">1 image<' in text_of(mara, "/flagged/?class=hole&camera=left&line=loom-1")


def test_an_empty_further_page_leads_back(mara: Client) -> None:
    a_line()
    mark = "2020-01-01T00:00:00Z~0199d0a0-0000-7000-8000-000000000000"
    assert "No more captures" in text_of(mara, f"/flagged/?after={mark}")


def plan(wanted: Any) -> str:
    from inspections.pages.worklist import _of_line

    with CaptureQueriesContext(connection) as found:
        list(_of_line(wanted, wanted.lines[0], 49))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{found[-1]['sql']}")
        return str(cursor.fetchall())


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL scans a table that is small")
def test_each_order_reads_its_own_index() -> None:
    from inspections.pages.worklist import Order, Wanted

    lines = (a_line(),)
    since = timezone.now() - timedelta(hours=1)
    assert "capture_flagged_new" in plan(Wanted(lines))
    assert "capture_flagged_worst" in plan(Wanted(lines, Order.WORST))
    assert "capture_flagged_new" in plan(Wanted(lines, Order.WORST, since=since))
    assert "TEMP B-TREE" not in plan(Wanted(lines)) + plan(Wanted(lines, Order.WORST))


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL scans a table that is small")
def test_anomalies_and_all_that_was_judged_read_an_index_of_their_own() -> None:
    from inspections.pages.worklist import Order, Show, Wanted

    lines, since = (a_line(),), timezone.now() - timedelta(hours=1)
    newest, worst = Wanted(lines, show=Show.ANOMALIES), Wanted(lines, Order.WORST, show=Show.ANOMALIES)
    assert "capture_anomaly_new" in plan(newest)
    assert "capture_anomaly_worst" in plan(worst)
    assert "capture_anomaly_class" in plan(Wanted(lines, defect_class="hole", show=Show.ANOMALIES))
    assert "capture_anomaly_new" in plan(Wanted(lines, Order.WORST, since=since, show=Show.ANOMALIES))
    judged_ones = Wanted(lines, show=Show.JUDGED)
    assert "capture_line_time" in plan(judged_ones)
    assert "TEMP B-TREE" not in plan(newest) + plan(worst) + plan(judged_ones)
    for of_camera in (Wanted(lines, show=Show.JUDGED, camera="left"), Wanted(lines, show=Show.JUDGED, camera="none")):
        assert "capture_camera_time" in plan(of_camera)
        assert "capture_line_time" not in plan(of_camera)


@pytest.mark.parametrize(
    "address", ["/flagged/?show=judged&camera=left", "/flagged/?show=judged&camera=left&line=loom-1"]
)
def test_all_that_a_camera_judged_is_read_page_by_page_from_every_line_that_has_one(mara: Client, address: str) -> None:
    at = timezone.now() - timedelta(hours=1)
    wanted = {one.pk for slug in ("loom-1", "loom-2") for one in many_judged(a_camera(slug, "left"), 30, at)}
    if "line=" in address:
        wanted = set(Capture.objects.filter(line__slug="loom-1").values_list("pk", flat=True))
    many_judged(a_camera(slug="right"), 5, at)
    a_camera("loom-3", "left")
    failed(a_camera())
    pages = [text_of(mara, address)]
    while 'id="next-page"' in pages[-1]:
        following = pages[-1].split('id="next-page" rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        pages.append(text_of(mara, f"/flagged/{following}"))
    found = [key for text in pages for key in listed(text)]
    assert len(found) == len(wanted)
    assert set(found) == {str(key) for key in wanted}
    assert listed(text_of(mara, address.replace("left", "nobody"))) == []


# --- one capture ------------------------------------------------------------------------------------------------


def test_a_flagged_capture_says_what_and_why(mara: Client) -> None:
    roll = Roll.objects.create(code="R-7")
    capture = judged(a_camera(), "hole", 0.9, roll=roll, position_m=12.5, offset_mm=310.0, sequence=4)
    text = text_of(mara, f"/captures/{capture.pk}/")
    for words in ("<strong>Hole</strong>", "Flagged", "81.0 %", "Anomaly score 0.900; from 0.200", "2026.11.1"):
        assert words in text
    for words in ("R-7", "12.50 m from the start", "310 mm from the left selvedge", "number 4"):
        assert words in text
    assert bytes(capture.sha256).hex() in text
    assert "Judged by 2026.11.1: Hole" in text
    assert 'id="heat-layer"' in text


def test_an_unknown_capture_is_flagged_and_says_why(mara: Client) -> None:
    capture = judged(a_camera(), "unknown", None, warnings=("not-a-number", "dark"))
    text = text_of(mara, f"/captures/{capture.pk}/")
    for words in ("<strong>Unknown</strong>", "There is no anomaly score.", "Too dark to be judged."):
        assert words in text
    assert "The model did not answer in numbers." in text


def test_a_failed_capture_gives_its_reason(mara: Client) -> None:
    capture = failed(a_camera(), "three attempts used up")
    text = text_of(mara, f"/captures/{capture.pk}/")
    assert "<strong>Failed</strong>three attempts used up" in text
    assert "counts neither as good nor as bad" in text


def test_a_pending_capture_looks_again_until_it_is_judged(mara: Client) -> None:
    capture = a_capture(a_camera())
    address = f"/captures/{capture.pk}/"
    text = text_of(mara, address)
    assert "<strong>Waiting</strong>" in text
    assert 'hx-trigger="every' in text
    done = judged(a_camera())
    assert 'hx-trigger="every' not in text_of(mara, f"/captures/{done.pk}/")
    assert mara.get(f"/captures/{done.pk}/", headers=POLL).status_code == 286  # htmx: stop polling


def test_a_passed_defect_says_that_it_is_not_flagged(mara: Client) -> None:
    capture = judged(a_camera(), "thread", 0.5, threshold=0.6)
    text = text_of(mara, f"/captures/{capture.pk}/")
    assert "<strong>Thread</strong>Not flagged" in text


def test_a_wrong_clock_is_marked(mara: Client) -> None:
    capture = judged(a_camera(), captured_at=datetime(1999, 1, 1, tzinfo=UTC), warnings=("clock",))
    text = text_of(mara, f"/captures/{capture.pk}/")
    assert "wrong clock" in text
    assert "counted by its arrival" in text


def test_a_warning_without_words_yet_is_shown_as_it_is(mara: Client) -> None:
    capture = judged(a_camera(), warnings=("moire",))
    assert "<span>moire</span>" in text_of(mara, f"/captures/{capture.pk}/")


def test_previous_and_next_are_of_the_same_camera(mara: Client) -> None:
    first, _other, second = judged(a_camera()), judged(a_camera(slug="right")), judged(a_camera())
    assert f'id="newer" href="/captures/{second.pk}/"' in text_of(mara, f"/captures/{first.pk}/")
    assert f'id="older" href="/captures/{first.pk}/"' in text_of(mara, f"/captures/{second.pk}/")
    assert 'id="newer"' not in text_of(mara, f"/captures/{second.pk}/")


def test_a_shadow_verdict_stands_beside(mara: Client) -> None:
    capture = judged(a_camera(), "hole")
    shadow = a_version("2026.12.0", is_default=False, state=State.SHADOW)
    capture.verdicts.create(
        version=shadow, effective=False, threshold=0.2, flagged=True, judged_at=timezone.now(), latency_ms=1
    )
    text = text_of(mara, f"/captures/{capture.pk}/")
    assert "<strong>Hole</strong>" in text
    assert "it is not the effective verdict" in text


def test_a_missing_file_and_a_kind_that_no_browser_shows_have_words(mara: Client) -> None:
    gone, tiff = judged(a_camera()), judged(a_camera(), suffix="tiff")
    default_storage.delete(gone.path)
    assert "The file of this capture is gone." in text_of(mara, f"/captures/{gone.pk}/")
    assert "A browser cannot show this kind of file." in text_of(mara, f"/captures/{tiff.pk}/")


def test_one_page_of_a_capture_asks_few_questions(mara: Client) -> None:
    capture = judged(a_camera())
    many_judged(a_camera(), 300, timezone.now())
    assert queries(mara, f"/captures/{capture.pk}/") <= 13


def test_a_model_whose_name_is_hostile_is_escaped(mara: Client) -> None:
    capture = judged(a_camera())
    ModelVersion.objects.update(name="<b onclick=x>")
    assert "<b onclick" not in text_of(mara, f"/captures/{capture.pk}/")
