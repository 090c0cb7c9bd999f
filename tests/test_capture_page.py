"""The page of one capture: say what it shows, take it back, see who said what, and make use of it. No script needed."""

import html
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from inspections.models import AuditEvent, Capture, DefectClass, How, Kind, KnownAnswer, Label, Person, ReviewItem, Roll
from inspections.review.answers import decide, decide_many
from inspections.review.undoing import undo
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import a_capture, failed, judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def oscar(db: None) -> Person:
    """Another operator of Olga's line."""
    return cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))


def text_of(person: Person, capture: Capture) -> str:
    response = signed_in(person).get(capture.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def fresh(capture: Capture) -> Capture:
    return Capture.objects.select_related("label__person", "defect_class").get(pk=capture.pk)


def say(person: Person, capture: Capture, answer: str, **more: Any) -> Any:
    """By the form, with what its page says was seen."""
    client = signed_in(person)
    text = client.get(capture.get_absolute_url()).content.decode()
    found = re.search(r'name="expected" value="([^"]*)"', text)
    sent = {"answer": answer, "expected": found[1] if found else "", **more}
    return client.post(f"/captures/{capture.pk}/label/", sent, follow=True)


def take_back(person: Person, label: Label) -> Any:
    return signed_in(person).post(f"/captures/{label.capture_id}/undo/", {"label": str(label.pk)}, follow=True)


# --- labelling --------------------------------------------------------------------------------------------------


def test_a_label_is_kept_and_stands_beside_what_the_model_said(olga: Person) -> None:
    capture = judged(a_camera(), "thread")
    text = say(olga, capture, "hole", note="frayed edge").content.decode()
    assert "Kept: Hole." in text
    assert "Labelled Hole by olga; the model said Thread." in text
    assert "frayed edge" in text
    assert fresh(capture).defect_class == DefectClass.objects.get(code="hole")
    assert Label.objects.get().note == "frayed edge"


def test_roll_and_camera_lead_back_to_all_that_they_showed(olga: Person) -> None:
    roll = Roll.objects.create(code="R 7&8/a")
    camera = a_camera()
    capture, other = judged(camera, "hole", 0.9, roll=roll), judged(camera, "good", 0.01, roll=roll)
    unrolled = judged(camera, "cut", 0.8)
    text, client = text_of(olga, capture), signed_in(olga)
    for name, count in (("of-roll", 2), ("of-camera", 3)):
        address = html.unescape(re.search(rf'id="{name}" href="([^"]+)"', text)[1])  # type: ignore[index]
        listed = client.get(address).content.decode()
        assert listed.count('class="thumb') >= count
        assert str(other.pk) in listed
        assert (str(unrolled.pk) in listed) == (name == "of-camera")
    assert "of-roll" not in text_of(olga, unrolled)


def test_a_new_label_stands_over_the_old_one_which_stays_in_the_history(olga: Person, oscar: Person) -> None:
    capture = judged(a_camera(), "thread")
    say(olga, capture, "hole")
    text = say(oscar, capture, "cut").content.decode()
    assert "Labelled Cut by oscar; the model said Thread." in text
    assert "olga: Hole" in text
    assert Label.objects.count() == 2


def test_what_somebody_said_meanwhile_is_told_and_asked_again_with_everything_kept(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "thread")
    decide(oscar, capture, "cut", now)
    response = signed_in(olga).post(f"/captures/{capture.pk}/label/", {"answer": "hole", "note": "mine"})
    text = response.content.decode()
    assert response.status_code == 409
    assert "oscar said meanwhile: Cut. Nothing was kept: look again and decide." in text
    assert ">mine</textarea>" in text
    assert re.search(r'class="button decide-class is-draft"[^>]*value="hole"', text)
    assert str(fresh(capture).label_id) in text  # the next try knows what stands
    assert Label.objects.count() == 1


def test_what_somebody_decides_just_now_is_shown_with_the_time(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera())
    ReviewItem.objects.update(holder=oscar, lease_until=now + timedelta(minutes=5))
    text = text_of(olga, capture)
    assert f"oscar decides this now, until {now + timedelta(minutes=5):%H:%M}." in text
    assert 'id="decide-form"' not in text
    assert "hx-trigger" in text  # it looks again by itself
    assert 'id="decide-form"' in text_of(oscar, capture)
    response = signed_in(olga).post(f"/captures/{capture.pk}/label/", {"answer": "hole"})
    assert response.status_code == 409
    assert Label.objects.count() == 0


def test_the_same_form_sent_twice_is_one_label(olga: Person) -> None:
    capture, token = judged(a_camera()), str(uuid4())
    for _ in range(2):
        sent = {"answer": "cut", "token": token}
        assert signed_in(olga).post(f"/captures/{capture.pk}/label/", sent).status_code == 302
    assert Label.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"answer": "nonsense"}, 400, "There is no such class."),
        ({}, 400, "There is no such class."),
        ({"answer": "hole", "expected": str(uuid4())}, 409, "was taken back meanwhile"),
        ({"answer": "hole", "expected": "x", "token": "y"}, 302, ""),
    ],
)
def test_bad_input_is_told_in_words(olga: Person, sent: dict[str, str], status: int, words: str) -> None:
    response = signed_in(olga).post(f"/captures/{judged(a_camera()).pk}/label/", sent)
    assert response.status_code == status
    assert words in response.content.decode()


def test_what_was_not_judged_offers_no_label_and_takes_none(olga: Person) -> None:
    for capture in (a_capture(a_camera()), failed(a_camera())):
        assert 'id="decide-form"' not in text_of(olga, capture)
        response = signed_in(olga).post(f"/captures/{capture.pk}/label/", {"answer": "hole"})
        assert response.status_code == 409
    assert Label.objects.count() == 0


def test_another_lines_capture_takes_nothing() -> None:
    capture = judged(a_camera("loom-1"))
    otto = signed_in(cast.otto())
    for part in ("label", "undo", "known", "example"):
        assert otto.post(f"/captures/{capture.pk}/{part}/", {"answer": "hole"}).status_code == 404


def test_who_is_not_signed_in_changes_nothing() -> None:
    capture = judged(a_camera())
    for part in ("label", "undo", "known", "example"):
        response = Client().post(f"/captures/{capture.pk}/{part}/", {"answer": "hole", "class": "hole"})
        assert response.headers["Location"].startswith("/login/")
    assert Label.objects.count() == KnownAnswer.objects.count() == 0


# --- taking back ------------------------------------------------------------------------------------------------


def test_an_own_label_is_taken_back_and_both_stay_in_the_history(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "thread")
    decide(olga, capture, "hole", now)
    text = take_back(olga, Label.objects.get()).content.decode()
    assert "Taken back: Hole." in text
    assert "olga took back: Hole" in text
    assert "taken back by olga" in text
    assert fresh(capture).label is None
    assert 'name="label"' not in text  # nothing is left to take back


def test_another_persons_label_is_for_managers_to_take_back(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "thread")
    decide(oscar, capture, "hole", now)
    label = Label.objects.get()
    assert str(label.pk) not in re.findall(r'name="label" value="([^"]+)"', text_of(olga, capture))
    assert take_back(olga, label).status_code == 403
    assert fresh(capture).label is not None
    mara = cast.mara()
    assert str(label.pk) in re.findall(r'name="label" value="([^"]+)"', text_of(mara, capture))
    assert "mara took back: Hole" in take_back(mara, label).content.decode()


def test_a_label_of_another_capture_is_not_taken_back_here(olga: Person, now: datetime) -> None:
    one, other = judged(a_camera()), judged(a_camera())
    decide(olga, other, "hole", now)
    sent = {"label": str(Label.objects.get().pk)}
    assert signed_in(olga).post(f"/captures/{one.pk}/undo/", sent).status_code == 404
    assert signed_in(olga).post(f"/captures/{one.pk}/undo/", {"label": "x"}).status_code == 404


# --- history ----------------------------------------------------------------------------------------------------


def test_the_history_tells_who_when_how_what_the_model_had_said_and_how_long_it_took(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "thread")
    decide(olga, capture, "hole", now, took_ms=2340, note="see the left edge")
    decide_many(oscar, [capture], "cut", now, expected={capture.pk: fresh(capture).label_id})
    undo(oscar, Label.objects.get(how=How.BULK), now)
    decide(oscar, capture, "unsure", now, expected=fresh(capture).label_id)
    text = text_of(olga, capture)
    history = text[text.index('id="history"') :]
    for words in (
        "Taken",
        "Received",
        "Judged by 2026.11.1: Thread",
        "olga: Hole",
        "one image · the model had said Thread (2026.11.1) · took 2.3 s",
        "see the left edge",
        "oscar: Cut",
        "in bulk, with others like it",
        "oscar took back: Cut",
        "oscar: Unsure, somebody else shall look",
    ):
        assert words in history
        history = history[history.index(words) :]


def test_answers_that_measure_a_person_are_told_to_that_person_and_to_managers_alone(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "thread")
    decide(oscar, capture, "hole", now)
    values = {"kind": Kind.SECOND, "blind": True, "counted_at": now, "created_at": now, "against": Label.objects.get()}
    item = ReviewItem.objects.create(capture=capture, line=capture.line, holder=olga, **values)
    decide(olga, capture, "cut", now)
    assert ReviewItem.objects.get(pk=item.pk).closed_at
    assert "olga: Cut" in text_of(olga, capture)
    assert "measures the reader" not in text_of(olga, capture)
    assert "olga: Cut" not in text_of(oscar, capture)
    assert "measures the reader; the capture keeps its label" in text_of(cast.mara(), capture)
    assert "Labelled Hole by oscar" in text_of(olga, capture)


def test_a_note_with_markup_comes_out_as_text(olga: Person) -> None:
    text = say(olga, judged(a_camera()), "hole", note="<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


# --- what managers make of it -----------------------------------------------------------------------------------


def know(person: Person, capture: Capture, code: str, was: str = "") -> Any:
    return signed_in(person).post(f"/captures/{capture.pk}/known/", {"class": code, "was": was}, follow=True)


def test_a_manager_says_what_it_is_for_sure_and_takes_that_back() -> None:
    mara, capture = cast.mara(), judged(a_camera())
    text = know(mara, capture, "hole").content.decode()
    assert "The known answer of this image is Hole now" in text
    assert "mara says that it is Hole for sure" in text
    known = KnownAnswer.objects.get()
    assert (known.defect_class.code, known.person, known.line) == ("hole", mara, capture.line)
    assert "no known answer any more" in know(mara, capture, "", was="hole").content.decode()
    assert KnownAnswer.objects.count() == 0
    rows = AuditEvent.objects.filter(action="known-answer").order_by("id").values_list("detail", flat=True)
    assert list(rows) == [{"before": "", "after": "hole"}, {"before": "hole", "after": ""}]


def test_a_known_answer_that_another_set_meanwhile_is_not_overwritten() -> None:
    capture = judged(a_camera())
    know(cast.mara(), capture, "hole")
    response = know(cast.ada(), capture, "cut")
    assert response.status_code == 409
    assert "mara set the known answer to Hole meanwhile." in response.content.decode()
    assert KnownAnswer.objects.get().defect_class.code == "hole"


def test_questions_with_an_answer_that_no_longer_counts_are_closed(olga: Person, oscar: Person, now: datetime) -> None:
    first, second = (judged(a_camera(), "good", 0.01) for _ in range(2))
    for capture, holder in ((first, None), (second, oscar)):
        know(cast.a_person(f"boss-{capture.pk.hex[-6:]}", cast.Role.MANAGER), capture, "hole")
        ReviewItem.objects.create(
            capture=capture, line=capture.line, kind=Kind.CONTROL, blind=True, counted_at=now, created_at=now,
            holder=holder, lease_until=now + timedelta(minutes=2) if holder else None,
        )  # fmt: skip
        know(Person.objects.get(username=f"boss-{capture.pk.hex[-6:]}"), capture, "", was="hole")
    assert ReviewItem.objects.open().get().capture == second  # who looks at it just now may finish


def test_operators_neither_see_nor_set_known_answers(olga: Person) -> None:
    capture = judged(a_camera())
    know(cast.mara(), capture, "hole")
    assert "known answer" not in text_of(olga, capture).lower()
    assert know(olga, capture, "cut", was="hole").status_code == 403
    assert signed_in(olga).post(f"/captures/{capture.pk}/example/", {"class": "hole"}).status_code == 403


def test_an_example_is_set_for_its_class_and_the_log_says_so() -> None:
    mara, capture = cast.mara(), judged(a_camera())
    response = signed_in(mara).post(f"/captures/{capture.pk}/example/", {"class": "hole"}, follow=True)
    assert "now stands beside the definition of Hole" in response.content.decode()
    assert DefectClass.objects.get(code="hole").example == capture
    row = AuditEvent.objects.get(action="example")
    assert (row.subject, row.detail) == ("class hole", {"before": "", "after": str(capture.pk)})
    assert signed_in(mara).post(f"/captures/{capture.pk}/example/", {"class": "x"}).status_code == 409


@pytest.mark.parametrize("bad", ["\x00", "a\x07b", "\x7f"])
@pytest.mark.parametrize(
    ("deed", "sent"),
    [
        ("label", {"answer": "hole", "note": "{bad}"}),
        ("label", {"answer": "{bad}"}),
        ("known", {"class": "{bad}"}),
        ("known", {"class": "hole", "was": "{bad}"}),
        ("example", {"class": "{bad}"}),
        ("undo", {"label": "{bad}"}),
    ],
)
def test_characters_that_nobody_can_type_are_refused_in_words(deed: str, sent: dict[str, str], bad: str) -> None:
    capture = judged(a_camera(), "thread", 0.9)
    form = {name: text.replace("{bad}", bad) for name, text in sent.items()}
    response = signed_in(cast.mara()).post(f"/captures/{capture.pk}/{deed}/", form)
    assert response.status_code == 400
    assert "characters in it that nobody can type" in response.content.decode()
    assert not Label.objects.exists()


def test_a_note_of_several_lines_is_no_control_character(olga: Person) -> None:
    capture = judged(a_camera(), "thread", 0.9)
    assert say(olga, capture, "hole", note="one\r\n\ttwo").status_code == 200
    assert Label.objects.get().note.splitlines() == ["one", "\ttwo"]
