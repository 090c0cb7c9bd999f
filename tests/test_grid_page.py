"""`/queue/grid/`: which images stand in it, in which order, and what may be sent from it."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import Capture, How, Kind, Label, Person, ReviewItem, SetAside
from inspections.pages import grid_items
from inspections.review.answers import decide
from inspections.review.queue import Order, Wanted
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import judged, many_judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


def text_of(person: Person, address: str = "/queue/grid/", status: int = 200) -> str:
    response = signed_in(person).get(address)
    assert response.status_code == status
    return response.content.decode()


def shown(text: str) -> list[str]:
    return re.findall(r'class="tile [^"]*" id="t-([0-9a-f-]+)"', text)


def ids(*captures: Capture) -> list[str]:
    return [str(capture.pk) for capture in captures]


def asked(count: int, now: datetime, line: str = "loom-1", score: float = 0.9) -> list[Capture]:
    rows = list(many_judged(a_camera(line), count, now, "hole", score))
    items = [
        ReviewItem(capture=row, line_id=row.line_id, rank=row.severity, counted_at=row.counted_at, created_at=now)
        for row in rows
    ]
    ReviewItem.objects.bulk_create(items)
    return rows


def test_worst_newest_and_oldest_first(olga: Person, now: datetime) -> None:
    mild, worse = judged(a_camera(), "hole", 0.5), judged(a_camera(), "hole", 0.9)
    critical = judged(a_camera(), "metal_contamination", 0.4)
    assert shown(text_of(olga)) == ids(critical, worse, mild)
    assert shown(text_of(olga, "/queue/grid/?order=new")) == ids(critical, worse, mild)
    assert shown(text_of(olga, "/queue/grid/?order=old")) == ids(mild, worse, critical)


def test_only_open_flagged_questions_of_own_lines_that_are_not_blind(olga: Person, now: datetime) -> None:
    there = judged(a_camera(), "hole")
    judged(a_camera("loom-2"), "hole")
    judged(a_camera(), "good", 0.01)
    decide(olga, judged(a_camera(), "cut"), "cut", now)
    blind, aside, audit = judged(a_camera(), "cut"), judged(a_camera(), "cut"), judged(a_camera(), "good", 0.01)
    ReviewItem.objects.filter(capture=blind).update(blind=True)
    SetAside.objects.create(item=ReviewItem.objects.get(capture=aside), person=olga, at=now)
    values = {"counted_at": now, "created_at": now}
    ReviewItem.objects.create(capture=audit, line=audit.line, kind=Kind.AUDIT, blind=True, **values)
    assert shown(text_of(olga)) == ids(there)


def test_filters_narrow_by_line_and_class(now: datetime) -> None:
    mara = cast.mara()
    hole, other = judged(a_camera("loom-1"), "hole"), judged(a_camera("loom-2"), "hole")
    strange = judged(a_camera("loom-1"), "unknown", None)
    assert shown(text_of(mara, "/queue/grid/?line=loom-2")) == ids(other)
    assert shown(text_of(mara, "/queue/grid/?class=unknown")) == ids(strange)
    assert shown(text_of(mara, "/queue/grid/?class=hole&line=loom-1")) == ids(hole)
    assert "Nothing undecided fits these filters" in text_of(mara, "/queue/grid/?class=cut")


@pytest.mark.parametrize("order", ["worst", "new", "old"])
def test_pages_follow_each_other_without_gap_or_repeat_even_through_ties(now: datetime, order: str) -> None:
    mara = cast.mara()
    everything = {str(row.pk) for slug in ("loom-1", "loom-2") for row in asked(130, now, slug)}
    address: str | None = f"/queue/grid/?order={order}"
    seen: list[str] = []
    while address:
        text = text_of(mara, address)
        assert len(shown(text)) <= 120
        seen += shown(text)
        following = text.split('id="next-page" rel="next" href="')[1:]
        address = "/queue/grid/" + following[0].split('"')[0].replace("&amp;", "&") if following else None
    assert len(seen) == len(everything)
    assert set(seen) == everything


def test_what_somebody_holds_is_shown_with_a_name(olga: Person, now: datetime) -> None:
    capture = judged(a_camera())
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))
    ReviewItem.objects.update(holder=oscar, lease_until=now + timedelta(minutes=1))
    text = text_of(olga)
    assert 'data-held="oscar"' in text
    assert "oscar decides this now" in text
    assert 'data-held=""' in text_of(oscar)
    assert shown(text) == ids(capture)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("line=loom-2", "There is no “loom-2” here to choose."),
        ("class=nope", "There is no “nope” here to choose."),
        ("order=best", "There is no “best” here to choose."),
        ("size=xxl", "There is no “xxl” here to choose."),
        ("after=nonsense", "This address is damaged."),
        ("after=nan~0199d0a0-0000-7000-8000-000000000000", "This address is damaged."),
        ("after=0.5~x", "This address is damaged."),
        ("line=%3Cscript%3Ealert(1)%3C/script%3E", "&lt;script&gt;"),
    ],
)
def test_a_bad_address_is_told_in_words(olga: Person, query: str, words: str) -> None:
    a_line("loom-2")
    text = text_of(olga, f"/queue/grid/?{query}", 400)
    assert words in text
    assert "<script>alert" not in text


def test_empty_states_say_what_is_so(olga: Person) -> None:
    a_camera()
    assert "Everything is decided" in text_of(olga)
    assert "No line is yours yet" in text_of(cast.a_person("nora", cast.Role.OPERATOR))
    assert "No more images" in text_of(olga, "/queue/grid/?after=0.5~0199d0a0-0000-7000-8000-000000000000")


def test_the_size_is_remembered_by_this_browser(olga: Person) -> None:
    judged(a_camera())
    client = signed_in(olga)
    assert 'class="grid grid-m"' in client.get("/queue/grid/").content.decode()
    assert 'class="grid grid-s"' in client.get("/queue/grid/?size=s").content.decode()
    assert 'class="grid grid-s"' in client.get("/queue/grid/").content.decode()


@pytest.mark.parametrize("address", ["/queue/grid/", "/queue/grid/?order=new", "/queue/grid/?class=hole"])
def test_a_page_asks_the_same_few_questions_however_many_wait(olga: Person, now: datetime, address: str) -> None:
    client = signed_in(olga)
    asked(3, now)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    asked(400, now)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 11


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL scans a table that is small")
@pytest.mark.parametrize(("order", "index"), [(Order.WORST, "item_worst_first"), (Order.NEW, "item_open")])
def test_each_order_reads_its_own_index(olga: Person, order: Order, index: str) -> None:
    with CaptureQueriesContext(connection) as found:
        grid_items.page(olga, Wanted((a_line("loom-1"),), order), None, ())
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {found[-1]['sql']}")
        plan = str(cursor.fetchall())
    assert index in plan
    assert "TEMP B-TREE" not in plan


# --- what the page's script may send ----------------------------------------------------------------------------


def screen_of(text: str) -> str:
    found = re.search(r'data-screen="([^"]+)"', text)
    assert found
    return found[1]


def label(client: Client, screen: str, captures: list[Capture]) -> Any:
    items = [{"capture": str(capture.pk), "expected": None} for capture in captures]
    sent = {"label": "cut", "items": items, "screen": screen}
    return client.post("/api/v1/labels/", json.dumps(sent), content_type="application/json")


def test_what_stands_on_the_page_can_be_labelled_in_bulk_and_nothing_else(olga: Person) -> None:
    several = [judged(a_camera()) for _ in range(3)]
    client = signed_in(olga)
    screen = screen_of(client.get("/queue/grid/").content.decode())
    later = judged(a_camera())
    assert label(client, screen, [*several, later]).status_code == 400
    assert Label.objects.count() == 0
    assert label(client, screen, several).status_code == 201
    assert list(Label.objects.values_list("how", flat=True)) == [How.BULK] * 3
    assert shown(client.get("/queue/grid/").content.decode()) == ids(later)


def test_another_persons_screen_is_no_screen(olga: Person) -> None:
    capture = judged(a_camera())
    screen = screen_of(text_of(cast.mara()))
    assert label(signed_in(olga), screen, [capture]).status_code == 400
