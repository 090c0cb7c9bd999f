"""E-mail, by Django's own backend."""

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from inspections.alarms.channels import addresses_of
from inspections.models import Delivery
from workers.telling import message, trust


def send(delivery: Delivery) -> str:
    """Hand it to the mail server; "" if that took it, else what went wrong.

    Its Message-ID is the delivery's own: one that is sent again, because the answer was lost, is the same message.
    """
    if not settings.EMAIL_HOST:
        return "EMAIL_HOST is not set: there is no mail server"
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    mail = EmailMessage(
        subject=message.subject(delivery),
        body=message.letter(delivery),
        to=addresses_of(delivery.channel.target),
        headers={"Message-ID": f"<selvedge-delivery-{delivery.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        with _backend() as backend:
            backend.send_messages([mail])
    except smtplib.SMTPException as error:
        return f"the mail server refuses: {error}"
    except OSError as error:
        return f"the mail server {settings.EMAIL_HOST} is not reached: {error or type(error).__name__}"
    return ""


def _backend() -> Any:
    found: Any = get_connection()  # the setting's backend: one that speaks to no server uses nothing of it
    if settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL:
        found.ssl_context = trust.context()  # in place of its own, which knows the machine's authorities alone
    return found
