"""A mill in one call: a model in force, and captures that were really posted and really judged."""

from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from inspections import registry
from inspections.models import Capture, ModelVersion
from tests.bundles import small_bundle
from tests.posting import post_raw
from workers import inspectors
from workers.judging import drain


def install(folder: Path, seed: int = 0, **options: Any) -> ModelVersion:
    """Put a small bundle in force."""
    inspectors.forget()
    version = registry.add(small_bundle(folder / f"bundle-{seed}", seed, **options), timezone.now())
    registry.put_in_force(version)
    return version


def posted(client: Client, data: bytes, **fields: Any) -> Capture:
    response = post_raw(client, data, **fields)
    assert response.status_code == 201, response.content
    return Capture.objects.get(pk=response.json()["id"])


def judged(client: Client, data: bytes, **fields: Any) -> Capture:
    """Post, judge, read again."""
    capture = posted(client, data, **fields)
    drain()
    capture.refresh_from_db()
    return capture
