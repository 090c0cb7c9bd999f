"""`/teach/` by HTTP: the list with reasons, curves, doubtful labels that are settled in place, confused classes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import teaching
from inspections.models import Camera, Capture, Insight, InsightKind, JobState, Kind, Label, Person, Roll
from tests import cast
from tests.audits import asked, said
from tests.cast import a_camera, signed_in
from tests.teaching import listed, passed, seen_as
from workers import reckoning

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Person:
    return cast.olga()


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def text_of(client: Client, status: int = 200, **headers: str) -> str:
    response = client.get("/teach/", headers=headers or None)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def reckoned(body: dict[str, Any]) -> Insight:
    """Figures as a worker keeps them."""
    full = {"labels": 40, "read": 40, "curves": [], "suspects": [], "pairs": [], **body}
    at = timezone.now()
    return Insight.objects.create(kind=InsightKind.LABELS, asked_at=at, finished_at=at, state=JobState.DONE, body=full)


def doubt(capture: Capture, given: str = "hole", opinion: str = "good") -> dict[str, Any]:
    capture.refresh_from_db()
    return {
        "capture": str(capture.pk), "label": str(capture.label_id), "given": given, "opinion": opinion,
        "chance": 0.97, "own": 0.01,
    }  # fmt: skip


def labelled(person: Person, camera: Camera, answer: str = "hole", seed: int = 0) -> Capture:
    capture = passed(camera, seed)
    said(person, capture, answer, timezone.now())
    capture.refresh_from_db()
    return capture


CURVE = {
    "code": "hole", "labels": 60, "sources": 9, "problem": "",
    "points": [[10, 0.4, 0.2, 0.6], [20, 0.55, 0.4, 0.7], [40, 0.7, 0.6, 0.8]],
    "next": {"now": 0.75, "gain": 0.06, "low": 0.01, "high": 0.09},
}  # fmt: skip


# --- the list ------------------------------------------------------------------------------------------------------


def test_the_images_that_would_teach_most_stand_there_with_reason_and_lead_to_the_queue(
    mara: Client, camera: Camera
) -> None:
    capture = passed(camera)
    listed(capture)
    text = text_of(mara)
    assert f'id="pick-{capture.pk}"' in text
    assert "The model hesitates between Hole and Cut." in text
    assert 'href="/queue/?order=teach"' in text


def test_an_operator_sees_the_lines_that_are_hers_and_nothing_asked_of_her_blind(olga: Person, camera: Camera) -> None:
    mine, elsewhere, blind = passed(camera, 1), passed(a_camera("loom-2"), 2), passed(camera, 3)
    listed(mine, elsewhere, blind)
    asked(blind, Kind.AUDIT, timezone.now(), olga)
    text = text_of(signed_in(olga))
    assert [str(one.pk) in text for one in (mine, elsewhere, blind)] == [True, False, False]
    assert "Reckon again now" not in text


def test_before_anything_was_reckoned_it_says_what_to_do(mara: Client, camera: Camera) -> None:
    text = text_of(mara)
    assert "No list was made yet." in text
    assert "Not reckoned yet." in text
    assert text.count("by the button above") == 2


def test_an_operator_is_not_sent_to_a_button_that_only_managers_have(olga: Person, camera: Camera) -> None:
    text = text_of(signed_in(olga))
    assert "Not reckoned yet." in text
    assert "button above" not in text


def test_without_a_line_there_is_nothing_and_the_page_says_who_can_help() -> None:
    text = text_of(signed_in(cast.a_person("ole", cast.Role.OPERATOR)))
    assert "No line is yours yet" in text


def test_a_manager_asks_the_page_tells_that_it_runs_and_then_shows_what_came(mara: Client, camera: Camera) -> None:
    capture = seen_as(camera, 1)
    assert mara.post("/teach/ask/").status_code == 302
    text = text_of(mara)
    assert "it waits for a worker" in text
    assert 'hx-trigger="every 4s' in text
    reckoning.work()
    text = text_of(mara)
    assert f'id="pick-{capture.pk}"' in text
    assert "hx-trigger" not in text.split('id="live"')[1].split(">")[0]
    assert mara.get("/teach/", headers={"HX-Request": "true"}).status_code == 286


def test_a_failed_reckoning_says_why(mara: Client, camera: Camera) -> None:
    insight = teaching.ask(InsightKind.TEACH, timezone.now())
    Insight.objects.filter(pk=insight.pk).update(state=JobState.FAILED, reason="3 attempts ended without an answer")
    assert "The last reckoning failed: 3 attempts" in text_of(mara).replace("</span>", "")


# --- curves --------------------------------------------------------------------------------------------------------


def test_each_class_has_its_curve_and_says_what_the_next_labels_bring(mara: Client, camera: Camera) -> None:
    few = {**CURVE, "code": "cut", "labels": 5, "sources": 2, "problem": "few-sources", "points": [], "next": None}
    reckoned({"curves": [few, CURVE]})
    text = text_of(mara)
    assert "The next 50 labels: +0.06 of F1, 90 % between +0.01 and +0.09." in text
    assert "Too few rolls or hours to measure: from 3 on it can be said; there are 2." in text
    assert text.index("<strong>Hole</strong>") < text.index("<strong>Cut</strong>"), "what can be measured comes first"
    assert "Hole: F1 from 0.40 with 10 labels to 0.70 with 40." in text


def test_a_class_that_is_known_well_promises_nothing(mara: Client, camera: Camera) -> None:
    reckoned({"curves": [{**CURVE, "next": {"now": 0.97, "gain": 0.0005, "low": 0.0, "high": 0.002}}]})
    assert "The next 50 labels would bring next to nothing." in text_of(mara)


# --- doubtful labels -----------------------------------------------------------------------------------------------


def test_a_doubtful_label_is_corrected_in_place(mara: Client, olga: Person, camera: Camera) -> None:
    capture = labelled(olga, camera)
    reckoned({"suspects": [doubt(capture)]})
    text = text_of(mara)
    assert "<strong>olga</strong> said <strong>Hole</strong>" in text
    assert "the model says <strong>Good</strong>, 97 %." in text
    sent = {"answer": "good", "expected": capture.label_id}
    response = mara.post(f"/teach/{capture.pk}/label/", sent)
    assert (response.status_code, response["Location"]) == (302, "/teach/#suspects")
    capture.refresh_from_db()
    assert (capture.label.defect_class.code, capture.label.person.username) == ("good", "mara")
    text = text_of(mara)
    assert "Kept: Good." in text
    assert f"suspect-{capture.pk}" not in text


def test_a_label_that_is_right_is_confirmed_and_doubted_no_more(mara: Client, olga: Person, camera: Camera) -> None:
    capture = labelled(olga, camera)
    reckoned({"suspects": [doubt(capture)]})
    mara.post(f"/teach/{capture.pk}/label/", {"answer": "hole", "expected": capture.label_id})
    assert f"suspect-{capture.pk}" not in text_of(mara)
    newest = Label.objects.filter(capture=capture).latest("id")
    Insight.objects.update(body={**reckoned({}).body, "suspects": [{**doubt(capture), "label": str(newest.pk)}]})
    assert f"suspect-{capture.pk}" not in text_of(mara), "two answers agree"


def test_what_somebody_changed_meanwhile_is_not_overwritten(mara: Client, olga: Person, camera: Camera) -> None:
    capture = labelled(olga, camera)
    seen = capture.label_id
    said(olga, capture, "cut", timezone.now() + timedelta(seconds=1))
    mara.post(f"/teach/{capture.pk}/label/", {"answer": "good", "expected": seen})
    assert "olga said meanwhile: Cut. Nothing was kept" in text_of(mara)
    capture.refresh_from_db()
    assert capture.label is not None
    assert capture.label.answer == "cut"


def test_doubtful_labels_of_other_lines_do_not_exist_for_an_operator(olga: Person, camera: Camera) -> None:
    otto = cast.otto()
    mine, elsewhere = labelled(olga, camera, seed=1), labelled(otto, a_camera("loom-2"), seed=2)
    reckoned({"suspects": [doubt(mine), doubt(elsewhere)]})
    text = text_of(signed_in(olga))
    assert (f"suspect-{mine.pk}" in text, str(elsewhere.pk) in text) == (True, False)
    assert signed_in(olga).post(f"/teach/{elsewhere.pk}/label/", {"answer": "good"}).status_code == 404


def test_confused_classes_stand_side_by_side_with_a_suggestion(mara: Client, olga: Person, camera: Camera) -> None:
    hole, cut = labelled(olga, camera, "hole", 1), labelled(olga, camera, "cut", 2)
    pair = {"first": "cut", "second": "hole", "count": 12, "share": 0.15, "captures": [str(hole.pk), str(cut.pk)]}
    reckoned({"pairs": [pair]})
    text = text_of(mara)
    assert "Cut and Hole" in text
    assert "12 images of them (15 %) are taken for the other. Collect more of both" in text
    assert text.index(f'id="pair-{cut.pk}"') < text.index("labelled Hole") < text.index(f'id="pair-{hole.pk}"')


# --- all together --------------------------------------------------------------------------------------------------


def test_the_whole_way_from_labels_to_the_page(mara: Client, olga: Person, camera: Camera) -> None:
    for axis, code in enumerate(("good", "hole")):
        for number in range(18):
            roll = Roll.objects.get_or_create(code=f"{code}-{number // 3}")[0]
            said(olga, seen_as(camera, axis, roll=roll), code, timezone.now())
    wrong = seen_as(camera, 0, roll=Roll.objects.get(code="good-0"))
    said(olga, wrong, "hole", timezone.now())
    mara.post("/teach/ask/")
    reckoning.work()
    text = text_of(mara)
    assert f'id="suspect-{wrong.pk}"' in text
    assert text.count('class="hours teach-curve"') == 2


def test_it_costs_the_same_however_much_there_is(mara: Client, olga: Person, camera: Camera) -> None:
    counts = []
    for more in (2, 8):
        some = [labelled(olga, camera, seed=seed) for seed in range(more)]
        Capture.objects.filter(teach_pick__isnull=False).update(status=2)
        listed(*[passed(camera, seed) for seed in range(more)])
        pair = {"first": "cut", "second": "hole", "count": 2, "share": 0.1, "captures": [str(one.pk) for one in some]}
        reckoned({"suspects": [doubt(one) for one in some], "curves": [CURVE], "pairs": [pair]})
        text_of(mara)
        with CaptureQueriesContext(connection) as queries:
            text_of(mara)
        counts.append(len(queries))
    assert counts[0] == counts[1]
