"""The demo's people, lines, cameras and keys, kept in demo.json so that a second start goes on with them."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from inspections.models import Camera, CameraKey, Line, Person, Role

CAMERA = "cam-1"


@dataclass(frozen=True)
class CastFile:
    """demo.json: it appears when the web answers. Until then it is `demo.json.new`, so no password is ever lost."""

    data: Path

    @property
    def final(self) -> Path:
        return self.data / "demo.json"

    @property
    def pending(self) -> Path:
        return self.data / "demo.json.new"

    def read(self) -> dict[str, Any] | None:
        for path in (self.pending, self.final):
            if path.exists():
                found: dict[str, Any] = json.loads(path.read_text())
                return found
        return None

    def write(self, cast: dict[str, Any]) -> None:
        part = self.data / f"demo.json.{os.getpid()}.part"
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with part.open("w") as file:
            json.dump(cast, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.pending)

    def publish(self) -> None:
        if self.pending.exists():
            self.pending.replace(self.final)


def holds_a_real_installation(cast: CastFile) -> bool:
    """People whom no demo made: their passwords are not ours to change."""
    return cast.read() is None and Person.objects.exists()


def make_cast(file: CastFile, url: str, lines: int) -> dict[str, Any]:
    """Everybody and everything of the demo; what is there already stays as it is. Written before the commit."""
    kept = file.read() or {"users": {}, "cameras": []}
    keys = {(camera["line"], camera["camera"]): camera["key"] for camera in kept["cameras"]}
    wanted = [(f"line-{number}", CAMERA) for number in range(1, lines + 1)]
    with transaction.atomic():
        users = {role.value: _person(role, kept["users"].get(role.value)) for role in Role}
        places = [*wanted, *(place for place in keys if place not in wanted)]
        cameras = [_camera(line, camera, keys.get((line, camera))) for line, camera in places]
        Person.objects.get(username=users["operator"]["username"]).lines.set(Line.objects.all())
        cast = {"url": url, "users": users, "cameras": cameras}
        file.write(cast)
    return cast


def _person(role: Role, kept: dict[str, str] | None) -> dict[str, str]:
    username, password = role.value, kept["password"] if kept else secrets.token_urlsafe(9)
    person, _made = Person.objects.get_or_create(username=username, defaults={"role": role})
    if not person.check_password(password):
        person.set_password(password)
        person.save()
    return {"username": username, "password": password}


def _camera(line_slug: str, slug: str, key: str | None) -> dict[str, str]:
    line, _made = Line.objects.get_or_create(slug=line_slug, defaults={"name": line_slug.replace("-", " ").title()})
    camera, _made = Camera.objects.get_or_create(line=line, slug=slug)
    if key is None or not _is_usable(camera, key):
        key = camera.issue_key()
    return {"line": line_slug, "camera": slug, "key": key}


def _is_usable(camera: Camera, key: str) -> bool:
    usable = CameraKey.objects.usable(timezone.now())
    return usable.filter(camera=camera, digest=CameraKey.digest_of(key)).exists()
