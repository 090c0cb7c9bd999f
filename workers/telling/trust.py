"""Whom alarms are told to over TLS: certificates and names are verified, always."""

import ssl

from django.conf import settings


def context() -> ssl.SSLContext:
    """The machine's authorities, and those of ALARM_CA_FILE: a mill's mail server or broker often has its own.

    A file that cannot be read or holds no certificate raises OSError in words: nothing is told without it.
    """
    found = ssl.create_default_context()
    if settings.ALARM_CA_FILE:
        try:
            found.load_verify_locations(settings.ALARM_CA_FILE)
        except OSError as error:  # ssl's own errors are of this kind
            raise OSError(f"ALARM_CA_FILE cannot be used: {error}") from error
    return found
