"""MQTT, an extra: `paho-mqtt` is imported when the first alarm is told by it. The PLC decides what to do."""

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from inspections.models import Delivery
from workers.telling import message, trust

if TYPE_CHECKING:
    from paho.mqtt.client import Client

CONNECT_S, WHOLE_S = 5.0, 10.0
AT_LEAST_ONCE = 1  # quality of service


def topic_of(delivery: Delivery) -> str:
    return f"{delivery.channel.target.strip('/')}/{delivery.alarm.line.slug}/alarm"


def send(delivery: Delivery) -> str:
    """Publish it with QoS 1, not retained; "" once the broker has acknowledged it, else what went wrong."""
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ModuleNotFoundError:
        return "MQTT needs the package paho-mqtt: install it beside Selvedge"
    where = urlsplit(settings.MQTT_URL)
    if where.scheme not in {"mqtt", "mqtts"} or not where.hostname:
        return "MQTT_URL is not set, or is no mqtt:// or mqtts:// address"
    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    if where.username:
        client.username_pw_set(unquote(where.username), unquote(where.password or ""))
    client.connect_timeout = CONNECT_S
    try:
        if where.scheme == "mqtts":
            client.tls_set_context(trust.context())
        client.connect(where.hostname, where.port or (8883 if where.scheme == "mqtts" else 1883), keepalive=60)
    except (OSError, ValueError) as error:
        return f"the MQTT broker {where.hostname} is not reached: {error or type(error).__name__}"
    return _publish(client, delivery)


def _publish(client: "Client", delivery: Delivery) -> str:
    """Once the broker has let us in."""
    answered, answer = threading.Event(), []

    def told(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        answer.append(reason)
        answered.set()

    client.on_connect = told
    client.loop_start()
    try:
        if not answered.wait(CONNECT_S):
            return f"the MQTT broker did not answer in {CONNECT_S:g} s"
        if answer[0].is_failure:
            return f"the MQTT broker refuses: {answer[0]}"
        sent = client.publish(topic_of(delivery), message.body(delivery), qos=AT_LEAST_ONCE, retain=False)
        sent.wait_for_publish(WHOLE_S - CONNECT_S)
        return "" if sent.is_published() else "the MQTT broker did not acknowledge it"
    except (RuntimeError, ValueError) as error:  # paho's words for a connection that is lost meanwhile
        return f"MQTT: {error}"
    finally:
        client.disconnect()
        client.loop_stop()
