"""The alarms' pages: the list with its filters, one alarm, what people do with it, and how fast they were."""

import email
import email.policy
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from inspections import alarms
from inspections.models import (
    Alarm,
    AlarmRule,
    AlarmState,
    AuditEvent,
    Capture,
    Channel,
    ChannelKind,
    Delivery,
    ReviewItem,
    RuleKind,
    Shift,
)
from inspections.pages import alarm_list
from tests import cast
from tests.alarmed import a_channel, a_rule
from tests.cast import a_camera, a_line, signed_in
from tests.floor import an_alarm, critical_rule
from tests.judged import a_version, judged, many_judged
from tests.listeners import a_mail_server
from tests.processes import free_port
from workers.telling import outbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mara() -> Client:
    a_version()
    return signed_in(cast.mara())


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


def history_of(text: str) -> list[str]:
    return re.findall(r'id="alarm-(\d+)"', text)


def resolved(number: int, took: timedelta | None = None, rule: str = "") -> Alarm:
    """An alarm of so many hours ago, on which people acted after `took`."""
    raised = timezone.now() - timedelta(hours=number)
    kept = a_rule(name=rule or f"rule {number}")
    alarm = an_alarm(rule=kept, raised_at=raised, since=raised, state=AlarmState.RESOLVED, resolved_at=raised + MINUTE)
    if took:
        Alarm.objects.filter(pk=alarm.pk).update(acted_at=raised + took)
    return alarm


# --- the list ---------------------------------------------------------------------------------------------------


def test_open_ones_stand_first_and_the_critical_before_the_others(mara: Client) -> None:
    an_alarm("loom-1", a_rule())
    metal = an_alarm("loom-2", critical_rule(), words="Metal was seen.")
    opened = re.findall(r'id="alarm-open-(\d+)"', text_of(mara, "/alarms/"))
    assert opened[0] == str(metal.pk)
    assert len(opened) == 2


def test_without_alarms_it_says_so(mara: Client) -> None:
    text = text_of(mara, "/alarms/")
    assert "No alarm is open." in text
    assert "No alarm was raised in this time." in text


def test_the_median_time_from_first_defect_to_action_is_shown(mara: Client) -> None:
    for number, took in ((2, 10 * MINUTE), (3, 30 * MINUTE), (4, 20 * MINUTE), (5, None)):
        resolved(number, took)
    text = " ".join(text_of(mara, "/alarms/").split())
    assert "<strong>20 min</strong> in the median, of 3 of 4 alarms about cloth." in text
    assert text.count("10 min") >= 1


def test_the_time_to_an_action_is_of_alarms_about_cloth_alone(mara: Client) -> None:
    resolved(2, 10 * MINUTE)
    silent = resolved(3, 600 * MINUTE)
    AlarmRule.objects.filter(pk=silent.rule_id).update(kind=RuleKind.SILENT)
    text = " ".join(text_of(mara, "/alarms/").split())
    assert "<strong>10 min</strong> in the median, of 1 of 1 alarm about cloth." in text
    assert "First sign to action" in text_of(mara, f"/alarms/{silent.pk}/")


def test_an_alarm_of_a_chart_with_a_memory_tells_its_limit_in_standard_deviations(mara: Client) -> None:
    figures = {"rate": 0.06, "centre": 0.0, "lower": -0.996, "upper": 0.996, "count": 6, "judged": 100, "unit": "σ"}
    found = an_alarm(rule=a_rule(RuleKind.SIGNAL), figures={**figures, "signals": ["above the EWMA’s limit"]})
    text = " ".join(text_of(mara, f"/alarms/{found.pk}/").split())
    assert "<dt>Upper limit</dt> <dd>± 1.00 σ</dd>" in text
    assert "<dt>Usual</dt>" not in text


def test_the_alarms_of_one_shift_can_be_asked(mara: Client) -> None:
    shift = Shift.objects.create(name="Early", starts="06:00", ends="14:00", days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    day = timezone.now() - timedelta(days=2)
    inside, after = resolved(1), resolved(2)
    for alarm, hour in ((inside, 13), (after, 14)):
        Alarm.objects.filter(pk=alarm.pk).update(raised_at=day.replace(hour=hour, minute=0, second=0, microsecond=0))
    address = f"/alarms/?when=shift-{shift.pk}-{day:%Y-%m-%d}"
    assert history_of(text_of(mara, address)) == [str(inside.pk)]
    assert "Compare with" not in text_of(mara, address)
    assert "Freeze these times" in text_of(mara, "/alarms/")


def test_filters_narrow_by_line_kind_state_and_period_in_the_address(mara: Client) -> None:
    old = resolved(60)
    here = an_alarm("loom-1", a_rule(name="now"))
    there = an_alarm("loom-2", a_rule(RuleKind.QUEUE, name="queue"))
    assert history_of(text_of(mara, "/alarms/")) == [str(there.pk), str(here.pk), str(old.pk)]
    assert history_of(text_of(mara, "/alarms/?line=loom-2")) == [str(there.pk)]
    assert history_of(text_of(mara, "/alarms/?kind=limit&period=24h")) == [str(here.pk)]
    assert history_of(text_of(mara, "/alarms/?state=resolved")) == [str(old.pk)]
    assert history_of(text_of(mara, f"/alarms/?rule={there.rule_id}")) == [str(there.pk)]
    assert "No alarm fits these filters." in text_of(mara, "/alarms/?kind=stale")


def test_pages_miss_and_repeat_nothing(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [str(resolved(number).pk) for number in range(1, 6)]
    monkeypatch.setattr(alarm_list, "PAGE", 2)
    found, address = [], "/alarms/?period=7d"
    while address:
        text = text_of(mara, address)
        found += history_of(text)
        older = re.search(r'id="older-alarms" href="([^"]*)"', text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert sorted(found) == sorted(every)
    assert found == sorted(found, key=int, reverse=True)


@pytest.mark.parametrize("query", ["line=nope", "kind=x", "after=x", "after=-1"])
def test_a_damaged_address_is_told(mara: Client, query: str) -> None:
    assert "This cannot be shown as asked" in text_of(mara, f"/alarms/?{query}", 400)


@pytest.mark.parametrize("query", ["period=9y", "when=9y", "when=any"])
def test_a_period_that_is_none_is_told_above_the_usual_one(mara: Client, query: str) -> None:
    alarm = an_alarm("loom-1")
    text = text_of(mara, f"/alarms/?{query}", 400)
    assert "There is no period" in text
    assert history_of(text) == [str(alarm.pk)]


def test_an_operator_reads_the_alarms_of_their_lines_alone() -> None:
    mine, other = an_alarm("loom-1"), an_alarm("loom-2", a_rule(name="other"))
    olga = signed_in(cast.olga())
    assert history_of(text_of(olga, "/alarms/")) == [str(mine.pk)]
    assert olga.get(f"/alarms/{other.pk}/").status_code == 404
    assert olga.get("/alarms/?line=loom-2").status_code == 400


# --- one alarm --------------------------------------------------------------------------------------------------


def test_it_says_what_since_when_and_how_long_until_somebody_acted(mara: Client) -> None:
    alarm = an_alarm(figures={"rate": 0.09, "limit": 0.05, "judged": 300, "count": 27, "leading": "hole"})
    text = text_of(mara, f"/alarms/{alarm.pk}/")
    assert alarm.words in text
    assert "nobody has acted yet" in text
    for figure in ("9.0 %", "5.0 %", "300", "27", "Hole"):
        assert f"<dd>{figure}</dd>" in text
    alarms.acknowledge(alarm, cast.olga(), "needle changed", timezone.now())
    text = text_of(mara, f"/alarms/{alarm.pk}/")
    assert re.search(r'id="to-action">20 min<', text)
    assert "needle changed" in text
    assert "nobody has acted yet" not in text


def test_its_hours_are_drawn_and_its_worst_images_shown_without_what_is_asked_blind(mara: Client) -> None:
    now = timezone.now()
    camera = a_camera()
    shown = judged(camera, "hole", 0.95, at=now - 17 * MINUTE)
    hidden = judged(camera, "hole", 0.99, at=now - 16 * MINUTE)
    before = judged(camera, "hole", 0.99, at=now - timedelta(hours=5))
    ReviewItem.objects.filter(capture=hidden).update(blind=True, holder=cast.Person.objects.get(username="mara"))
    alarm = an_alarm()
    text = text_of(mara, f"/alarms/{alarm.pk}/")
    images = [UUID(one) for one in re.findall(r'id="a-([0-9a-f-]{36})"', text)]
    assert images == [shown.pk]
    assert str(before.pk) not in text
    assert 'id="plot-rate"' in text
    assert '<span class="plot-number">1</span>' in text  # what the number over the plot is


def test_an_alarm_of_a_class_tells_how_many_there_were_so_far(mara: Client) -> None:
    since = timezone.now() - timedelta(minutes=30)
    judged(a_camera(), "hole", at=since)
    many_judged(a_camera(), 3, since + timedelta(minutes=10), "hole", 0.9)
    words, rule = "Hole was seen, at first in 1 image.", a_rule(RuleKind.CLASS_SEEN, defect_class="hole")
    alarm = an_alarm(rule=rule, words=words, since=since, last_at=since + timedelta(minutes=10), figures={"count": 1})
    text = " ".join(text_of(mara, f"/alarms/{alarm.pk}/").split())
    assert "<dt>Anomalies</dt> <dd>4</dd>" in text
    assert words in text
    newest = Capture.objects.order_by("counted_at").last()
    assert newest
    assert f'id="latest"><time datetime="{timezone.localtime(newest.counted_at).isoformat()}"' in text
    assert not re.search(r"\d signs?\b", text)  # what the alarm counts are five minutes


def test_figures_of_a_later_sign_say_so(mara: Client) -> None:
    figures = {"rate": 0.07, "limit": 0.04, "judged": 100, "count": 7}
    alarm = an_alarm(rule=a_rule(limit=0.04), words="Anomaly rate 5.0 %", figures=figures, signs=2)
    text = " ".join(text_of(mara, f"/alarms/{alarm.pk}/").split())
    assert "<dt>Rate at the latest sign</dt> <dd>7.0 %</dd>" in text
    assert "<dt>Anomalies then</dt> <dd>7</dd>" in text
    Alarm.objects.filter(pk=alarm.pk).update(signs=1)
    assert "<dt>Rate</dt> <dd>7.0 %</dd>" in " ".join(text_of(mara, f"/alarms/{alarm.pk}/").split())


def test_its_chart_draws_the_limit_that_it_was_raised_at(mara: Client) -> None:
    rule = a_rule(limit=0.1)
    alarm = an_alarm(rule=rule, figures={"rate": 0.3, "limit": 0.1, "count": 30, "judged": 100})
    judged(a_camera(), "hole", at=alarm.since)
    AlarmRule.objects.filter(pk=rule.pk).update(limit=0.5)
    plot = mara.get(f"/alarms/{alarm.pk}/").context["plot"]
    assert plot.data["levels"] == [{"y": 10, "words": "limit 10.0 %"}]


def test_a_silent_camera_has_no_images_to_show(mara: Client) -> None:
    alarm = an_alarm(rule=a_rule(RuleKind.SILENT), words="Camera left is silent.")
    text = text_of(mara, f"/alarms/{alarm.pk}/")
    assert 'id="images"' not in text
    assert 'id="plot-rate"' not in text


def test_acknowledging_resolving_and_noting_stand_in_its_history() -> None:
    alarm = an_alarm()
    olga = signed_in(cast.olga())
    assert olga.post(f"/alarms/{alarm.pk}/acknowledge/", {"note": "on my way"}).status_code == 302
    assert olga.post(f"/alarms/{alarm.pk}/note/", {"note": "the fitter comes at four"}).status_code == 302
    assert olga.post(f"/alarms/{alarm.pk}/resolve/", {"outcome": "a broken needle"}).status_code == 302
    text = text_of(olga, f"/alarms/{alarm.pk}/")
    places = [text.index(words) for words in ("on my way", "the fitter comes at four", "a broken needle")]
    assert places == sorted(places)
    assert 'id="act"' not in text
    alarm.refresh_from_db()
    assert (alarm.state, alarm.outcome) == (AlarmState.RESOLVED, "a broken needle")


def test_how_long_its_rule_is_quiet_afterwards_stands_beside_the_button(mara: Client) -> None:
    rule = a_rule(cool_down_s=900)
    alarm = an_alarm(rule=rule)
    address = f"/alarms/{alarm.pk}/"
    assert "After that its rule raises nothing here for 15 min." in text_of(mara, address)
    AlarmRule.objects.filter(pk=rule.pk).update(cool_down_s=0)
    assert "After that its rule" not in text_of(mara, address)


def test_a_second_acknowledgement_is_refused_in_words_and_changes_nothing(mara: Client) -> None:
    alarm = an_alarm()
    alarms.acknowledge(alarm, cast.olga(), "first", timezone.now())
    response = mara.post(f"/alarms/{alarm.pk}/acknowledge/", {"note": "second"})
    assert response.status_code == 409
    assert "has acknowledged it already" in response.content.decode()
    alarm.refresh_from_db()
    assert alarm.note == "first"


@pytest.mark.parametrize(
    ("deed", "said", "refused"),
    [
        ("acknowledge", {"note": "on my way"}, 409),
        ("resolve", {"outcome": "a needle"}, 409),
        ("note", {"note": "so"}, 302),
    ],
)
def test_what_is_pressed_twice_is_done_once(mara: Client, deed: str, said: dict[str, str], refused: int) -> None:
    alarm = an_alarm()
    for _press in range(2):
        assert mara.post(f"/alarms/{alarm.pk}/{deed}/", said).status_code == 302
    assert AuditEvent.objects.count() == 1
    (name,) = said
    assert mara.post(f"/alarms/{alarm.pk}/{deed}/", {name: "something else"}).status_code == refused
    assert signed_in(cast.ada()).post(f"/alarms/{alarm.pk}/{deed}/", said).status_code == refused


def test_an_empty_note_is_refused(mara: Client) -> None:
    alarm = an_alarm()
    response = mara.post(f"/alarms/{alarm.pk}/note/", {"note": "  "})
    assert response.status_code == 400
    assert not AuditEvent.objects.filter(action="note-alarm").exists()


@pytest.mark.parametrize("sent", ["https://evil.example/", "//evil.example", "/queue/", "/lines/loom-9/", ""])
def test_a_form_leads_back_to_where_it_stood_and_nowhere_else(mara: Client, sent: str) -> None:
    alarm = an_alarm()
    done = mara.post(f"/alarms/{alarm.pk}/acknowledge/", {"next": sent})
    assert done.headers["Location"] == f"/alarms/{alarm.pk}/"


def test_a_form_on_the_line_s_page_leads_back_to_it(mara: Client) -> None:
    alarm = an_alarm()
    page = f"/lines/{alarm.line.slug}/"
    assert f'name="next" value="{page}?when=24h"' in text_of(mara, f"{page}?when=24h")
    done = mara.post(f"/alarms/{alarm.pk}/acknowledge/", {"next": f"{page}?when=24h"})
    assert done.headers["Location"] == f"{page}?when=24h"


# --- who was told -----------------------------------------------------------------------------------------------


def given_up(alarm: Alarm, channel: Channel) -> Delivery:
    return Delivery.objects.create(
        alarm=alarm, channel=channel, event="raised", state="failed", attempts=12, error="connection refused",
        next_at=timezone.now(),
    )  # fmt: skip


def test_what_could_not_be_told_says_why_and_is_sent_again_by_a_manager(mara: Client) -> None:
    alarm = an_alarm()
    delivery = given_up(alarm, a_channel())
    text = text_of(mara, f"/alarms/{alarm.pk}/")
    assert "connection refused" in text
    assert "Given up" in text
    assert mara.post(f"/alarms/{alarm.pk}/again/", {"delivery": delivery.pk}).status_code == 302
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == ("waiting", 0, "")
    assert mara.post(f"/alarms/{alarm.pk}/again/", {"delivery": delivery.pk}).status_code == 302  # pressed twice
    assert AuditEvent.objects.filter(action="tell-again").count() == 1
    ada = signed_in(cast.ada())
    assert ada.post(f"/alarms/{alarm.pk}/again/", {"delivery": delivery.pk}).status_code == 409


@pytest.mark.parametrize("sent", ["", "x", "99999", "9" * 40])
def test_a_delivery_of_no_such_number_is_404(mara: Client, sent: str) -> None:
    given_up(an_alarm("loom-2", a_rule(name="other")), a_channel())
    assert mara.post(f"/alarms/{an_alarm().pk}/again/", {"delivery": sent}).status_code == 404


# --- channels ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ada() -> Client:
    return signed_in(cast.ada())


def a_wish(**fields: str) -> dict[str, str]:
    return {"name": "the fitters", "kind": "webhook", "target": "https://example.org/alarms", "enabled": "on", **fields}


def test_a_webhooks_secret_is_made_here_and_shown_once(ada: Client) -> None:
    made = ada.post("/alarms/channels/", a_wish()).content.decode()
    secret = Channel.objects.get().secret
    assert len(secret) >= 32
    assert secret in made
    assert secret not in text_of(ada, "/alarms/channels/")
    assert secret not in text_of(ada, f"/alarms/channels/{Channel.objects.get().pk}/")
    for _press in range(2):
        assert ada.post(f"/alarms/channels/{Channel.objects.get().pk}/", a_wish(name="others")).status_code == 302
    assert AuditEvent.objects.filter(action="change-channel").count() == 1
    assert Channel.objects.get().secret == secret


def test_a_channel_that_is_sent_twice_is_made_once_and_shows_its_secret(ada: Client) -> None:
    first, second = (ada.post("/alarms/channels/", a_wish()) for _press in range(2))
    secret = Channel.objects.get().secret
    assert first.status_code == second.status_code == 200
    assert secret in second.content.decode()
    assert AuditEvent.objects.count() == 1
    other = ada.post("/alarms/channels/", a_wish(target="https://example.org/others"))
    assert "There is a channel of this name already." in other.content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        later = ada.post("/alarms/channels/", a_wish())
    assert later.status_code == 400
    assert secret not in later.content.decode()


def test_two_presses_that_reach_the_database_at_once_make_one_channel(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.post("/alarms/channels/", a_wish())
    monkeypatch.setattr("inspections.alarms.channels.channel_objection", lambda _wish: "")
    assert Channel.objects.get().secret in ada.post("/alarms/channels/", a_wish()).content.decode()


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/x",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.7:8080/",
        "http://169.254.169.254/",
    ],
)
def test_a_private_address_is_refused_with_the_reason(ada: Client, target: str) -> None:
    response = ada.post("/alarms/channels/", a_wish(target=target))
    assert response.status_code == 400
    assert "is a private address" in response.content.decode()
    assert not Channel.objects.exists()


def test_a_test_needs_an_alarm_to_tell_of(ada: Client) -> None:
    channel = a_channel()
    response = ada.post(f"/alarms/channels/{channel.pk}/test/")
    assert response.status_code == 409
    assert "There is no alarm yet" in response.content.decode()


def test_a_test_says_what_came_of_it_and_can_be_repeated(ada: Client) -> None:
    a_line()
    an_alarm()
    channel = a_channel(ChannelKind.EMAIL, "fitters@example.org")
    assert ada.post(f"/alarms/channels/{channel.pk}/test/").status_code == 302
    assert "nobody has sent it yet" in text_of(ada, "/alarms/channels/")
    assert ada.post(f"/alarms/channels/{channel.pk}/test/").status_code == 302  # pressed twice
    assert AuditEvent.objects.filter(action="test-channel").count() == 1
    Delivery.objects.update(state="failed", attempts=12, error="the mail server did not answer")
    text = text_of(ada, "/alarms/channels/")
    assert "the mail server did not answer" in text
    assert "Given up" in text
    assert ada.post(f"/alarms/channels/{channel.pk}/test/").status_code == 302
    assert Delivery.objects.get().state == "waiting"


def test_a_test_goes_out_by_the_way_of_real_alarms_and_says_that_it_is_one(ada: Client, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    an_alarm()
    channel = a_channel(ChannelKind.EMAIL, "fitters@example.org")
    ada.post(f"/alarms/channels/{channel.pk}/test/")
    with a_mail_server(settings.EMAIL_PORT) as arrived:
        outbox.tell(channel.pk, timezone.now)
    assert Delivery.objects.get().state == "sent", Delivery.objects.get().error
    letter = email.message_from_bytes(arrived[0].content, policy=email.policy.default)
    assert "a test" in letter["Subject"]
    assert "This is a test of the channel." in letter.get_content()
    assert "Sent" in text_of(ada, "/alarms/channels/")
