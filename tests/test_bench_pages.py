"""`make bench-pages` in small: its mill is counted right, its pages answer, and what grows with history is found."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from inspections.models import Alarm, Capture, Label, LengthCount, ReviewItem, Verdict
from tests.histories import differences
from workers.bench import pages
from workers.bench.pages_alarms import alarms
from workers.bench.pages_captures import Filler
from workers.bench.pages_list import Address, addresses
from workers.bench.pages_measure import client_of, headers_of, measure, stream
from workers.bench.pages_mill import CAMERAS, LINES, build, built
from workers.bench.pages_others import others

CAPTURES, DAYS = 1500, 2


@pytest.fixture
def filled(db: None, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, Any]]:
    """The mill, and what its filling said. No table is vacuumed inside a test's transaction."""
    for name in ("unchecked", "settle"):
        monkeypatch.setattr(f"workers.bench.bulk.{name}", nullcontext)
    now = timezone.now()
    mill = build(now, DAYS)
    told = pages.fill(mill, CAPTURES, DAYS, now, lambda _words: None)
    others(mill, now)
    return mill, told


def test_what_it_fills_is_counted_as_the_product_counts(filled: Any) -> None:
    mill, told = filled
    assert told["unlike"] == 0
    assert differences() == []
    assert LengthCount.objects.exists()
    assert Capture.objects.count() == CAPTURES
    assert len(mill.lines) == LINES
    assert sum(map(len, mill.cameras)) == CAMERAS


def test_a_tenth_lies_in_the_last_tenth_of_the_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("unchecked", "settle"):
        monkeypatch.setattr(f"workers.bench.bulk.{name}", nullcontext)
    now = timezone.now()
    pages.fill(build(now, DAYS), CAPTURES, DAYS, now, lambda _words: None, 0.1)
    assert Capture.objects.count() == CAPTURES / 10
    assert not Capture.objects.filter(counted_at__lt=now - timedelta(days=DAYS) * 0.1).exists()


def test_a_mill_that_was_kept_is_read_back_as_it_was_built(db: None) -> None:
    assert build(timezone.now(), DAYS) == built()


def test_what_was_said_fits_the_captures(filled: Any) -> None:
    for capture in Capture.objects.filter(label__isnull=False).select_related("label"):
        assert capture.label is not None
        assert capture.label.capture_id == capture.pk
        assert capture.label.defect_class_id == capture.defect_class_id
    assert Label.objects.count() == Capture.objects.filter(label__isnull=False).count() > 0
    assert ReviewItem.objects.open().exists()
    assert Verdict.objects.filter(capture__flagged=True).count() == Capture.objects.filter(flagged=True).count()
    assert Alarm.objects.exists()


def test_every_page_that_it_measures_answers(filled: Any) -> None:
    mill, _told = filled
    client = client_of(mill.manager)
    found, _without = addresses(pages.samples(mill))
    statuses = {one.words: client.get(one.url, headers=headers_of(one)).status_code for one in found}
    assert {words for words, status in statuses.items() if status >= 500} == set()
    for page in ("/", "/ (refresh)", "/flagged/", "/lines/line-4/", "/alarms/", "/escape/", "/snapshots/S1/"):
        assert statuses[page] == 200


def test_it_counts_queries_and_reads_a_file_to_its_end(filled: Any) -> None:
    mill, _told = filled
    client = client_of(mill.manager)
    one = measure(client, Address("/flagged/"), rounds=2)
    assert one.queries > 3
    assert one.p95 >= one.p50 > 0
    flagged = Capture.objects.filter(flagged=True).count()
    assert stream(client, "/flagged.csv").rows == flagged


def test_an_address_over_its_limit_is_asked_more_often_so_that_one_request_is_no_p95(filled: Any) -> None:
    client = client_of(filled[0].manager)
    assert measure(client, Address("/alarms/", limit=60_000), rounds=2, more=3).requests == 2
    assert measure(client, Address("/alarms/", limit=0), rounds=2, more=3).requests == 5


def test_the_same_mill_is_drawn_again(db: None) -> None:
    """So that both databases hold the same rows."""
    now = timezone.now().replace(microsecond=0)
    mill = build(now, DAYS)
    drawn = []
    for _ in range(2):
        filler = Filler(mill, now, np.random.default_rng(pages.SEED))
        drawn.append(filler._draw(0, 10**9, 50))
    assert (drawn[0].us == drawn[1].us).all()
    assert (drawn[0].flagged == drawn[1].flagged).all()


def test_alarms_lie_in_the_time_that_is_filled(db: None) -> None:
    now = timezone.now()
    mill = build(now, DAYS)
    alarms(mill, now - timedelta(days=DAYS), now)
    assert Alarm.objects.filter(since__gte=now - timedelta(days=DAYS), since__lt=now).count() == 6 * DAYS
