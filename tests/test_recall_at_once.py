"""A recall is ended while what it found is written down, on real connections: neither waits for the other in a ring."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from inspections.models import Recall, SecondLook
from inspections.second_looks import recalling
from tests import cast
from tests.cast import a_camera
from tests.judged import judged
from tests.second_looks import a_challenger, a_recall
from workers import looks
from workers.comparing import Looked, write_down

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_a_recall_that_is_cancelled_while_its_looks_are_written_down_ends(
    transactional_db: None, monkeypatch: Any
) -> None:
    recall, version, captures = a_recall(), a_challenger(), [judged(a_camera()) for _ in range(2)]
    SecondLook.objects.bulk_create(SecondLook(capture=one, version=version, recall=recall) for one in captures)
    mine = looks.claim_looks(version, timezone.now(), 2)
    held, written = threading.Event(), threading.Event()
    end = recalling.end

    def slowly(found: Recall, *said: Any) -> None:
        held.set()
        written.wait(1)
        end(found, *said)

    monkeypatch.setattr(recalling, "end", slowly)
    raised: list[BaseException] = []

    def write() -> None:
        try:
            held.wait(60)
            write_down(version, [Looked(one, None) for one in mine], 1.0, timezone.now())
        except OperationalError as error:
            raised.append(error)
        finally:
            written.set()
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    recalling.cancel(recall, cast.mara(), timezone.now())
    writer.join(30)
    assert not raised, raised
    assert (Recall.objects.get().state, SecondLook.objects.count()) == ("cancelled", 0)
