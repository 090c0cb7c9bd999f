"""Fixtures that every test may ask for."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from inspections.models import Camera
from tests import cast

# None that flushes the test database: what is planted by migrations is gone for those after it.
LONG = (
    "test_retraining_story.py",
    "test_demo.py",
    "test_production_shape.py",
    "test_precision.py",
    "test_crossval.py",
    "test_cli.py",
    "test_metric_pack.py",
    "test_head.py",
    "test_train.py",
    "test_texture.py",
    "test_drill.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files begin first: begun last, one of them would keep one process busy while the other idles."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
    if config.getoption("loadgroup", False):  # xdist tells it to its processes alone
        _are_grouped(items)


def _are_grouped(items: list[pytest.Item]) -> None:
    """pytest 9.2 does not take the name that xdist gives to a test of a group: each process then makes all the dear
    things of a file anew, and nothing says so."""
    lost = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
    if lost:
        raise pytest.UsageError(f"groups of tests are not kept together: {lost[0]}")


def pytest_collection_finish() -> None:
    """What was loaded by now stays, and a test makes much that is gone at its end: looking through all of it after
    every 700 new objects is a tenth of the processor time of tests that read rows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Each test stores its files in a folder of its own."""
    media = tmp_path / "media"
    settings.MEDIA_ROOT = media
    settings.BUNDLES = tmp_path / "bundles"
    settings.TRAININGS = tmp_path / "trainings"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(media)}},
    }
    yield
    shutil.rmtree(media, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_by_chance(settings: Any) -> None:
    """What is asked comes from the flagged alone, the model's answer in sight; tests of the rest set its share."""
    settings.AUDIT_SHARE = settings.BLIND_SHARE = settings.CONTROL_SHARE = settings.SECOND_SHARE = 0.0


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """A camera's rate limit does not reach from one test into the next: rows of another test reuse its number."""
    from inspections.api.rate_limit import CameraThrottle

    CameraThrottle._counts.clear()


@pytest.fixture(autouse=True)
def no_bundle_stays_refused() -> None:
    """One that was spoilt is left alone for seconds: the next test's, of the same name and bytes, is whole."""
    from workers import inspectors

    inspectors._failed.clear()


@pytest.fixture(autouse=True)
def the_first_classes_stay(django_db_serialized_rollback: None) -> None:
    """A transactional test empties every table at its end; this puts back what the migrations had filled in."""


@pytest.fixture
def camera(db: None) -> Camera:
    """The camera `left` of `loom-1`."""
    return cast.a_camera()


@pytest.fixture
def posting(camera: Camera) -> Client:
    """A client that posts as that camera."""
    return cast.with_key(camera)
