"""E-mail: one letter to all addresses of a channel, and who of them did not get it."""

import smtplib
import socket
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import DNS_NAME, EmailMessage
from django.core.mail.message import sanitize_address

from inspections.alarms.channels import addresses_of
from inspections.models import Delivery
from workers.telling import message, trust
from workers.telling.final import Final
from workers.telling.watched import Watched, within

STEPS = 6  # EMAIL_TIMEOUT is for each; from connecting to the farewell no more than so many
MOST_S = 100.0  # less than an outbox's lease

Refusals = Mapping[str, tuple[int, bytes]]  # as smtplib tells them, by address


def send(delivery: Delivery) -> str:
    """Hand it to the mail server; "" if that took it for everybody, else what went wrong.

    Its Message-ID is the delivery's own: one that is sent again, because the answer was lost, is the same message.
    What some took is sent again to the others alone; where these are refused for good, that is final.
    """
    if not settings.EMAIL_HOST:
        return "EMAIL_HOST is not set: there is no mail server"
    everybody = addresses_of(delivery.channel.target)
    took = set(delivery.took.split())
    to = [one for one in everybody if one not in took]
    if not to:
        return ""
    refused: Refusals | None = None
    try:
        with within(min(STEPS * settings.EMAIL_TIMEOUT, MOST_S)) as watched, _server(watched) as server:
            _greet(server)
            refused = server.sendmail(_plain(settings.DEFAULT_FROM_EMAIL), [*map(_plain, to)], _letter(delivery))
    except OSError as error:  # smtplib's own are of this kind
        if refused is None:  # once it was taken, a bad farewell is nothing
            return _words(error)
    return _some_took_it(delivery, to, refused) if refused else ""


def _letter(delivery: Delivery) -> bytes:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    letter = EmailMessage(
        subject=message.subject(delivery),
        body=message.letter(delivery),
        to=addresses_of(delivery.channel.target),
        headers={"Message-ID": f"<selvedge-delivery-{delivery.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    return letter.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own takes it


def _some_took_it(delivery: Delivery, to: list[str], refused: Refusals) -> str:
    took = [*delivery.took.split(), *(one for one in to if _plain(one) not in refused)]
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(took=" ".join(took))
    said = f"the mail server took it, but refuses {_who(refused)}"
    return Final(said) if all(code >= 500 for code, _text in refused.values()) else said


def _who(refused: Refusals) -> str:
    return "; ".join(f"{one}: {code} {text.decode(errors='replace')}" for one, (code, text) in refused.items())


def _words(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"the mail server refuses {_who(error.recipients)}"
    if isinstance(error, smtplib.SMTPException):
        return f"the mail server refuses: {error}"
    if isinstance(error, TimeoutError):
        return f"the mail server {settings.EMAIL_HOST} did not answer in time"
    return f"the mail server {settings.EMAIL_HOST} is not reached: {error or type(error).__name__}"


def _plain(address: str) -> str:
    """As it is written in SMTP: a domain of other letters by its ASCII form."""
    return sanitize_address(address, "utf-8")


class _Watching(smtplib.SMTP):
    """Its socket is watched before the first byte is read."""

    watched: Watched

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        wire: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self.watched.add(wire)
        return wire


class _Plain(_Watching):
    def __init__(self, watched: Watched, **options: Any) -> None:
        self.watched = watched
        super().__init__(settings.EMAIL_HOST, settings.EMAIL_PORT, **options)


class _Tls(smtplib.SMTP_SSL, _Watching):
    """TLS from the first byte."""

    def __init__(self, watched: Watched, **options: Any) -> None:
        self.watched = watched
        super().__init__(settings.EMAIL_HOST, settings.EMAIL_PORT, **options)


def _server(watched: Watched) -> smtplib.SMTP:
    options = {"local_hostname": DNS_NAME.get_fqdn(), "timeout": settings.EMAIL_TIMEOUT}
    if settings.EMAIL_USE_SSL:
        return _Tls(watched, context=trust.context(), **options)
    return _Plain(watched, **options)


def _greet(server: smtplib.SMTP) -> None:
    """TLS where it is asked for, before any password."""
    if settings.EMAIL_USE_TLS and not settings.EMAIL_USE_SSL:
        server.starttls(context=trust.context())
    if settings.EMAIL_HOST_USER and settings.EMAIL_HOST_PASSWORD:
        server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
