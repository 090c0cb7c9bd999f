"""P13: whatever happens, the four rollups equal a recount, and nothing is lost from the queue."""

import os
from typing import Any

import pytest

from inspections.models import Capture, Kind, ReviewItem
from tests import cast
from tests.cast import a_line
from tests.histories import History, defined, differences, kept

pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("HISTORIES", "12"))  # `make soak` asks for a thousand


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_after_any_history_counts_equal_a_recount_and_nothing_is_lost_from_the_queue(seed: int, settings: Any) -> None:
    settings.AUDIT_SHARE = settings.CONTROL_SHARE = settings.SECOND_SHARE = 0.2
    settings.BLIND_SHARE = 0.3
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))
    history = History.begin(seed, [cast.olga(), oscar, cast.mara()])
    history.go_on(45)
    assert kept() == defined()
    assert differences() == []
    nothing_is_lost()


def nothing_is_lost() -> None:
    about_itself = ReviewItem.objects.open().filter(kind__in=[Kind.FLAGGED, Kind.AUDIT])
    asked = set(about_itself.values_list("capture_id", flat=True))
    for capture in Capture.objects.filter(label=None):
        was_audited = ReviewItem.objects.filter(capture=capture, kind=Kind.AUDIT).exists()
        assert capture.pk in asked or not (capture.flagged or was_audited)
    for item in about_itself.filter(capture__label__isnull=False):
        assert item.set_aside.filter(unsure=True).exists()
