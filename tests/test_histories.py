"""P13: whatever happens, the rollups equal a recount, and nothing is lost from the queue."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings

from inspections.models import Capture, Kind, Person, ReviewItem
from tests import cast
from tests.cast import a_line
from tests.histories import BEGINNINGS, STEPS, History, Step, defined, differences, kept

pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("HISTORIES", "20"))  # `make soak` asks for a thousand


@pytest.fixture
def people(db: None, settings: Any) -> list[Person]:
    settings.AUDIT_SHARE = settings.CONTROL_SHARE = settings.SECOND_SHARE = 0.2
    settings.BLIND_SHARE = 0.3
    return [cast.olga(), cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1")), cast.mara()]


@settings(
    max_examples=HISTORIES,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.function_scoped_fixture, HealthCheck.too_slow),
)
@given(begins=BEGINNINGS, steps=STEPS)
def test_after_any_history_counts_equal_a_recount_and_nothing_is_lost_from_the_queue(
    people: list[Person], begins: datetime, steps: list[Step]
) -> None:
    with forgotten(), the_same_chances():
        history = History(people, begins)
        history.go_on(steps)
        assert kept() == defined()
        assert differences() == []
        nothing_is_lost()


@contextmanager
def forgotten() -> Iterator[None]:
    """The rows of one history are gone before the next begins."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def the_same_chances() -> Iterator[None]:
    """What the product draws for itself, so that a history that failed fails again."""
    chance = random.Random(0)
    drawn = SimpleNamespace(SystemRandom=lambda: chance, Random=random.Random)
    bits = SimpleNamespace(randbits=chance.getrandbits)
    with patch("inspections.ids.secrets", bits), patch("inspections.review.asking.random", drawn):
        yield


def nothing_is_lost() -> None:
    about_itself = ReviewItem.objects.open().filter(kind__in=[Kind.FLAGGED, Kind.AUDIT])
    asked = set(about_itself.values_list("capture_id", flat=True))
    for capture in Capture.objects.filter(label=None):
        was_audited = ReviewItem.objects.filter(capture=capture, kind=Kind.AUDIT).exists()
        assert capture.pk in asked or not (capture.flagged or was_audited)
    for item in about_itself.filter(capture__label__isnull=False):
        assert item.set_aside.filter(unsure=True).exists()
