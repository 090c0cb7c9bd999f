"""A bound on a whole talk, however slowly the other side speaks: a socket's own timeout is for each read alone."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Watched:
    """Sockets that are ended when the time is up, also those of somebody who sends a byte now and then. Each is held
    by a copy of its own: TLS takes the first one over, and a handshake may dawdle too."""

    def __init__(self) -> None:
        self.late = False
        self._wires: list[socket.socket] = []
        self._lock = threading.Lock()

    def add(self, wire: socket.socket) -> None:
        with self._lock:
            self._wires.append(wire.dup())
            if self.late:
                self._end(self._wires[-1])

    def end(self) -> None:
        with self._lock:
            self.late = True
            for wire in self._wires:
                self._end(wire)

    def close(self) -> None:
        with self._lock:
            while self._wires:
                self._wires.pop().close()

    def _end(self, wire: socket.socket) -> None:
        try:
            wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # ended already


@contextmanager
def within(seconds: float) -> Iterator[Watched]:
    """TimeoutError where the talk over the watched sockets took longer."""
    watched = Watched()
    timer = threading.Timer(seconds, watched.end)
    timer.daemon = True
    timer.start()
    try:
        yield watched
    except (OSError, http.client.HTTPException) as error:
        if watched.late:
            raise TimeoutError from error
        raise
    else:
        if watched.late:  # what was read before its end is no answer
            raise TimeoutError
    finally:
        timer.cancel()
        watched.close()
