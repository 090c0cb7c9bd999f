"""A webhook: one POST, signed, to an address that was checked, and to no other."""

import hashlib
import hmac
import http.client
import socket
import time
from ipaddress import ip_address

from django.conf import settings

from inspections.alarms.addresses import may_reach, parts
from inspections.models import Delivery
from workers.telling import message, trust
from workers.telling.watched import Watched, within

CONNECT_S = 5.0
WHOLE_S = 10.0  # from connecting to the answer's first bytes, however slowly the other side speaks
MOST_ADDRESSES = 4  # of a name, tried one after the other


class Unreachable(Exception):
    """No connection was made; why, in words."""


def send(delivery: Delivery) -> str:
    """Post it; "" if it was taken (any 2xx), else what went wrong."""
    found = parts(delivery.channel.target)
    if found is None:
        return "the target is no http or https address"
    scheme, host, port, path = found
    try:
        with within(WHOLE_S) as watched:
            return _post(scheme, host, port, path, delivery, watched)
    except Unreachable as error:
        return str(error)
    except TimeoutError:
        return f"{host} did not answer in {WHOLE_S:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{host}: {error or type(error).__name__}"


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over "<seconds>.<body>", so that an old one cannot be sent again."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _post(scheme: str, host: str, port: int, path: str, delivery: Delivery, watched: Watched) -> str:
    wire = connect(host, port)
    watched.add(wire)
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    talk = kind(host, port)
    talk.sock = wire
    if scheme == "https":
        talk.sock = trust.context().wrap_socket(wire, server_hostname=host)
    try:
        body = message.body(delivery)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Selvedge",
            "Idempotency-Key": str(delivery.pk),
            "Selvedge-Event": delivery.event,
            "Selvedge-Signature": signature(delivery.channel.secret, int(time.time()), body),
        }
        talk.request("POST", path, body, headers)
        status = talk.getresponse().status  # its body is not read: nothing of it is of use, and it may be endless
    finally:
        talk.close()
    if 200 <= status < 300:
        return ""
    return f"{host} answered {status}" + (": redirects are not followed" if 300 <= status < 400 else "")


def connect(host: str, port: int) -> socket.socket:
    """A connection to an address of this host that may be reached. Every one of them must be: a name with a public and
    a private address is refused. It is the checked address that is connected to, so the name server cannot change it
    meanwhile."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the address of {host} is not found: {error}") from error
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    for address in addresses:
        if not may_reach(host, ip_address(address), settings.ALARM_PRIVATE_HOSTS):
            raise Unreachable(f"{host} is {address}, a private address; ALARM_PRIVATE_HOSTS may name it")
    last: OSError | None = None
    for address in addresses[:MOST_ADDRESSES]:
        try:
            wire = socket.create_connection((address, port), timeout=CONNECT_S)
        except OSError as error:
            last = error
        else:
            wire.settimeout(WHOLE_S)
            return wire
    raise Unreachable(f"{host}: {last}") from last
