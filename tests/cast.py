"""The cast of every test, and the images they send, drawn here."""

import time
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from django.contrib.auth.hashers import make_password
from django.test import Client
from PIL import Image

from inspections.locking import ACTIVE_AT
from inspections.models import Camera, Line, Person, Role

PASSWORD = "correct horse battery"


def a_line(slug: str = "loom-1", **fields: Any) -> Line:
    return Line.objects.get_or_create(slug=slug, defaults=fields)[0]


def a_camera(line: str = "loom-1", slug: str = "left", **fields: Any) -> Camera:
    return Camera.objects.get_or_create(line=a_line(line), slug=slug, defaults=fields)[0]


def a_person(username: str, role: Role, *lines: Line) -> Person:
    person: Person = Person.objects.create(username=username, password=_hashed(), role=role)
    person.lines.set(lines)
    return person


@cache
def _hashed() -> str:
    """The password, hashed once a run as the product hashes it: that is slow on purpose, and nearly every test signs
    somebody in."""
    return make_password(PASSWORD)


def olga() -> Person:
    """The operator of loom-1."""
    return a_person("olga", Role.OPERATOR, a_line("loom-1"))


def otto() -> Person:
    """The operator of another line."""
    return a_person("otto", Role.OPERATOR, a_line("loom-2"))


def mara() -> Person:
    """The manager."""
    return a_person("mara", Role.MANAGER)


def ada() -> Person:
    """The admin."""
    return a_person("ada", Role.ADMIN)


def signed_in(person: Person) -> Client:
    """A client with this person's session, as the sign-in page leaves it: a hand was there just now."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[ACTIVE_AT] = time.time()
    session.save()
    return client


def with_key(camera: Camera) -> Client:
    """A client that sends the camera's key with each request."""
    return Client(headers={"Authorization": f"Api-Key {camera.issue_key()}"})


def weave(seed: int = 0, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A grey picture that no other seed gives: threads and noise."""
    width, height = size
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    threads = 128 + 40 * np.sin(x / 1.5) * np.sin(y / 1.5)
    return Image.fromarray(np.clip(threads + rng.normal(0, 12, (height, width)), 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def a_png(seed: int = 0, size: tuple[int, int] = (64, 64)) -> bytes:
    return encoded(weave(seed, size))
