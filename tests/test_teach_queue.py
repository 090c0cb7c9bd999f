"""The orders that follow a list: what teaches most, and where a challenger disagrees. By HTTP, pages and rows."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import Camera, Capture, Comparison, Insight, JobState, Kind, Person, ReviewItem, TeachPick, Why
from inspections.review import drawing, queue
from inspections.review.answers import decide
from inspections.review.blind import withheld
from inspections.review.listed import close_stale
from tests import cast
from tests.audits import asked, said
from tests.cast import a_camera, signed_in
from tests.judged import judged
from tests.teaching import compared, listed, passed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
QUEUE = "/api/v1/queue/"
TEACH, DISAGREE = "teach", "disagree"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def no_lock(settings: Any) -> None:
    settings.IDLE_LOCK_S = 24 * 3600


@pytest.fixture
def olga() -> Person:
    return cast.olga()


@pytest.fixture
def client(olga: Person) -> Client:
    return signed_in(olga)


def fetched(client: Client, order: str = TEACH, **query: Any) -> list[dict[str, Any]]:
    response = client.get(QUEUE, {"order": order, "limit": 20, **query})
    assert response.status_code == 200, response.content
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def asked_of(client: Client, order: str = TEACH, **query: Any) -> list[UUID]:
    return [UUID(item["capture"]["id"]) for item in fetched(client, order, **query)]


def left(client: Client, order: str = TEACH) -> int:
    found: int = client.get(QUEUE, {"order": order, "limit": 1}).json()["left"]
    return found


def say(client: Client, capture: Capture, label: str) -> Any:
    return client.post(f"/api/v1/captures/{capture.pk}/labels/", {"label": label}, content_type="application/json")


def four(camera: Camera) -> list[Capture]:
    return [passed(camera, 1), judged(camera, "hole", 0.9), passed(camera, 2), passed(camera, 3)]


# --- teach --------------------------------------------------------------------------------------------------------


def test_the_list_is_asked_in_its_order_flagged_or_not(client: Client, camera: Camera) -> None:
    captures = four(camera)
    listed(*captures)
    assert asked_of(client) == [capture.pk for capture in captures]
    assert asked_of(client) == [capture.pk for capture in captures], "held ones come again"
    kinds = dict(ReviewItem.objects.values_list("capture_id", "kind"))
    assert [kinds[capture.pk] for capture in captures] == [Kind.TEACH, Kind.FLAGGED, Kind.TEACH, Kind.TEACH]
    assert left(client) == 4


def test_nothing_in_it_is_blind_and_each_says_why(client: Client, camera: Camera) -> None:
    listed(passed(camera))
    (item,) = fetched(client)
    assert item["blind"] is False
    assert item["capture"]["verdict"]["label"] == "good"
    assert item["why"] == "The model hesitates between Hole and Cut."


def test_the_plain_orders_stay_plain_and_say_no_why(client: Client, camera: Camera) -> None:
    quiet, flagged = passed(camera), judged(camera, "hole", 0.9)
    listed(quiet, flagged)
    fetched(client)
    for order in ("worst", "new", "old"):
        assert [(UUID(item["capture"]["id"]), item["why"]) for item in fetched(client, order)] == [(flagged.pk, "")]
        assert left(client, order) == 1


def test_an_answer_labels_takes_it_off_and_undo_brings_it_back(client: Client, olga: Person, camera: Camera) -> None:
    first, second = passed(camera, 1), passed(camera, 2)
    listed(first, second)
    fetched(client)
    label = say(client, first, "hole").json()
    first.refresh_from_db()
    assert (str(first.label_id), label["how"]) == (label["id"], "single")
    assert asked_of(client) == [second.pk]
    assert left(client) == 1
    assert client.delete(f"/api/v1/labels/{label['id']}/").status_code == 200
    assert asked_of(client) == [first.pk, second.pk]
    held = ReviewItem.objects.open().get(capture=first)
    assert (held.kind, held.holder) == (Kind.TEACH, olga)


def test_what_is_skipped_goes_to_a_colleague_and_can_be_brought_back(client: Client, camera: Camera) -> None:
    capture = passed(camera)
    listed(capture)
    fetched(client)
    assert client.post(f"/api/v1/captures/{capture.pk}/skip/").status_code == 204
    assert (asked_of(client), left(client)) == ([], 0)
    oscar = signed_in(cast.a_person("oscar", cast.Role.OPERATOR, camera.line))
    assert asked_of(oscar) == [capture.pk]
    oscar.delete(QUEUE)
    page = client.get("/queue/", {"order": TEACH}).content.decode()
    assert 'id="q-set-aside">1<' in page
    client.post("/queue/decide/", {"again": "1", "order": TEACH})
    assert asked_of(client) == [capture.pk]


def test_unsure_is_passed_on_to_everybody_s_queue(client: Client, camera: Camera) -> None:
    capture = passed(camera)
    listed(capture)
    fetched(client)
    assert say(client, capture, "unsure").status_code == 201
    assert asked_of(client) == []
    oscar = signed_in(cast.a_person("oscar", cast.Role.OPERATOR, camera.line))
    assert asked_of(oscar, "worst") == [capture.pk]


def test_two_people_are_never_given_the_same(client: Client, camera: Camera) -> None:
    captures = [passed(camera, seed) for seed in range(4)]
    listed(*captures)
    assert asked_of(client, limit=2) == [captures[0].pk, captures[1].pk]
    oscar = signed_in(cast.a_person("oscar", cast.Role.OPERATOR, camera.line))
    assert asked_of(oscar) == [captures[2].pk, captures[3].pk]


def test_other_lines_labelled_ones_and_what_is_asked_blind_are_passed_over(
    client: Client, olga: Person, camera: Camera
) -> None:
    elsewhere, answered, blind, free = passed(a_camera("loom-2")), passed(camera, 1), passed(camera, 2), passed(camera)
    said(olga, answered, "good", NOW)
    asked(blind, Kind.AUDIT, NOW)
    listed(elsewhere, answered, blind, free)
    assert asked_of(client) == [free.pk]
    assert left(client) == 1
    assert withheld(olga) == set()


def test_it_narrows_to_a_line_and_to_a_class(camera: Camera) -> None:
    mara = signed_in(cast.mara())
    good, hole, elsewhere = passed(camera), judged(camera, "hole", 0.9), passed(a_camera("loom-2"))
    listed(good, hole, elsewhere)
    assert asked_of(mara, line="loom-2") == [elsewhere.pk]
    mara.delete(QUEUE)
    assert asked_of(mara, label="hole") == [hole.pk]


def test_the_page_asks_in_this_order_without_a_script(client: Client, olga: Person, camera: Camera) -> None:
    first, second = passed(camera, 1), passed(camera, 2)
    listed(first, second, why=Why.NOVELTY)
    page = client.get("/queue/", {"order": TEACH}).content.decode()
    assert '<option value="teach" selected>' in page
    assert "Nothing like it was labelled yet. The nearest labelled one is at distance 0.40." in page
    assert f'name="capture" value="{first.pk}"' in page
    response = client.post("/queue/decide/", {"capture": first.pk, "label": "good", "order": TEACH}, follow=True)
    assert response.redirect_chain[0][0] == "/queue/?order=teach&last"
    assert f'name="capture" value="{second.pk}"' in response.content.decode()
    assert first.labels.get().person == olga


def test_the_grid_shows_the_list_labels_in_bulk_and_asks_nothing_by_itself(client: Client, camera: Camera) -> None:
    captures = four(camera)
    listed(*captures)
    page = client.get("/queue/grid/", {"order": TEACH}).content.decode()
    places = [page.index(f'data-capture="{capture.pk}"') for capture in captures]
    assert places == sorted(places)
    assert not ReviewItem.objects.filter(kind=Kind.TEACH).exists()
    screen = page.split('data-screen="')[1].split('"')[0]
    items = [{"capture": str(capture.pk)} for capture in captures[:3]]
    body = {"label": "good", "items": items, "screen": screen}
    assert client.post("/api/v1/labels/", body, content_type="application/json").status_code == 201
    assert asked_of(client) == [captures[3].pk]


def test_the_grid_goes_on_where_its_page_ended(client: Client, camera: Camera) -> None:
    captures = [passed(camera, seed) for seed in range(3)]
    listed(*captures)
    mark = f"0.0~{captures[0].pk}"
    page = client.get("/queue/grid/", {"order": TEACH, "after": mark}).content.decode()
    assert [f'data-capture="{capture.pk}"' in page for capture in captures] == [False, True, True]
    assert client.get("/queue/grid/", {"order": TEACH, "after": f"1e300~{captures[0].pk}"}).status_code == 200


@pytest.mark.parametrize("order", [TEACH, DISAGREE])
def test_a_list_costs_the_same_however_long_it_is(client: Client, camera: Camera, order: str) -> None:
    counts = []
    for more in (6, 20):
        some = [passed(camera, seed) for seed in range(more)]
        TeachPick.objects.all().delete()
        listed(*some)
        for capture in some:
            compared(capture)
        fetched(client, order, limit=4)
        with CaptureQueriesContext(connection) as queries:
            fetched(client, order, limit=4)
        counts.append(len(queries))
        client.delete(QUEUE)
    assert counts[0] == counts[1]


# --- the list is kept fresh ----------------------------------------------------------------------------------------


def insights() -> list[str]:
    return list(Insight.objects.order_by("id").values_list("state", flat=True))


def test_an_empty_list_is_asked_for_once_and_no_sooner_again_than_in_a_minute(
    client: Client, clock: time_machine.Traveller
) -> None:
    fetched(client)
    fetched(client)
    assert insights() == [JobState.WAITING]
    Insight.objects.update(state=JobState.DONE, finished_at=NOW)
    fetched(client)
    assert len(insights()) == 1
    clock.shift(timedelta(minutes=2))
    fetched(client)
    assert insights() == [JobState.DONE, JobState.WAITING]


def test_a_list_of_an_hour_ago_is_made_anew_while_somebody_works_on_it(
    client: Client, camera: Camera, clock: time_machine.Traveller
) -> None:
    listed(passed(camera))
    Insight.objects.create(kind="teach", asked_at=NOW, state=JobState.DONE, finished_at=NOW)
    clock.shift(timedelta(minutes=30))
    fetched(client)
    assert len(insights()) == 1
    clock.shift(timedelta(minutes=31))
    fetched(client, "worst")
    assert len(insights()) == 1
    fetched(client)
    assert len(insights()) == 2


# --- audits --------------------------------------------------------------------------------------------------------


def test_an_image_on_the_list_is_audited_like_any_other_by_whoever_has_not_seen_its_answer(
    client: Client, olga: Person, camera: Camera, settings: Any
) -> None:
    settings.AUDIT_SHARE = 1
    capture = passed(camera, at=NOW - timedelta(minutes=5))
    listed(capture)
    fetched(client)
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, camera.line)
    assert drawing._audit(oscar, [camera.line], 0.0, NOW, random.Random(1)) is None, "Olga looks at it"
    queue.release(olga, NOW)
    found = drawing._audit(oscar, [camera.line], 0.0, NOW, random.Random(1))
    assert found is not None
    assert (found.capture, found.kind, found.blind) == (capture, Kind.AUDIT, True)
    assert asked_of(client) == [], "she has seen the answer, and it is asked blind now"
    assert asked_of(client, "worst") == []
    assert withheld(olga) == set()


def test_who_saw_it_on_a_list_that_was_made_anew_is_not_asked_blind_either(
    client: Client, olga: Person, camera: Camera, settings: Any
) -> None:
    settings.AUDIT_SHARE = 1
    capture = passed(camera, at=NOW - timedelta(minutes=5))
    listed(capture)
    fetched(client)
    queue.release(olga, NOW)
    TeachPick.objects.all().delete()
    assert close_stale(NOW) == 1
    assert drawing._audit(olga, [camera.line], 0.0, NOW, random.Random(1)) is None
    assert asked_of(client, "worst") == []
    assert asked_of(signed_in(cast.a_person("oscar", cast.Role.OPERATOR, camera.line)), "worst") == [capture.pk]


def test_who_was_shown_it_on_the_list_gives_no_second_reading(client: Client, olga: Person, camera: Camera) -> None:
    capture = passed(camera, at=NOW - timedelta(minutes=5))
    listed(capture)
    fetched(client)
    client.post(f"/api/v1/captures/{capture.pk}/skip/")
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, camera.line)
    said(oscar, capture, "hole", NOW)
    otis = cast.a_person("otis", cast.Role.OPERATOR, camera.line)
    assert [drawing._is_asked(capture, person) for person in (olga, otis)] == [True, False]


def test_an_audit_of_what_was_labelled_from_the_list_counts_without_being_asked(
    client: Client, olga: Person, camera: Camera
) -> None:
    capture = passed(camera, at=NOW - timedelta(minutes=5))
    listed(capture)
    fetched(client)
    say(client, capture, "hole")
    assert drawing._audit(olga, [camera.line], 0.0, NOW, random.Random(1)) is None
    audit = ReviewItem.objects.get(kind=Kind.AUDIT)
    assert (audit.capture, audit.closed_at) == (capture, NOW)


def test_who_takes_a_label_back_has_seen_the_answer_and_is_no_blind_reader_of_the_audit(
    client: Client, olga: Person, camera: Camera
) -> None:
    capture = passed(camera, at=NOW - timedelta(minutes=5))
    listed(capture)
    fetched(client)
    label = say(client, capture, "hole").json()
    drawing._audit(olga, [camera.line], 0.0, NOW, random.Random(1))
    client.delete(f"/api/v1/labels/{label['id']}/")
    assert say(client, capture, "good").json()["how"] == "single"


# --- disagreements -------------------------------------------------------------------------------------------------


def test_where_the_challenger_disagrees_is_asked_newest_first(client: Client, camera: Camera) -> None:
    older, newer, same = passed(camera, 1), judged(camera, "hole", 0.9), passed(camera, 2)
    compared(older, "hole")
    compared(newer, "cut")
    compared(same, "good", flagged=False, agrees=True)
    found = fetched(client, DISAGREE)
    assert [UUID(item["capture"]["id"]) for item in found] == [newer.pk, older.pk]
    assert [item["why"] for item in found] == [
        "The challenger 2026.11.2 says Cut, the model in force Hole.",
        "The challenger 2026.11.2 says Hole, the model in force Good.",
    ]


def test_an_answer_marks_the_disagreement_as_seen_and_undo_unmarks_it(
    client: Client, olga: Person, camera: Camera
) -> None:
    capture = passed(camera)
    row = compared(capture)
    fetched(client, DISAGREE)
    label = say(client, capture, "good").json()
    row.refresh_from_db()
    assert (row.seen_by, row.seen_at) == (olga, NOW)
    assert asked_of(client, DISAGREE) == []
    client.delete(f"/api/v1/labels/{label['id']}/")
    row.refresh_from_db()
    assert (row.seen_by, row.seen_at) == (None, None)
    assert asked_of(client, DISAGREE) == [capture.pk]


def test_disagreements_of_other_lines_and_of_versions_that_left_shadow_are_not_asked(
    client: Client, camera: Camera
) -> None:
    mine, elsewhere = compared(passed(camera)), compared(passed(a_camera("loom-2")))
    assert asked_of(client, DISAGREE) == [mine.capture_id]
    assert asked_of(signed_in(cast.otto()), DISAGREE) == [elsewhere.capture_id]
    client.delete(QUEUE)
    mine.version.state = "retired"
    mine.version.save()
    assert asked_of(client, DISAGREE) == []


def test_a_passed_image_that_was_decided_elsewhere_is_seen_too(olga: Person, camera: Camera) -> None:
    capture = passed(camera)
    compared(capture)
    decide(olga, capture, "hole", timezone.now())
    assert Comparison.objects.get().seen_by == olga
