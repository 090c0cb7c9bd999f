"""Real servers on loopback that alarms are told to: HTTP, mail, MQTT."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiosmtpd.controller import Controller
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.processes import BIN, free_port, wait_for
from workers.telling import mqtt


@dataclass
class Heard:
    """A web server that answers each POST with the next of `answers` (the last one again and again)."""

    answers: list[int]
    port: int = 0
    where: str = ""  # of a redirect
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alarms"


@contextmanager
def a_web_server(
    *answers: int, where: str = "", context: Any = None, gate: threading.Event | None = None
) -> Iterator[Heard]:
    """`gate`: it answers once that is set."""
    heard = Heard(list(answers), where=where)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.posts.append((self.path, dict(self.headers), body))
            if gate:
                gate.wait(60)
            self.send_response(heard.answers.pop(0) if len(heard.answers) > 1 else heard.answers[0])
            if heard.where:
                self.send_header("Location", heard.where)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    heard.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def a_raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port that takes one connection after the other and lets `talk` answer on it."""
    ending = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not ending.is_set():
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            with wire:
                try:
                    talk(wire)
                except OSError:
                    continue  # the other side had enough

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ending.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def hang(wire: socket.socket) -> None:
    """Take the request and say nothing until the other side goes."""
    while wire.recv(65536):
        pass


def drip(wire: socket.socket) -> None:
    """Answer a byte at a time, for ever."""
    wire.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        wire.sendall(b"x")
        time.sleep(0.05)


def dawdle_in_tls(wire: socket.socket) -> None:
    """A handshake that sends a byte of its first record now and then, for ever."""
    wire.sendall(b"\x16\x03\x03\x3f\xff")
    while True:
        wire.sendall(b"x")
        time.sleep(0.05)


def dawdle_by_mail(wire: socket.socket) -> None:
    """A greeting without an end, a letter at a time."""
    wire.sendall(b"220-")
    while True:
        wire.sendall(b"x")
        time.sleep(0.05)


def gush(wire: socket.socket) -> None:
    """A good answer with a body that has no end."""
    wire.recv(65536)
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        wire.sendall(b"x" * 65536)


@contextmanager
def a_mail_server(port: int, refused: Mapping[str, str] | None = None, **tls: Any) -> Iterator[list[Any]]:
    """What arrives, as aiosmtpd's envelopes. `refused`: what it answers to those addresses. `ssl_context`: TLS from
    the first byte; `tls_context`: STARTTLS."""
    found: list[Any] = []

    class Handler:
        async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
            if refused and address in refused:
                return refused[address]
            envelope.rcpt_tos.append(address)
            return "250 taken"

        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            found.append(envelope)
            return "250 taken"

    controller = Controller(Handler(), hostname="127.0.0.1", port=port, ready_timeout=60, **tls)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()


@contextmanager
def an_mqtt_broker(folder: Path, certificate: Path | None = None) -> Iterator[int]:
    """A broker in a process of its own that lets everybody in; over TLS with a certificate and its key in one file."""
    port = free_port()
    tls = f", ssl: true, certfile: '{certificate}', keyfile: '{certificate}'" if certificate else ""
    config, log = folder / "broker.yaml", folder / "broker.log"
    config.write_text(
        f"listeners: {{default: {{type: tcp, bind: '127.0.0.1:{port}'{tls}}}}}\n"
        "plugins: {amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}}\n"
    )
    with log.open("wb") as out:
        process = subprocess.Popen([BIN / "amqtt", "-c", config], stdout=out, stderr=out)
    try:
        wait_for(lambda: _takes(port), what="the broker")
        with patch.object(mqtt, "CONNECT_S", 60.0), patch.object(mqtt, "WHOLE_S", 120.0):  # a busy machine's
            yield port
    finally:
        process.terminate()
        process.wait(60)


def _takes(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def a_subscriber(port: int, topic: str, authority: Path | None = None) -> Iterator[list[Any]]:
    """The messages that arrive under a topic."""
    found: list[Any] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: found.append(message)
    client.on_subscribe = lambda *_: ready.set()
    if authority:
        client.tls_set(str(authority))
    client.connect("localhost" if authority else "127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic, qos=1)
    assert ready.wait(60)
    try:
        yield found
    finally:
        client.disconnect()
        client.loop_stop()
