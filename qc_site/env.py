"""Where the embedded defaults live: the data folder, its key, its database and its broker's socket."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

UNIX_SOCKET_PATH_MAX = 100  # the kernel takes 107 bytes, and Valkey writes a little more beside it


def data_folder() -> Path:
    """The folder that holds everything this installation keeps (env `DATA`, default `./var`)."""
    return Path(os.environ.get("DATA") or "var").expanduser().resolve()


def broker_socket(data: Path) -> Path:
    """The embedded broker's socket: in the data folder, or in a private short folder where that path is too long."""
    socket = data / "broker.sock"
    if len(str(socket)) <= UNIX_SOCKET_PATH_MAX:
        return socket
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"selvedge-{os.getuid()}-{digest}" / "broker.sock"


def kept_secret(path: Path) -> str:
    """A secret made once and kept with mode 0600, for the embedded default; production sets SECRET_KEY."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_urlsafe(64))
        try:
            os.link(part, path)  # two first starts at once must agree on one secret
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_text()
