"""The demo's line cameras: one thread each draws (or reads) pictures on a steady schedule and posts them.

They know only what a real camera knows: an address, a key and the real client. The true label goes into the camera's
own log (`$DATA/cameras/<line>-<camera>.jsonl`), never over the wire. The supervisor runs `python -m workers.simulate`.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from workers.camera import BEAT_TIMEOUT_S, Answer, Client, Forwarder, Heart, Kept, Spool, SpoolFull
from workers.pictures import Drawn, Picture, Pictures, read_folder, share_out

LOG_BYTES = 50 * 1024 * 1024
MM_PER_PX = 0.1
log = logging.getLogger("selvedge.cameras")


@dataclass(frozen=True)
class Plan:
    """What the environment asks of every camera."""

    data: Path
    rate: float
    defects: float
    images: Path | None
    loop: bool


class LineCamera:
    """One simulated camera: threads that make pictures, forward them and say that it is there, and its own log."""

    def __init__(self, url: str, place: dict[str, str], pictures: Pictures, plan: Plan, phase: float) -> None:
        self.name = f"{place['line']}-{place['camera']}"
        self._pictures, self._period, self._phase = pictures, 1 / plan.rate, phase
        folder = plan.data / "cameras"
        self._spool = Spool(folder / f"{self.name}.spool", max_bytes=256 << 20)
        self._log_path = folder / f"{self.name}.jsonl"
        self.forwarder = Forwarder(Client(url, place["key"]), self._spool, self._note)
        self._heart = Heart(Client(url, place["key"], BEAT_TIMEOUT_S), self._spool)
        self._stop, self._last = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._shoot, name=f"{self.name} shoots"),
            threading.Thread(target=self._send, name=f"{self.name} sends"),
            threading.Thread(target=self._heart.run, name=f"{self.name} beats"),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.forwarder.stop()

    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _send(self) -> None:
        """Until it is stopped or all is sent; then the heart may rest."""
        self.forwarder.run(self._last)
        self._heart.stop()

    def _shoot(self) -> None:
        """A picture each period, the cameras out of step with one another. One that is late leaves pictures out."""
        due = time.monotonic() + self._phase * self._period
        late = False
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            picture = self._pictures.next(late)
            if picture is None:
                break
            self._post(picture)
            due += self._period
            late = time.monotonic() > due
            if time.monotonic() - due > 1.0:
                due = time.monotonic()
        self._last.set()

    def _post(self, picture: Picture) -> None:
        note = {"file": picture.file, "label": picture.label, "roll": picture.fields.get("roll")}
        try:
            self._spool.put(picture.image, picture.fields, note)
        except SpoolFull as full:
            log.warning("%s dropped a picture: %s", self.name, full)

    def _note(self, kept: Kept, answer: Answer) -> None:
        """The camera's own log: what was posted, what it truly showed, and what the server answered."""
        line = {
            "capture_id": kept.fields["capture_id"],
            **kept.note,
            "status": answer.status,
            "id": answer.body.get("id"),
        }
        if self._log_path.exists() and self._log_path.stat().st_size > LOG_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".jsonl.1"))
        with self._log_path.open("a") as file:
            _write_line(file, line)


def _write_line(file: TextIO, line: dict[str, Any]) -> None:
    file.write(json.dumps(line) + "\n")


def plan_from(environment: dict[str, str]) -> Plan:
    images = environment.get("IMAGES")
    return Plan(
        data=Path(environment["DATA"]),
        rate=float(environment.get("RATE") or 2),
        defects=float(environment.get("DEFECTS") or 0.05),
        images=Path(images) if images else None,
        loop=environment.get("LOOP", "1") != "0",
    )


def pictures_for(plan: Plan, places: list[dict[str, str]]) -> list[Pictures]:
    """A source of pictures for each camera: cloth of its own, or its share of the folder."""
    if plan.images is None:
        return [Drawn(place["line"], plan.defects, MM_PER_PX) for place in places]
    return list(share_out(read_folder(plan.images), len(places), plan.loop))


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    plan = plan_from(dict(os.environ))
    cast = json.loads((plan.data / "demo.json").read_text())
    places = cast["cameras"][: int(os.environ["LINES"])]
    sources = pictures_for(plan, places)
    cameras = [
        LineCamera(cast["url"], place, source, plan, number / len(places))
        for number, (place, source) in enumerate(zip(places, sources, strict=True))
    ]

    def end(*_: object) -> None:
        for camera in cameras:
            camera.stop()

    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, end)
    for camera in cameras:
        camera.start()
    while any(camera.is_busy() for camera in cameras):
        time.sleep(0.2)
    accepted = sum(camera.forwarder.accepted for camera in cameras)
    rejected = sum(camera.forwarder.rejected for camera in cameras)
    sys.stdout.write(f"done: {accepted} pictures accepted, {rejected} rejected\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
