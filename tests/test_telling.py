"""Alarms are told by real servers on loopback: signed, once each, tried again, and given up in words."""

import email
import email.policy
import hashlib
import hmac
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from inspections import alarms
from inspections.alarms import ChannelWish, Refused
from inspections.alarms.addresses import is_public, may_reach, parts
from inspections.alarms.again import send_again, send_test
from inspections.models import Alarm, AuditEvent, Channel, ChannelKind, Delivery, DeliveryState, RuleKind
from tests import cast
from tests.alarmed import MONDAY, SOON, a_channel, a_rule, bad_slots
from tests.cast import a_camera, a_line
from tests.listeners import (
    a_mail_server,
    a_raw_server,
    a_subscriber,
    a_web_server,
    an_mqtt_broker,
    dawdle_by_mail,
    dawdle_in_tls,
    drip,
    gush,
    hang,
)
from tests.processes import free_port, wait_for
from workers.telling import mail, outbox, teller, webhook
from workers.telling.teller import Teller

pytestmark = pytest.mark.django_db
SECRET = "a secret of the mill"


class Clock:
    """Time as the test sets it."""

    def __init__(self) -> None:
        self.now = MONDAY + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Any) -> None:
    settings.ALARM_PRIVATE_HOSTS = ["127.0.0.0/8", "::1"]


def an_alarm(*channels: Channel, **fields: Any) -> Alarm:
    """Raised on loom-1, to be told by these."""
    rule = a_rule(**fields)
    rule.channels.set(channels)
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    return Alarm.objects.get(rule=rule)


def told(channel: Channel, clock: Clock) -> Delivery:
    outbox.tell(channel.pk, clock)
    return Delivery.objects.latest("pk")


# --- webhook ------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_so_that_its_receiver_can_verify_it(clock: Clock) -> None:
    with a_web_server(204) as server:
        channel = a_channel(target=server.url + "?mill=1")
        alarm = an_alarm(channel)
        delivery = told(channel, clock)
    (path, headers, body) = server.posts[0]
    fields = dict(part.split("=", 1) for part in headers["Selvedge-Signature"].split(","))
    expected = hmac.new(SECRET.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(fields["v1"], expected)
    assert abs(time.time() - int(fields["t"])) < 60
    assert (path, headers["Idempotency-Key"]) == ("/alarms?mill=1", str(delivery.pk))
    assert (headers["Selvedge-Event"], headers["Content-Type"]) == ("raised", "application/json")
    said = json.loads(body)
    assert (said["id"], said["event"], said["alarm"]["line"]) == (str(delivery.pk), "raised", "loom-1")
    assert (said["alarm"]["words"], said["alarm"]["since"]) == (alarm.words, "2026-11-16T06:00:00Z")
    assert (delivery.state, delivery.sent_at, delivery.error) == (DeliveryState.SENT, clock.now, "")


def test_an_answer_of_500_is_tried_again_and_the_same_delivery_arrives(clock: Clock) -> None:
    with a_web_server(500, 503, 200) as server:
        channel = a_channel(target=server.url)
        an_alarm(channel)
        delivery = told(channel, clock)
        assert (delivery.state, delivery.error) == (DeliveryState.WAITING, "127.0.0.1 answered 500")
        told(channel, clock)
        assert len(server.posts) == 1  # not before its pause is over
        clock.on(seconds=10)
        told(channel, clock)
        clock.on(seconds=20)
        delivery = told(channel, clock)
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 3)
    assert len({headers["Idempotency-Key"] for _, headers, _ in server.posts}) == 1


def test_what_never_arrives_is_given_up_with_its_reason_kept(clock: Clock) -> None:
    channel = a_channel(target=f"http://127.0.0.1:{free_port()}/")
    an_alarm(channel)
    for _ in range(outbox.MOST_ATTEMPTS):
        delivery = told(channel, clock)
        clock.on(minutes=31)
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, outbox.MOST_ATTEMPTS)
    assert "refused" in delivery.error
    assert outbox.channels_due(clock()) == []


def test_pauses_grow_and_have_an_end() -> None:
    pauses = [outbox.pause(number).total_seconds() for number in range(1, outbox.MOST_ATTEMPTS)]
    assert pauses[:3] == [10, 20, 40]
    assert pauses[-1] == 1800
    assert sum(pauses) > 2 * 3600


def test_a_redirect_is_not_followed(clock: Clock) -> None:
    with a_web_server(200) as inner, a_web_server(302, where=f"http://127.0.0.1:{inner.port}/") as server:
        channel = a_channel(target=server.url)
        an_alarm(channel)
        assert told(channel, clock).error == "127.0.0.1 answered 302: redirects are not followed"
    assert inner.posts == []


@pytest.mark.parametrize("talk", [hang, drip])
def test_a_server_that_hangs_or_dawdles_takes_a_bounded_time(
    talk: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WHOLE_S", 0.5)
    with a_raw_server(talk) as port:
        channel = a_channel(target=f"http://127.0.0.1:{port}/")
        an_alarm(channel)
        assert told(channel, clock).error == "127.0.0.1 did not answer in 0.5 s"


def test_a_handshake_that_dawdles_takes_a_bounded_time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WHOLE_S", 0.5)
    with a_raw_server(dawdle_in_tls) as port:
        channel = a_channel(target=f"https://127.0.0.1:{port}/")
        an_alarm(channel)
        assert told(channel, clock).error == "127.0.0.1 did not answer in 0.5 s"


def test_an_answer_without_an_end_is_not_read(clock: Clock) -> None:
    with a_raw_server(gush) as port:
        channel = a_channel(target=f"http://127.0.0.1:{port}/")
        an_alarm(channel)
        assert told(channel, clock).state == DeliveryState.SENT


def test_what_answers_no_http_is_told_in_words(clock: Clock) -> None:
    with a_raw_server(lambda wire: wire.sendall(b"220 mail.example ESMTP\r\n")) as port:
        channel = a_channel(target=f"http://127.0.0.1:{port}/")
        an_alarm(channel)
        assert told(channel, clock).error.startswith("127.0.0.1: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0"])
def test_a_private_address_is_not_reached_in_whatever_way_it_is_written(host: str, clock: Clock, settings: Any) -> None:
    settings.ALARM_PRIVATE_HOSTS = []
    with a_web_server(200) as server:
        channel = a_channel(target=f"http://{host}:{server.port}/")
        an_alarm(channel)
        delivery = told(channel, clock)
    assert server.posts == []
    assert (delivery.state, "private address" in delivery.error) == (DeliveryState.WAITING, True)


def names(monkeypatch: pytest.MonkeyPatch, **found: list[str]) -> list[str]:
    """A name server of the test's own; returns what it was asked for."""
    real, asked = socket.getaddrinfo, []

    def look_up(host: str, port: int, *args: Any, **options: Any) -> Any:
        known = found.get(host.replace(".", "_"))
        if known is None:
            return real(host, port, *args, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_connected_to(
    clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALARM_PRIVATE_HOSTS = ["hooks.mill"]
    asked = names(monkeypatch, hooks_mill=["127.0.0.1"])
    with a_web_server(200) as server:
        channel = a_channel(target=f"http://hooks.mill:{server.port}/")
        an_alarm(channel)
        told(channel, clock)
    assert asked == ["hooks.mill"]
    assert server.posts[0][1]["Host"] == f"hooks.mill:{server.port}"


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALARM_PRIVATE_HOSTS = []
    names(monkeypatch, evil_example=["93.184.215.14", "169.254.169.254"])
    channel = a_channel(target="http://evil.example/")
    an_alarm(channel)
    assert told(channel, clock).error.startswith("evil.example is 169.254.169.254, a private address")


def test_a_name_that_nobody_knows_is_told_so(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    channel = a_channel(target="http://nowhere.example/")
    an_alarm(channel)
    assert told(channel, clock).error.startswith("the address of nowhere.example is not found")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.1.1", "0.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1", "fec0::1", "feff::1",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_what_the_mill_names_may_be_reached_and_nothing_beside_it() -> None:
    inside = ip_address("10.20.0.7")
    assert may_reach("plc.mill.lan", inside, ["PLC.mill.lan"])
    assert may_reach("plc.mill.lan", inside, ["10.20.0.0/16"])
    assert not may_reach("plc.mill.lan", inside, ["mill.lan", "10.21.0.0/16", ""])


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "//example.org", "http://", "http://u:p@example.org/", "http://a b/", "http://e:99999/",
            "http://example.org/\r\nX: y", "javascript:alert(1)", "http://exämple.org/"],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook(url: str) -> None:
    assert parts(url) is None


# --- e-mail -------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_mail(settings: Any) -> Iterator[int]:
    """The port of a mail server that is down."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.DEFAULT_FROM_EMAIL = "selvedge@mill.example"
    settings.PUBLIC_URL = "https://selvedge.mill.example"
    yield settings.EMAIL_PORT


def test_mail_waits_while_the_server_is_down_and_arrives_when_it_is_up(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example, night@mill.example")
    alarm = an_alarm(channel, critical=True)
    delivery = told(channel, clock)
    assert (delivery.state, delivery.error.split(":")[0]) == ("waiting", "the mail server 127.0.0.1 is not reached")
    clock.on(seconds=30)
    with a_mail_server(by_mail) as arrived:
        delivery = told(channel, clock)
    assert delivery.state == DeliveryState.SENT
    (envelope,) = arrived
    assert envelope.rcpt_tos == ["mara@mill.example", "night@mill.example"]
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert letter["Subject"].startswith("CRITICAL, loom-1: alarm: Anomaly rate 30.0 %")
    assert letter["Message-ID"] == f"<selvedge-delivery-{delivery.pk}@mill.example>"
    text = letter.get_content()
    assert alarm.words in text
    assert "https://selvedge.mill.example" + reverse("alarm", args=[alarm.pk]) in text


def test_a_name_with_a_line_break_cannot_write_headers(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
    a_line(name="Loom\r\nBcc: all@mill.example")
    an_alarm(channel)
    with a_mail_server(by_mail) as arrived:
        assert told(channel, clock).state == DeliveryState.SENT
    assert arrived[0].rcpt_tos == ["mara@mill.example"]


@pytest.mark.parametrize(("talk", "tls"), [(hang, False), (dawdle_by_mail, False), (dawdle_in_tls, True)])
def test_a_mail_server_that_hangs_or_dawdles_takes_a_bounded_time(
    talk: Any, tls: bool, by_mail: int, clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "MOST_S", 0.5)
    with a_raw_server(talk) as port:
        settings.EMAIL_PORT, settings.EMAIL_USE_SSL = port, tls
        channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
        an_alarm(channel)
        assert told(channel, clock).error == "the mail server 127.0.0.1 did not answer in time"


def test_an_address_that_is_refused_is_named_and_the_others_are_told_at_once(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example, gone@mill.example")
    alarm = an_alarm(channel)
    with a_mail_server(by_mail, {"gone@mill.example": "550 no such\x00user"}) as arrived:
        delivery = told(channel, clock)
        error = "the mail server took it, but refuses gone@mill.example: 550 no such user"
        assert (delivery.state, delivery.error) == (DeliveryState.FAILED, error)
        alarms.acknowledge(alarm, cast.olga(), "I am there", clock())
        told(channel, clock)  # the first one holds up nothing of what follows
    assert [one.rcpt_tos for one in arrived] == [["mara@mill.example"]] * 2
    send_again(delivery, cast.mara(), clock())
    with a_mail_server(by_mail) as arrived:
        outbox.tell(channel.pk, clock)
    assert arrived[0].rcpt_tos == ["gone@mill.example"]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.SENT, "")


def test_who_is_put_off_is_tried_again_and_nobody_gets_it_twice(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example, night@mill.example")
    an_alarm(channel)
    with a_mail_server(by_mail, {"night@mill.example": "451 come again"}) as arrived:
        delivery = told(channel, clock)
    assert (delivery.state, "night@mill.example: 451" in delivery.error) == (DeliveryState.WAITING, True)
    clock.on(seconds=30)
    with a_mail_server(by_mail) as later:
        assert told(channel, clock).state == DeliveryState.SENT
    assert [one.rcpt_tos for one in [*arrived, *later]] == [["mara@mill.example"], ["night@mill.example"]]


def test_a_corrected_address_is_told_alone(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example, gone@mill.example")
    an_alarm(channel)
    with a_mail_server(by_mail, {"gone@mill.example": "550 no such user"}):
        delivery = told(channel, clock)
    Channel.objects.update(target="mara@mill.example, went@mill.example")
    send_again(delivery, cast.mara(), clock())
    with a_mail_server(by_mail) as arrived:
        outbox.tell(channel.pk, clock)
    assert [one.rcpt_tos for one in arrived] == [["went@mill.example"]]


def test_where_everybody_is_refused_it_is_tried_again(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "gone@mill.example")
    an_alarm(channel)
    with a_mail_server(by_mail, {"gone@mill.example": "550 no such user"}):
        delivery = told(channel, clock)
    error = "the mail server refuses gone@mill.example: 550 no such user"
    assert (delivery.state, delivery.error) == (DeliveryState.WAITING, error)


def test_without_a_mail_server_the_alarm_says_so(clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
    an_alarm(channel)
    assert told(channel, clock).error == "EMAIL_HOST is not set: there is no mail server"


# --- MQTT ---------------------------------------------------------------------------------------------------------


def test_mqtt_is_published_with_qos_1_under_the_lines_topic_and_not_retained(
    tmp_path: Path, clock: Clock, settings: Any
) -> None:
    channel = a_channel(ChannelKind.MQTT, "mill/selvedge/")
    alarm = an_alarm(channel)
    with an_mqtt_broker(tmp_path) as port:
        settings.MQTT_URL = f"mqtt://plc:secret@127.0.0.1:{port}"
        with a_subscriber(port, "mill/#") as arrived:
            assert told(channel, clock).state == DeliveryState.SENT
            wait_for(lambda: arrived)
        with a_subscriber(port, "mill/#") as later:
            time.sleep(0.2)
    assert (arrived[0].topic, arrived[0].qos) == ("mill/selvedge/loom-1/alarm", 1)
    assert json.loads(arrived[0].payload)["alarm"]["id"] == alarm.pk
    assert later == []  # a retained message would greet whoever comes


def test_a_broker_that_is_away_is_tried_again(clock: Clock, settings: Any) -> None:
    channel = a_channel(ChannelKind.MQTT, "mill")
    an_alarm(channel)
    assert told(channel, clock).error == "MQTT_URL is not set, or is no mqtt:// or mqtts:// address"
    settings.MQTT_URL = f"mqtt://127.0.0.1:{free_port()}"
    clock.on(minutes=1)
    assert told(channel, clock).error.startswith("the MQTT broker 127.0.0.1 is not reached")


def test_a_broker_that_says_nothing_takes_a_bounded_time(
    clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.telling import mqtt

    monkeypatch.setattr(mqtt, "CONNECT_S", 0.3)
    channel = a_channel(ChannelKind.MQTT, "mill")
    an_alarm(channel)
    with a_raw_server(hang) as port:
        settings.MQTT_URL = f"mqtt://127.0.0.1:{port}"
        assert told(channel, clock).error == "the MQTT broker did not answer in 0.3 s"


def test_without_the_extra_the_alarm_says_what_to_install(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("paho", "paho.mqtt", "paho.mqtt.client", "paho.mqtt.enums"):
        monkeypatch.setitem(sys.modules, name, None)
    channel = a_channel(ChannelKind.MQTT, "mill")
    an_alarm(channel)
    assert "paho-mqtt" in told(channel, clock).error


# --- the outbox ---------------------------------------------------------------------------------------------------


def test_a_dry_run_is_written_down_and_nothing_is_sent(clock: Clock) -> None:
    with a_web_server(200) as server:
        channel = a_channel(target=server.url, dry_run=True)
        an_alarm(channel)
        delivery = told(channel, clock)
    assert server.posts == []
    assert (delivery.state, delivery.sent_at) == (DeliveryState.SENT, None)
    assert delivery.error == "dry run: written down, not sent"


def test_no_end_is_told_before_its_beginning(clock: Clock) -> None:
    with a_web_server(500, 200) as server:
        channel = a_channel(target=server.url)
        alarm = an_alarm(channel)
        told(channel, clock)
        alarms.acknowledge(alarm, cast.olga(), "on my way", clock())
        told(channel, clock)
        assert len(server.posts) == 1  # the beginning has its pause, and the next waits behind it
        clock.on(seconds=10)
        told(channel, clock)
    events = [json.loads(body)["event"] for _, _, body in server.posts]
    assert events == ["raised", "raised", "acknowledged"]
    assert json.loads(server.posts[-1][2])["alarm"]["note"] == "on my way"


def test_a_test_of_a_channel_says_that_it_is_one_and_waits_for_nothing(by_mail: int, clock: Clock) -> None:
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
    an_alarm(channel)
    told(channel, clock)  # the server is down: the alarm itself has its pause
    assert isinstance(send_test(channel, cast.ada(), clock()), Delivery)
    with a_mail_server(by_mail) as arrived:
        assert told(channel, clock).state == DeliveryState.SENT
    (envelope,) = arrived
    assert b"loom-1: a test of this channel, with the newest alarm" in envelope.content.replace(b"\r\n", b"")


def test_what_one_process_holds_no_other_takes_and_what_it_left_is_told_again(clock: Clock) -> None:
    channel = a_channel()
    an_alarm(channel)
    held = outbox.take(channel.pk, clock())
    assert held is not None
    assert outbox.take(channel.pk, clock()) is None
    clock.now += outbox.LEASE  # it died
    again = outbox.take(channel.pk, clock())
    assert again is not None
    assert again.attempts == 2
    assert outbox.settle(held, "", clock())  # the dead one comes back late
    again.refresh_from_db()
    assert again.state == DeliveryState.WAITING


def test_what_kills_every_process_that_tells_it_is_given_up(clock: Clock) -> None:
    channel = a_channel()
    an_alarm(channel)
    Delivery.objects.update(attempts=outbox.MOST_ATTEMPTS)
    delivery = told(channel, clock)
    assert (delivery.state, delivery.error) == ("failed", "every attempt ended without an answer")


def test_a_channel_that_is_switched_off_gives_up_what_waits_and_says_so(clock: Clock) -> None:
    channel = a_channel()
    an_alarm(channel)
    wish = ChannelWish(channel.name, ChannelKind.WEBHOOK, channel.target, enabled=False, channel=channel)
    assert alarms.save_channel(wish, cast.ada(), clock()) == channel
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "The channel was switched off.")


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_hangs_holds_up_neither_the_others_nor_the_alarms(monkeypatch: Any) -> None:
    monkeypatch.setattr(webhook, "WHOLE_S", 120.0)
    going, clock = threading.Event(), Clock()
    telling = Teller(clock)
    with a_web_server(200, gate=going) as stuck, a_web_server(200) as server:
        slow = a_channel(name="slow", target=stuck.url)
        quick = a_channel(name="quick", target=server.url)
        alarm = an_alarm(slow, quick)
        telling.wake()
        wait_for(lambda: stuck.posts)
        wait_for(lambda: Delivery.objects.filter(channel=quick, state=DeliveryState.SENT))
        alarms.acknowledge(alarm, cast.olga(), "", clock())

        def quick_has_told_both() -> bool:
            telling.wake()  # while the slow one is still at it
            return Delivery.objects.filter(channel=quick, state=DeliveryState.SENT).count() == 2

        wait_for(quick_has_told_both)
        assert not Delivery.objects.filter(channel=slow, state=DeliveryState.SENT).exists()
        going.set()
        wait_for(lambda: Delivery.objects.filter(channel=slow, state=DeliveryState.SENT).count() == 2)
        telling.wait(60)


@pytest.mark.django_db(transaction=True)
def test_what_beats_looks_and_tells() -> None:
    from workers.app import app
    from workers.tasks import watch_alarms

    with a_web_server(200) as server:
        rule = a_rule(RuleKind.SILENT)
        rule.channels.set([a_channel(target=server.url)])
        a_camera(seen_at=timezone.now() - timedelta(hours=1))
        watch_alarms()
        wait_for(lambda: Delivery.objects.filter(state=DeliveryState.SENT))
        teller._teller.wait(60)  # its last question to the database comes after the row
    assert json.loads(server.posts[0][2])["alarm"]["about"] == "left"
    assert app.conf.beat_schedule["watch-alarms"]["task"] == watch_alarms.name


# --- channels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        (ChannelKind.WEBHOOK, "http://10.0.0.1/hook", "10.0.0.1 is a private address"),
        (ChannelKind.WEBHOOK, "http://[::1]/", "::1 is a private address"),
        (ChannelKind.WEBHOOK, "file:///etc/passwd", "such as https://"),
        (ChannelKind.WEBHOOK, "https://user:secret@example.org/", "without user and password"),
        (ChannelKind.EMAIL, "", "1 to 20"),
        (ChannelKind.EMAIL, "mara@mill.example, nobody", "“nobody”"),
        (ChannelKind.EMAIL, "a@b.example\nBcc: c@d.example", "no e-mail address"),
        (ChannelKind.MQTT, "mill/#", "without + and #"),
        (ChannelKind.MQTT, "$SYS/mill", "without + and #"),
        ("pigeon", "roof", "Choose"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_in_words(kind: Any, target: str, words: str, settings: Any) -> None:
    settings.ALARM_PRIVATE_HOSTS = []
    found = alarms.save_channel(ChannelWish("night", kind, target), cast.ada(), MONDAY)
    assert isinstance(found, Refused)
    assert words in found.reason


def test_a_webhook_has_a_secret_made_and_keeps_it_and_the_audit_log_never_has_it() -> None:
    ada = cast.ada()
    channel = alarms.save_channel(ChannelWish("n", ChannelKind.WEBHOOK, "https://example.org/"), ada, MONDAY)
    assert isinstance(channel, Channel)
    secret = channel.secret
    assert len(secret) >= 32
    wish = ChannelWish("night", ChannelKind.WEBHOOK, "https://example.org/2", channel=channel)
    channel = alarms.save_channel(wish, ada, MONDAY)
    assert isinstance(channel, Channel)
    assert (channel.secret, channel.name) == (secret, "night")
    events = AuditEvent.objects.order_by("id")
    assert [event.action for event in events] == ["make-channel", "change-channel"]
    assert all(secret not in json.dumps(event.detail) for event in events)
