"""A line camera's client for Selvedge: store and forward, nothing lost, nothing sent twice. Standard library only.

Copy this one file to the line's PC. As a program it posts a folder:

    export SELVEDGE_KEY=slv_...
    python camera.py --url http://mill-server:8000 --folder /grabs --watch --done /grabs/taken --roll R-1042

As a module it takes images from your own grabber:

    spool = Spool(Path("/var/spool/selvedge"))
    forwarder = Forwarder(Client("http://mill-server:8000", key), spool)
    threading.Thread(target=forwarder.run, daemon=True).start()
    heart = Heart(Client("http://mill-server:8000", key, BEAT_TIMEOUT_S), spool)
    threading.Thread(target=heart.run, daemon=True).start()
    spool.put(jpeg_bytes, {"roll": "R-1042", "position_m": 12.5})

`put` has the image and its one `capture_id` on disk before it returns. Only the server's 201 or 200 deletes it,
so a lost network, a restart or a power cut costs time and no image, and the id makes a repeated send harmless.
The heart tells the server that the camera is there, and how much waits, also while there is nothing to send.
"""

import argparse
import collections
import email.utils
import errno
import fcntl
import hashlib
import http.client
import json
import logging
import os
import random
import shutil
import signal
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = "2"
NAME = f"selvedge-camera/{VERSION}"
PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
BACKOFF_S, BACKOFF_MAX_S, RETRY_AFTER_MAX_S = 0.5, 30.0, 600.0
BEAT_S, BEAT_TIMEOUT_S = 20.0, 5.0  # a camera is called silent after 60 s: two beats may be lost
ABOUT_THE_IMAGE = {400, 409, 413, 415, 422}  # sending it again would change nothing; every other error may pass
IMAGE_PROBLEMS = {
    "image-missing", "unsupported-image", "too-large", "too-many-pixels", "image-undecodable", "image-too-small",
    "image-too-narrow", "capture-id-conflict",
}  # fmt: skip
log = logging.getLogger("selvedge.camera")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- one attempt ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What the server said; status 0: it could not be reached, and `body` says why."""

    status: int
    body: dict[str, Any]
    retry_after_s: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.status in {200, 201}

    @property
    def refused(self) -> bool:
        """Refused by Selvedge itself for what the image or its fields are; a proxy's 400 or 413 is no word on it."""
        kind = str(self.body.get("type", "")).rpartition("/")[2]
        return self.status in ABOUT_THE_IMAGE and (kind in IMAGE_PROBLEMS or bool(self.body.get("errors")))

    @property
    def reason(self) -> str:
        return str(self.body.get("detail") or self.body.get("title") or f"status {self.status}")


class Client:
    """One keep-alive connection with the camera's key. Not for use by two threads at once."""

    def __init__(self, url: str, key: str, timeout_s: float = 30.0) -> None:
        parts = urllib.parse.urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not the address of a server: {url}")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._wire = kind(parts.hostname, parts.port, timeout=timeout_s)
        self._path = f"{parts.path.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Api-Key {key}", "User-Agent": NAME}

    def post(self, image: bytes, fields: Mapping[str, Any]) -> Answer:
        """One attempt to send an image."""
        query = urllib.parse.urlencode({**fields, "sent_at": now()})
        return self._attempt(f"captures/?{query}", image, "application/octet-stream")  # the server decides by content

    def beat(self, spooled: int, dropped: int) -> Answer:
        """One attempt to say that the camera is there; the answer is 204."""
        said = {"sent_at": now(), "spooled": spooled, "dropped": dropped, "version": NAME}
        return self._attempt("cameras/heartbeat/", json.dumps(said).encode(), "application/json")

    def _attempt(self, where: str, body: bytes, media: str) -> Answer:
        """A second one at once if the kept connection turns out to have gone stale meanwhile."""
        while True:
            kept_open = self._wire.sock is not None
            try:
                return self._post(where, body, media)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not (kept_open and isinstance(error, ConnectionError)):  # RemoteDisconnected is one
                    return Answer(0, {"detail": f"{type(error).__name__}: {error}"})

    def close(self) -> None:
        self._wire.close()

    def _post(self, where: str, body: bytes, media: str) -> Answer:
        headers = {**self._headers, "Content-Type": media}
        self._wire.request("POST", f"{self._path}/{where}", body=body, headers=headers)
        response = self._wire.getresponse()
        text = response.read()
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if response.status in {301, 302, 307, 308}:
            said = {"detail": f"the server wants another address: {response.getheader('Location')}"}
        wait = _retry_after_s(response.getheader("Retry-After"))
        return Answer(response.status, said if isinstance(said, dict) else {}, wait)


def _retry_after_s(text: str | None) -> float:
    """Seconds, or a date: RFC 9110, section 10.2.3."""
    if not text:
        return 0.0
    if text.strip().isdigit():
        return min(RETRY_AFTER_MAX_S, float(text))
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return min(RETRY_AFTER_MAX_S, max(0.0, until.timestamp() - time.time()))


# --- the spool ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """One image in the spool: its fields (capture_id among them), and a note that is not sent."""

    sidecar: Path
    fields: dict[str, Any]
    note: dict[str, Any]

    @property
    def image(self) -> Path:
        return self.sidecar.with_suffix(".image")


class SpoolFull(Exception):
    """The image was not taken: the spool has its full size. What it took before stays."""


class Spool:
    """A folder of images not yet accepted, named by their sequence number. One process at a time."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 30) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._turn = threading.Condition()
        self.dropped = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise RuntimeError(f"{folder} is in use by another camera client") from None
        self._clear_what_was_never_taken()
        self._waiting = collections.deque(sorted(folder.glob("*.json")))
        self._next = self._first_sequence()
        self._bytes = sum(path.stat().st_size for path in folder.glob("*.image"))

    def put(self, image: bytes, fields: Mapping[str, Any], note: Mapping[str, Any] | None = None) -> str:
        """Take an image: on disk when this returns. Makes its capture_id, captured_at and sequence if not given."""
        with self._turn:
            sequence, self._next = self._next, self._next + 1
            self._count()
            if not self.has_room(len(image)):
                self.dropped += 1  # its sequence number is used up, so the server sees the gap
                raise SpoolFull(f"{self._folder} holds {self._bytes} bytes")
            known = {"capture_id": uuid.uuid4().hex, "captured_at": now(), "sequence": sequence}
            kept = Kept(self._folder / f"{sequence:015d}.json", {**known, **fields}, dict(note or {}))
            self._write(kept, image)
            self._bytes += len(image)
            self._waiting.append(kept.sidecar)
            self._turn.notify_all()
            return str(kept.fields["capture_id"])

    def _count(self) -> None:
        try:
            _write_whole(self._folder / "next", str(self._next).encode())
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self.dropped += 1
            raise SpoolFull(f"{self._folder}: {error}") from error

    def has_room(self, size: int) -> bool:
        return self._bytes + size <= self._max_bytes

    def _write(self, kept: Kept, image: bytes) -> None:
        try:
            _write_whole(kept.image, image)
            _write_whole(kept.sidecar, json.dumps({"fields": kept.fields, "note": kept.note}).encode())
            _sync_folder(self._folder)
        except OSError as error:
            for path in (kept.sidecar, kept.image):
                path.unlink(missing_ok=True)
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self.dropped += 1
            raise SpoolFull(f"{self._folder}: {error}") from error

    def oldest(self) -> Kept | None:
        with self._turn:
            if not self._waiting:
                return None
            content = json.loads(self._waiting[0].read_text())
            return Kept(self._waiting[0], content["fields"], content["note"])

    def wait(self, seconds: float) -> None:
        """Until something is there, at most so long."""
        with self._turn:
            if not self._waiting:
                self._turn.wait(seconds)

    def delete(self, kept: Kept) -> None:
        with self._turn:
            self._bytes -= kept.image.stat().st_size
            self._waiting.remove(kept.sidecar)
            kept.sidecar.unlink()  # first: an image without a sidecar is not in the spool
            kept.image.unlink()

    def reject(self, kept: Kept, answer: Answer) -> None:
        """Move it aside with the problem beside it: a person must look."""
        with self._turn:
            rejected = self._folder / "rejected"
            rejected.mkdir(exist_ok=True)
            self._bytes -= kept.image.stat().st_size
            self._waiting.remove(kept.sidecar)
            problem = rejected / f"{kept.fields['capture_id']}.problem.json"
            _write_whole(problem, json.dumps({"status": answer.status, **answer.body}, indent=2).encode())
            kept.sidecar.rename(rejected / f"{kept.fields['capture_id']}.json")  # first, as in delete
            kept.image.rename(rejected / f"{kept.fields['capture_id']}.image")

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        self._lock.close()

    def _first_sequence(self) -> int:
        counter = self._folder / "next"
        text = counter.read_bytes() if counter.exists() else b""
        told = int(text) if text.isdigit() else 0
        return max(told, int(self._waiting[-1].stem) + 1 if self._waiting else 0)

    def _clear_what_was_never_taken(self) -> None:
        for image in self._folder.glob("*.image"):
            if not image.with_suffix(".json").exists():
                image.unlink()
        for sidecar in self._folder.glob("*.json"):
            if not sidecar.with_suffix(".image").exists():
                sidecar.unlink()
        for part in self._folder.glob("*.part"):
            part.unlink()


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- forwarding -----------------------------------------------------------------------------------------------------


def _ignore(kept: Kept, answer: Answer) -> None:
    return None


class Forwarder:
    """Sends the spool's oldest image until the server has it, then the next. `on_end` hears each final answer."""

    def __init__(self, client: Client, spool: Spool, on_end: Callable[[Kept, Answer], None] = _ignore) -> None:
        self._client, self._spool, self._on_end = client, spool, on_end
        self._stop = threading.Event()
        self._failures = 0
        self.accepted = self.rejected = 0

    def run(self, last: threading.Event | None = None, give_up_s: float = float("inf")) -> bool:
        """Until `stop`, or `last` is set and the spool is empty. False if nothing went through for `give_up_s`."""
        well = time.monotonic()
        while not self._stop.is_set():
            no_more = last is not None and last.is_set()
            kept = self._spool.oldest()
            if kept is None:
                if no_more:
                    break
                self._spool.wait(0.5)
                well = time.monotonic()
                continue
            wait = self.send(kept)
            if not wait:
                well = time.monotonic()
            elif time.monotonic() + wait - well > give_up_s:
                return False
            self._stop.wait(wait)
        return True

    def stop(self) -> None:
        self._stop.set()

    def send(self, kept: Kept) -> float:
        """One attempt. The seconds to wait before the next; 0: this image is dealt with."""
        answer = self._client.post(kept.image.read_bytes(), kept.fields)
        if answer.accepted:
            self._spool.delete(kept)
            self.accepted += 1
        elif answer.refused:
            log.error("rejected %s: %s %s", kept.fields["capture_id"], answer.status, answer.reason)
            self._spool.reject(kept, answer)
            self.rejected += 1
        else:
            return self._backoff(answer)
        self._failures = 0
        self._on_end(kept, answer)
        return 0.0

    def _backoff(self, answer: Answer) -> float:
        """Exponential with jitter, so that a mill's cameras do not all come back at once; never before Retry-After."""
        step = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(self._failures, 20))
        wait: float = max(answer.retry_after_s, step * random.uniform(0.5, 1.0))
        self._failures += 1
        log.warning("not sent (%s: %s); again in %.1f s", answer.status, answer.reason, wait)
        return wait


class Heart:
    """Says every `every_s` seconds that the camera is there, what waits in its spool and what was dropped.

    In a thread of its own and with a client of its own: a server that asks to wait, or a long upload, must not make a
    camera look dead. A beat that fails is not repeated, the next one says more.
    """

    def __init__(self, client: Client, spool: Spool, every_s: float = BEAT_S) -> None:
        self._client, self._spool, self._every_s = client, spool, every_s
        self._stop = threading.Event()
        self._well = True

    def run(self) -> None:
        """Until `stop`; then a last one, that says what stays behind."""
        self.beat()
        while not self._stop.wait(self._every_s):
            self.beat()
        self.beat()
        self._client.close()

    def stop(self) -> None:
        self._stop.set()

    def beat(self) -> bool:
        answer = self._client.beat(len(self._spool), self._spool.dropped)
        well = answer.status == 204
        if self._well and not well:  # once, not with every beat
            log.warning("no heartbeat (%s: %s)", answer.status, answer.reason)
        self._well = well
        return well


# --- the program ----------------------------------------------------------------------------------------------------

EXAMPLES = """examples:
  SELVEDGE_KEY=slv_... %(prog)s --url http://mill-server:8000 --folder grabs
      post each picture once and end
  %(prog)s --url https://mill --key-file key.txt --folder grabs --watch --done grabs/taken
      post what appears; move each file once it is safe in the spool

The id of a picture is made of its name and bytes, so posting a folder again is harmless.
exit codes: 0 all accepted; 1 some rejected (see SPOOL/rejected); 2 wrong use; 3 gave up, the rest stays in the spool"""


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    key = options.key_file.read_text().strip() if options.key_file else os.environ.get("SELVEDGE_KEY", "")
    if not key:
        parser.error("give the camera's key: SELVEDGE_KEY in the environment, or --key-file")
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    return _post_folder(options, key)


def _post_folder(options: argparse.Namespace, key: str) -> int:
    spool = Spool(options.spool or options.folder / ".selvedge-spool", options.spool_mb << 20)
    client = Client(options.url, key, options.timeout)
    forwarder = Forwarder(client, spool)
    heart = Heart(Client(options.url, key, min(options.timeout, BEAT_TIMEOUT_S)), spool)
    stop, last = threading.Event(), threading.Event()
    missed: list[Path] = []

    def end(*_: object) -> None:
        stop.set()
        forwarder.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    feeder = threading.Thread(target=_feed, args=(options, spool, stop, last, missed), daemon=True)
    beating = threading.Thread(target=heart.run, daemon=True)
    feeder.start()
    beating.start()
    through = forwarder.run(last, options.give_up)
    stop.set()
    feeder.join(5)
    heart.stop()
    beating.join(2 * BEAT_TIMEOUT_S)
    log.info("accepted %d, rejected %d, left in the spool %d", forwarder.accepted, forwarder.rejected, len(spool))
    left = len(spool)
    client.close()
    spool.close()
    return 3 if left or missed or not through else 1 if forwarder.rejected else 0


def _feed(
    options: argparse.Namespace, spool: Spool, stop: threading.Event, last: threading.Event, missed: list[Path]
) -> None:
    """Put pictures into the spool, in the order of their names; again and again if watching."""
    seen: set[tuple[str, int]] = set()
    while not stop.is_set():
        for path, changed in _settled(options.folder, options.settle if options.watch else 0.0):
            mark = (path.name, changed)
            if mark in seen or stop.is_set():
                continue
            if _is_taken(path, options, spool, stop):
                seen.add(mark)
            elif not options.watch:
                missed.append(path)
        if not options.watch:
            break
        stop.wait(0.5)
    last.set()


def _is_taken(path: Path, options: argparse.Namespace, spool: Spool, stop: threading.Event) -> bool:
    """False where it could not be taken now: one bad file, or a full disk, must not stop the camera."""
    try:
        _take(path, options, spool, stop)
    except (OSError, SpoolFull) as error:
        log.error("could not take %s: %s", path.name, error)
        return False
    return True


def _take(path: Path, options: argparse.Namespace, spool: Spool, stop: threading.Event) -> None:
    """One picture, as soon as the spool has room for it."""
    image, taken = path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    own = {"capture_id": _id_of(path.name, image), "captured_at": taken.isoformat().replace("+00:00", "Z")}
    given = {name: getattr(options, name) for name in ("roll", "mm_per_px", "offset_mm")}
    while not spool.has_room(len(image)):
        if stop.wait(0.2):
            return
    spool.put(
        image, {**{name: value for name, value in given.items() if value is not None}, **own}, {"file": path.name}
    )
    if options.done:
        _put_aside(path, options.done)


def _put_aside(path: Path, done: Path) -> None:
    """The picture is safe in the spool, so a failure here is only untidy."""
    try:
        done.mkdir(parents=True, exist_ok=True)
        shutil.move(path, done / path.name)
    except OSError as error:
        log.error("could not move %s to %s: %s", path.name, done, error)


def _id_of(name: str, image: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\0" + image).hexdigest()[:40]


def _settled(folder: Path, settle_s: float) -> Iterator[tuple[Path, int]]:
    """Pictures that nobody has written to for a moment, each with its time of change (ns)."""
    for path in sorted(folder.iterdir()):
        is_picture = path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()
        changed = path.stat().st_mtime_ns if is_picture and path.exists() else None
        if changed is not None and time.time() - changed / 1e9 >= settle_s:
            yield path, changed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camera", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--url", required=True, help="the server, for example http://mill-server:8000")
    add("--key-file", type=Path, help="a file with the camera's key (else SELVEDGE_KEY in the environment)")
    add("--folder", type=Path, required=True, help="pictures to post, in the order of their names")
    add("--watch", action="store_true", help="go on with what appears there, until Ctrl-C")
    add("--done", type=Path, help="move each picture there once it is safe in the spool (same file system)")
    add("--spool", type=Path, help="the store-and-forward folder (default: FOLDER/.selvedge-spool)")
    add("--spool-mb", type=int, default=1024, help="how much it may hold (default: %(default)s)")
    add("--roll", help="the roll's code")
    add("--mm-per-px", type=float, help="scale")
    add("--offset-mm", type=float, help="distance of the image's left edge from the left selvedge")
    add("--timeout", type=float, default=30.0, help="seconds for one attempt (default: %(default)s)")
    add("--settle", type=float, default=1.0, help="watching: seconds a file must be unchanged (default: %(default)s)")
    add("--give-up", type=float, default=float("inf"), help="seconds without any success before exit code 3")
    return parser


if __name__ == "__main__":
    sys.exit(main())
