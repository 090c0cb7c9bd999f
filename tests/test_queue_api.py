"""The queue and labels over the API: the same rules as on the pages, for a phone app to come."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from inspections.models import Capture, DefectClass, Kind, KnownAnswer, Label, Person, ReviewItem
from inspections.review import screen
from inspections.review.answers import decide
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import a_capture, judged

pytestmark = pytest.mark.django_db
QUEUE = "/api/v1/queue/"


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def client(olga: Person) -> Client:
    return signed_in(olga)


def say(client: Client, capture: Capture, **sent: Any) -> Any:
    return client.post(f"/api/v1/captures/{capture.pk}/labels/", sent, content_type="application/json")


def kind_of(response: Any) -> str:
    assert response["Content-Type"] == "application/problem+json"
    return str(response.json()["type"]).rsplit("/", 1)[1]


# --- the queue ---------------------------------------------------------------------------------------------------


def test_the_queue_leases_and_returns_the_worst_first(client: Client) -> None:
    mild, worse = judged(a_camera(), "hole", 0.6), judged(a_camera(), "cut", 0.9)
    body = client.get(QUEUE, {"line": "loom-1", "limit": 5}).json()
    assert body["left"] == 2
    assert [item["capture"]["id"] for item in body["items"]] == [str(worse.pk), str(mild.pk)]
    first = body["items"][0]
    assert (first["blind"], first["expected"], first["capture"]["verdict"]["label"]) == (False, None, "cut")
    assert first["lease_until"].endswith("Z")


def test_what_one_holds_the_other_is_not_given_until_it_is_let_go(client: Client) -> None:
    judged(a_camera())
    oscar = signed_in(cast.a_person("oscar", cast.Role.OPERATOR, a_line()))
    assert len(client.get(QUEUE).json()["items"]) == 1
    assert oscar.get(QUEUE).json()["items"] == []
    assert client.delete(QUEUE).status_code == 204
    assert len(oscar.get(QUEUE).json()["items"]) == 1


def test_holding_on_is_asked_for(client: Client) -> None:
    judged(a_camera())
    client.get(QUEUE)
    assert client.post("/api/v1/queue/renew/").json()["lease_until"] > timezone.now().isoformat()


@pytest.mark.parametrize("query", [{"order": "best"}, {"limit": 0}, {"limit": 21}, {"limit": "x"}])
def test_a_wrong_wish_is_told(client: Client, query: dict[str, Any]) -> None:
    assert client.get(QUEUE, query).status_code == 400


@pytest.mark.parametrize("slug", ["loom-2", "nowhere"])
def test_another_line_is_not_there(client: Client, slug: str) -> None:
    a_line("loom-2")
    assert client.get(QUEUE, {"line": slug}).status_code == 404


def test_skipping_passes_the_image_on(client: Client) -> None:
    capture = judged(a_camera())
    client.get(QUEUE)
    assert client.post(f"/api/v1/captures/{capture.pk}/skip/").status_code == 204
    assert client.get(QUEUE).json() == {"left": 0, "items": []}


# --- labels ------------------------------------------------------------------------------------------------------


def test_a_label_is_said_and_taken_back(client: Client) -> None:
    capture = judged(a_camera(), "hole")
    made = say(client, capture, label="thread", note="weft", took_ms=700)
    assert made.status_code == 201
    body = made.json()
    assert (body["label"], body["person"], body["how"], body["note"]) == ("thread", "olga", "single", "weft")
    assert body["capture"] == str(capture.pk)
    taken_back = client.delete(f"/api/v1/labels/{body['id']}/")
    assert (taken_back.status_code, taken_back.json()["undoes"]) == (200, body["id"])
    assert client.delete(f"/api/v1/labels/{body['id']}/").json() == taken_back.json()
    assert Label.objects.count() == 2


def test_sent_twice_it_is_one_label(client: Client) -> None:
    capture, token = judged(a_camera()), str(uuid4())
    first, second = (say(client, capture, label="good", token=token) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()


def test_something_newer_stands(client: Client) -> None:
    capture = judged(a_camera())
    outcome: Any = decide(cast.mara(), capture, "good", timezone.now())
    refused = say(client, capture, label="hole", expected=None)
    assert (refused.status_code, kind_of(refused)) == (409, "changed")
    current = refused.json()["current"]
    assert (current["label"], current["person"]) == ("good", "mara")
    assert say(client, capture, label="hole", expected=current["id"]).status_code == 201
    assert outcome.label.pk == Label.objects.order_by("id").first().pk  # type: ignore[union-attr]


def test_what_a_colleague_holds_is_told_with_the_name(client: Client) -> None:
    capture = judged(a_camera())
    signed_in(cast.a_person("oscar", cast.Role.OPERATOR, a_line())).get(QUEUE)
    refused = say(client, capture, label="good")
    assert (refused.status_code, kind_of(refused), refused.json()["by"]) == (409, "held", "oscar")


def test_a_kept_decision_of_another_person_is_refused(client: Client) -> None:
    refused = say(client, judged(a_camera()), label="good", person="otto")
    assert (refused.status_code, kind_of(refused)) == (409, "other-person")
    assert not Label.objects.exists()


def test_another_lines_capture_is_not_there(client: Client) -> None:
    assert say(client, judged(a_camera("loom-2")), label="good").status_code == 404


def test_a_camera_says_nothing(db: None) -> None:
    capture = judged(a_camera())
    assert say(cast.with_key(a_camera()), capture, label="good").status_code == 403


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"label": "lint"}, "class-unknown"),
        ({"label": "cut"}, "class-retired"),
        ({}, "bad-request"),
        ({"label": "good", "expected": "x"}, "bad-request"),
        ({"label": "good", "note": "n" * 501}, "bad-request"),
        ({"label": "good", "took_ms": -1}, "bad-request"),
    ],
)
def test_a_wrong_answer_is_told_and_nothing_is_written(client: Client, sent: Any, kind: str) -> None:
    DefectClass.objects.filter(code="cut").update(active=False)
    refused = say(client, judged(a_camera()), **sent)
    assert (refused.status_code, kind_of(refused)) == (400, kind)
    assert not Label.objects.exists()


def test_what_waits_to_be_judged_takes_no_label(client: Client) -> None:
    refused = say(client, a_capture(a_camera()), label="good")
    assert (refused.status_code, kind_of(refused)) == (409, "not-judged")


def test_anothers_label_is_undone_by_managers_alone(client: Client, olga: Person) -> None:
    label = say(client, judged(a_camera()), label="good").json()["id"]
    oscar = signed_in(cast.a_person("oscar", cast.Role.OPERATOR, a_line()))
    refused = oscar.delete(f"/api/v1/labels/{label}/")
    assert (refused.status_code, kind_of(refused), refused.json()["by"]) == (403, "not-yours", "olga")
    assert signed_in(cast.otto()).delete(f"/api/v1/labels/{label}/").status_code == 404
    assert signed_in(cast.mara()).delete(f"/api/v1/labels/{label}/").status_code == 200


# --- in bulk -----------------------------------------------------------------------------------------------------


def bulk(client: Client, captures: Any, token: str, **more: Any) -> Any:
    items = [{"capture": str(capture), "expected": None} for capture in captures]
    sent = {"label": "hole", "items": items, "screen": token, **more}
    return client.post("/api/v1/labels/", sent, content_type="application/json")


def test_what_was_on_the_screen_is_labelled_at_once(client: Client, olga: Person) -> None:
    shown = [judged(a_camera()).pk for _ in range(3)]
    made = bulk(client, shown, screen.sign(olga, shown))
    assert made.status_code == 201
    assert {label["how"] for label in made.json()["labels"]} == {"bulk"}


def test_what_was_not_on_the_screen_is_not(client: Client, olga: Person) -> None:
    shown, other = judged(a_camera()).pk, judged(a_camera()).pk
    for token in (screen.sign(olga, [shown]), screen.sign(cast.mara(), [shown, other]), "forged"):
        assert kind_of(bulk(client, [shown, other], token)) == "not-on-screen"
    assert not Label.objects.exists()


def test_a_thousand_at_once_are_too_many(client: Client, olga: Person) -> None:
    refused = bulk(client, [uuid4() for _ in range(1000)], "any")
    assert (refused.status_code, kind_of(refused)) == (400, "too-many")


def test_one_that_changed_holds_up_all_and_is_named(client: Client, olga: Person) -> None:
    shown = [judged(a_camera()) for _ in range(3)]
    decide(cast.mara(), shown[0], "good", timezone.now())
    refused = bulk(client, [one.pk for one in shown], screen.sign(olga, [one.pk for one in shown]))
    assert (refused.status_code, kind_of(refused)) == (409, "conflicts")
    assert refused.json()["conflicts"] == [{"capture": str(shown[0].pk), "reason": "changed", "by": "mara"}]
    assert Label.objects.count() == 1


def test_another_lines_captures_are_not_labelled_in_bulk(client: Client, olga: Person) -> None:
    other = judged(a_camera("loom-2")).pk
    assert bulk(client, [other], screen.sign(olga, [other])).status_code == 404


# --- blind -------------------------------------------------------------------------------------------------------


def asked(olga: Person, kind: Kind) -> Capture:
    """A capture that Olga holds as a blind item of this kind."""
    now = timezone.now()
    capture = judged(a_camera(), "hole" if kind is Kind.FLAGGED else "good", 0.9 if kind is Kind.FLAGGED else 0.01)
    ReviewItem.objects.filter(capture=capture).delete()
    if kind is Kind.SECOND:
        decide(cast.a_person("oscar", cast.Role.OPERATOR, a_line()), capture, "cut", now)
    if kind is Kind.CONTROL:
        good = DefectClass.objects.get(code="good")
        KnownAnswer.objects.create(capture=capture, line=capture.line, defect_class=good, person=cast.mara(), at=now)
    ReviewItem.objects.create(
        capture=capture, line=capture.line, kind=kind, blind=True, rank=0.9, counted_at=capture.counted_at,
        created_at=now,
    )  # fmt: skip
    return capture


BLIND = [kind for kind in Kind if kind is not Kind.TEACH]


@pytest.mark.parametrize("kind", BLIND)
def test_what_is_asked_blind_is_withheld_until_the_answer(client: Client, olga: Person, kind: Kind) -> None:
    capture = asked(olga, kind)
    (item,) = client.get(QUEUE).json()["items"]
    assert (item["capture"]["id"], item["blind"], item["expected"]) == (str(capture.pk), True, None)
    assert item["capture"]["verdict"] is None
    detail = f"/api/v1/captures/{capture.pk}/"
    assert client.get(detail).json()["verdict"] is None
    for query in ({}, {"flagged": "true"}, {"flagged": "false"}, {"label": "good"}, {"label": "hole"}):
        assert client.get("/api/v1/captures/", query).json()["results"] == []
    made = say(client, capture, label="thread", expected=None)
    assert (made.status_code, made.json()["how"]) == (201, "blind")
    assert client.get(detail).json()["verdict"] is not None


def test_no_kind_can_be_told_from_another(client: Client, olga: Person) -> None:
    bodies = []
    for kind in BLIND:
        asked(olga, kind)
        (item,) = client.get(QUEUE).json()["items"]
        answered = say(client, Capture.objects.get(pk=item["capture"]["id"]), label="thread").json()
        del answered["capture"]
        bodies.append((_shape(item), _shape(answered)))
    assert len({str(body) for body in bodies}) == 1


def _shape(body: Any) -> Any:
    """Without what differs between any two captures: ids, times, hashes."""
    moving = {"id", "item", "capture_id", "url", "sha256", "captured_at", "received_at", "lease_until", "at"}
    if not isinstance(body, dict):
        return body
    return {key: _shape(value) for key, value in body.items() if key not in moving}


def test_skipping_a_blind_image_does_not_lift_the_curtain(client: Client, olga: Person) -> None:
    capture = asked(olga, Kind.AUDIT)
    client.get(QUEUE)
    client.post(f"/api/v1/captures/{capture.pk}/skip/")
    assert client.get(f"/api/v1/captures/{capture.pk}/").json()["verdict"] is None


def test_an_answer_to_a_known_one_or_a_second_reading_changes_nothing(client: Client, olga: Person) -> None:
    for kind in (Kind.CONTROL, Kind.SECOND):
        capture = asked(olga, kind)
        before = Capture.objects.get(pk=capture.pk)
        client.get(QUEUE)
        assert say(client, capture, label="thread").status_code == 201
        after = Capture.objects.get(pk=capture.pk)
        assert (after.label_id, after.defect_class_id) == (before.label_id, before.defect_class_id)
        assert Label.objects.get(capture=capture, person=olga).beside


def test_what_was_kept_for_another_person_is_neither_undone_nor_skipped(client: Client) -> None:
    capture = judged(a_camera())
    client.get(QUEUE)
    assert kind_of(client.post(f"/api/v1/captures/{capture.pk}/skip/?person=otto")) == "other-person"
    label = say(client, capture, label="good").json()["id"]
    assert kind_of(client.delete(f"/api/v1/labels/{label}/?person=otto")) == "other-person"
    assert client.delete(f"/api/v1/labels/{label}/?person=olga").status_code == 200


def test_only_what_is_named_is_let_go(client: Client, olga: Person) -> None:
    first, second = judged(a_camera(), "hole", 0.9), judged(a_camera(), "hole", 0.8)
    items = {item["capture"]["id"]: item["item"] for item in client.get(QUEUE).json()["items"]}
    assert client.delete(f"{QUEUE}?item={items[str(first.pk)]}&person=otto").status_code == 409
    assert client.delete(f"{QUEUE}?item=x").status_code == 400
    assert client.delete(f"{QUEUE}?item={items[str(first.pk)]}&person=olga").status_code == 204
    held = ReviewItem.objects.held_by(olga, timezone.now())
    assert [item.capture_id for item in held] == [second.pk]


@pytest.mark.parametrize("where", ["/api/v1/labels/", "/api/v1/captures/{}/labels/"])
def test_json_that_is_nested_too_deeply_is_refused(client: Client, where: str) -> None:
    address = where.format(judged(a_camera()).pk)
    refused = client.post(address, "[" * 100_000, content_type="application/json")
    assert (refused.status_code, kind_of(refused)) == (400, "bad-request")
