"""Alarms over TLS to real servers: who is signed by nobody that is trusted is told nothing, and the page says so."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from inspections.alarms.again import send_test
from inspections.models import Channel, ChannelKind, Delivery, DeliveryState, Person
from tests import cast
from tests.alarmed import a_channel
from tests.cast import signed_in
from tests.listeners import a_mail_server, a_subscriber, a_web_server, an_mqtt_broker
from tests.processes import free_port, wait_for
from tests.test_telling import Clock, an_alarm, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ada() -> Person:
    return cast.ada()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `localhost.pem` and `elsewhere.pem`: of those names, each signed by itself, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("localhost", "elsewhere"):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        key, cert = folder / f"{name}.key", folder / f"{name}.crt"
        subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
        (folder / f"{name}.pem").write_text(key.read_text() + cert.read_text())
    return folder


@pytest.fixture(autouse=True)
def everything_is_on_localhost(settings: Any) -> None:
    settings.ALARM_PRIVATE_HOSTS = ["localhost"]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", free_port()
    settings.PUBLIC_URL = ""


def context_of(certificate: Path) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certificate)
    return found


# --- each kind of server: what it heard ------------------------------------------------------------------------------


@contextmanager
def web(settings: Any, certificate: Path) -> Iterator[tuple[Channel, list[Any]]]:
    with a_web_server(200, context=context_of(certificate)) as server:
        yield a_channel(target=f"https://localhost:{server.port}/"), server.posts


@contextmanager
def mail(settings: Any, certificate: Path, *, starttls: bool) -> Iterator[tuple[Channel, list[Any]]]:
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = starttls, not starttls
    context = context_of(certificate)
    tls = {"tls_context": context, "require_starttls": True} if starttls else {"ssl_context": context}
    with a_mail_server(settings.EMAIL_PORT, **tls) as arrived:
        yield a_channel(ChannelKind.EMAIL, "mara@mill.example"), arrived


@contextmanager
def mqtt(settings: Any, certificate: Path) -> Iterator[tuple[Channel, list[Any]]]:
    folder = certificate.parent / certificate.stem
    folder.mkdir(exist_ok=True)
    with an_mqtt_broker(folder, certificate) as port:
        settings.MQTT_URL = f"mqtts://localhost:{port}"
        if certificate.stem != "localhost":
            yield a_channel(ChannelKind.MQTT, "mill"), []
            return
        with a_subscriber(port, "mill/#", certificate) as arrived:
            yield a_channel(ChannelKind.MQTT, "mill"), arrived


KINDS = {
    "webhook": web,
    "starttls": partial(mail, starttls=True),
    "smtps": partial(mail, starttls=False),
    "mqtts": mqtt,
}


PAHO = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket")  # it leaves what it refuses to be collected
EACH = pytest.mark.parametrize("kind", [pytest.param(name, marks=[PAHO] * (name == "mqtts")) for name in KINDS])


def page_of(person: Person) -> str:
    return signed_in(person).get(reverse("channels")).content.decode()


@EACH
def test_an_authority_that_nobody_named_is_refused_said_and_tried_again(
    kind: str, certificates: Path, clock: Clock, settings: Any, ada: Person
) -> None:
    with KINDS[kind](settings, certificates / "localhost.pem") as (channel, arrived):
        an_alarm(channel)
        Delivery.objects.all().delete()
        assert isinstance(send_test(channel, ada, clock()), Delivery)
        delivery = told(channel, clock)
        assert delivery.state == DeliveryState.WAITING
        assert "certificate verify failed" in delivery.error
        assert arrived == []
        page = page_of(ada)
        assert "certificate verify failed" in page and "(attempt 1; it goes on trying)" in page

        settings.ALARM_CA_FILE = str(certificates / "localhost.crt")
        clock.on(minutes=1)
        assert told(channel, clock).state == DeliveryState.SENT
        wait_for(lambda: arrived)
        assert "certificate verify failed" not in page_of(ada)


@EACH
def test_a_trusted_certificate_of_another_name_is_refused(
    kind: str, certificates: Path, clock: Clock, settings: Any
) -> None:
    settings.ALARM_CA_FILE = str(certificates / "elsewhere.crt")
    with KINDS[kind](settings, certificates / "elsewhere.pem") as (channel, arrived):
        an_alarm(channel)
        delivery = told(channel, clock)
    assert (delivery.state, arrived) == (DeliveryState.WAITING, [])
    assert "certificate is not valid for 'localhost'" in delivery.error


def test_a_mail_server_that_offers_no_tls_is_told_nothing(clock: Clock, settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
    an_alarm(channel)
    with a_mail_server(settings.EMAIL_PORT) as arrived:
        delivery = told(channel, clock)
    assert (delivery.state, arrived) == (DeliveryState.WAITING, [])
    assert delivery.error.startswith("the mail server refuses: STARTTLS")


@pytest.mark.parametrize("held", [None, "no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_said(
    held: str | None, tmp_path: Path, clock: Clock, settings: Any
) -> None:
    file = tmp_path / "authorities.pem"
    if held is not None:
        file.write_text(held)
    settings.ALARM_CA_FILE, settings.EMAIL_USE_SSL = str(file), True
    channel = a_channel(ChannelKind.EMAIL, "mara@mill.example")
    an_alarm(channel)
    assert "ALARM_CA_FILE cannot be used" in told(channel, clock).error
