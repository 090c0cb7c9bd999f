"""E-mail, by Django's own backend."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from inspections.alarms.channels import addresses_of
from inspections.models import Delivery
from workers.telling import message


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
        mail.send()
    except smtplib.SMTPException as error:
        return f"the mail server refuses: {error}"
    except OSError as error:
        return f"the mail server {settings.EMAIL_HOST} is not reached: {error or type(error).__name__}"
    return ""
