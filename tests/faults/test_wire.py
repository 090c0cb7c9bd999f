"""What a broken or hostile client can do on the wire, against the real web server."""

import socket
import time

import pytest

from tests.bundles import cloth
from tests.faults.mill import Mill, embedded

pytestmark = [pytest.mark.stack, pytest.mark.parametrize("mill", [embedded], ids=["sqlite"], indirect=True)]

LIMIT = 20 * 1024 * 1024


def head(mill: Mill, *lines: str, media: str = "image/png") -> bytes:
    fixed = (
        "POST /api/v1/captures/ HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Api-Key {mill.api.key}",
        f"Content-Type: {media}",
    )  # fmt: skip
    return "\r\n".join((*fixed, *lines, "", "")).encode()


def status(wire: socket.socket) -> int:
    wire.settimeout(20)
    answer = wire.recv(65536)
    return int(answer.split(b" ", 2)[1]) if answer else 0


def connect(mill: Mill) -> socket.socket:
    return socket.create_connection(("127.0.0.1", mill.api.port), timeout=60)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_the_wire(mill: Mill) -> None:
    """One start, many wrongs; after each the next good image is taken."""
    wrongs = (
        chunks_that_never_end_are_cut,
        a_length_beyond_the_limit_is_refused_unread,
        a_body_that_ends_early_leaves_nothing,
        an_image_in_chunks_is_taken,
        a_camera_that_hangs_up_harms_nobody,
    )
    for number, wrong in enumerate(wrongs):
        wrong(mill)
        mill.send(number)


def chunks_that_never_end_are_cut(mill: Mill) -> None:
    with connect(mill) as wire:
        wire.sendall(head(mill, "Transfer-Encoding: chunked"))
        sent, block = 0, chunk(cloth() + bytes(1 << 20))
        try:
            while sent < 3 * LIMIT:
                wire.sendall(block)
                sent += len(block)
        except (ConnectionError, TimeoutError):
            return  # cut off in the middle: as good as told
        assert status(wire) == 413


def a_length_beyond_the_limit_is_refused_unread(mill: Mill) -> None:
    with connect(mill) as wire:
        wire.sendall(head(mill, f"Content-Length: {LIMIT * 5}"))
        assert status(wire) == 413


def a_body_that_ends_early_leaves_nothing(mill: Mill) -> None:
    before = mill.ask("SELECT count(*) FROM inspections_capture")
    with connect(mill) as wire:
        wire.sendall(head(mill, f"Content-Length: {len(cloth()) + 5000}") + cloth())
        wire.shutdown(socket.SHUT_WR)
        assert status(wire) in {400, 0}
    time.sleep(0.5)
    assert mill.ask("SELECT count(*) FROM inspections_capture") == before


def an_image_in_chunks_is_taken(mill: Mill) -> None:
    with connect(mill) as wire:
        data = cloth(seed=900)
        pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
        wire.sendall(head(mill, "Transfer-Encoding: chunked") + b"".join(map(chunk, pieces)) + chunk(b""))
        assert status(wire) == 201


def a_camera_that_hangs_up_harms_nobody(mill: Mill) -> None:
    for length in (0, 10, 2000):
        with connect(mill) as wire:
            wire.sendall(head(mill, "Content-Length: 50000") + bytes(length))
