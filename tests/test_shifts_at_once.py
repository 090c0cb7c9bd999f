"""Two managers who make shifts at the same moment: no two of them overlap, and nothing is lost."""

import threading
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.db import connections

from inspections.models import AuditEvent, Person, Shift
from inspections.shift_keeping import make
from inspections.snapshots import Refused
from inspections.spans import Hours
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
AT_ONCE = 6


def test_of_shifts_that_overlap_one_is_kept() -> None:
    mara = cast.mara()
    together = threading.Barrier(AT_ONCE)
    outcomes: list[Any] = []

    def make_one(number: int, person: Person) -> None:
        hours = Hours(0, f"Shift {number}", time(6), time(14), (1, 2, 3), "UTC")
        together.wait(30)
        outcomes.append(make(hours, person, NOW))
        connections.close_all()

    threads = [threading.Thread(target=make_one, args=(number, mara)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == AT_ONCE
    assert sum(isinstance(one, Refused) for one in outcomes) == AT_ONCE - 1
    assert (Shift.objects.count(), AuditEvent.objects.count()) == (1, 1)
