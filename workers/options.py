"""What `make demo` and `make run` take from the environment, read once and checked as a whole."""

import math
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class Options:
    """Every one is an environment variable of the same name in capitals."""

    host: str = "127.0.0.1"
    port: int = 8000
    lines: int = 3
    rate: float = 2.0  # images a second and camera
    defects: float = 0.05  # the share of drawn cloth with a defect
    images: Path | None = None  # pictures to post instead of drawn cloth
    loop: bool = True
    cameras: bool = True

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104  compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_options(environment: Mapping[str, str]) -> tuple[Options, list[str]]:
    """The options, and every complaint in words (an option complained of has its default)."""
    values: dict[str, object] = {}
    complaints: list[str] = []
    for option in fields(Options):
        text = environment.get(option.name.upper(), "").strip()
        if not text:
            continue
        try:
            values[option.name] = _READERS[option.name](text)
        except ValueError as error:
            complaints.append(f"{option.name.upper()}={text}: {error}")
    return Options(**values), complaints  # type: ignore[arg-type]  # each reader returns its field's type


def port_is_taken(host: str, port: int) -> str:
    """Why the web could not listen there; empty if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"{host}:{port} cannot be used: {os.strerror(error.errno or 0)}"
    return ""


def _whole(text: str, low: int, high: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not low <= number <= high:
        raise ValueError(f"must be a whole number from {low} to {high}")
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise ValueError("must be a share from 0 to 1")
    return number


def _rate(text: str) -> float:
    number = _number(text)
    if not 0 < number <= 1000:
        raise ValueError("must be images a second, above 0 and at most 1000")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _yes(text: str) -> bool:
    if text.lower() not in {"0", "1", "no", "yes", "false", "true"}:
        raise ValueError("must be 0 or 1")
    return text.lower() in {"1", "yes", "true"}


def _pictures(text: str) -> Path:
    folder = Path(text).expanduser().resolve()
    if not folder.is_dir():
        raise ValueError("is no folder")
    if not any(path.suffix.lower() in PICTURES for path in folder.rglob("*")):
        raise ValueError("has no picture in it (JPEG, PNG, WebP, TIFF or BMP)")
    return folder


_READERS: dict[str, Callable[[str], object]] = {
    "host": str,
    "port": lambda text: _whole(text, 1, 65535),
    "lines": lambda text: _whole(text, 1, 100),
    "rate": _rate,
    "defects": _share,
    "images": _pictures,
    "loop": _yes,
    "cameras": _yes,
}
