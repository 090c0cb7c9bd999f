"""What is asked blind: no page tells the person who is asked what the model or others said, nor why it is asked."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from inspections.models import Capture, Kind, KnownAnswer, Label, Person, ReviewItem, VerdictEvidence
from inspections.review import queue
from inspections.review.answers import decide
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import judged

pytestmark = pytest.mark.django_db
ASKED = "You are asked about this image"
TELLING = (
    "Hole",
    "hole",
    "Flagged</",
    "flagged</",
    "Anomaly score",
    "2026.11.1",
    "heatmap",
    "oscar",
    "History",
    "Judged",
)


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def oscar(db: None) -> Person:
    """Another operator of Olga's line."""
    return cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))


def ask(capture: Capture, person: Person, kind: Kind, now: datetime, **fields: Any) -> Capture:
    """The question as this person holds it, blind."""
    ReviewItem.objects.open().filter(capture=capture).update(closed_at=now)
    ReviewItem.objects.create(
        capture=capture, line=capture.line, kind=kind, blind=True, rank=0.9, counted_at=capture.counted_at,
        created_at=now, holder=person, lease_until=now + timedelta(seconds=120), **fields,
    )  # fmt: skip
    return capture


def flagged(olga: Person, oscar: Person, now: datetime) -> Capture:
    return ask(judged(a_camera(), "hole", 0.98, now), olga, Kind.FLAGGED, now)


def audit(olga: Person, oscar: Person, now: datetime) -> Capture:
    return ask(judged(a_camera(), "good", 0.01, now), olga, Kind.AUDIT, now)


def control(olga: Person, oscar: Person, now: datetime) -> Capture:
    capture = judged(a_camera(), "thread", 0.7, now, warnings=("dark",))
    decide(oscar, capture, "hole", now)
    truth = Label.objects.get().defect_class
    assert truth is not None
    KnownAnswer.objects.create(capture=capture, line=capture.line, defect_class=truth, person=oscar, at=now)
    return ask(capture, olga, Kind.CONTROL, now, truth=truth)


def second(olga: Person, oscar: Person, now: datetime) -> Capture:
    capture = judged(a_camera(), "unknown", None, now)
    decide(oscar, capture, "hole", now, note="hole at the edge")
    return ask(capture, olga, Kind.SECOND, now, against=Label.objects.get())


KINDS: list[Callable[[Person, Person, datetime], Capture]] = [flagged, audit, control, second]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def without_ids(text: str) -> str:
    """What differs between any two requests: ids, tokens, and how long until the terminal locks."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "CSRF", text)
    text = re.sub(r'class="mono">\w{16,}<', "REQUEST", text)
    return re.sub(r'data-locks-in="[\d.]+"', "LOCKS", text)


def thumb(text: str, capture: Capture) -> str:
    found = re.search(rf'<a class="thumb" id="l-{capture.pk}".*?</a>', text, re.DOTALL)
    assert found
    return found[0]


@every_kind
def test_the_page_of_a_blind_question_shows_the_image_and_its_line_alone(
    olga: Person, oscar: Person, now: datetime, kind: Any
) -> None:
    capture = kind(olga, oscar, now)
    text = text_of(signed_in(olga), f"/captures/{capture.pk}/").partition("<main")[2].partition("</main>")[0]
    assert ASKED in text
    assert f"/captures/{capture.pk}/view/" in text
    assert "loom-1" in text
    assert "Taken" not in text
    assert f"{capture.captured_at:%Y-%m-%d}" not in text
    assert [word for word in TELLING if word in text] == []
    assert "<form" not in text


def test_no_page_tells_one_kind_of_blind_question_from_another(olga: Person, oscar: Person, now: datetime) -> None:
    a_camera()
    client, said = signed_in(olga), []
    for kind in KINDS:
        with transaction.atomic():
            capture = kind(olga, oscar, now)
            page = text_of(client, f"/captures/{capture.pk}/")
            beside = thumb(text_of(client, "/lines/loom-1/"), capture)
            heat = text_of(client, f"/captures/{capture.pk}/heatmap/", 404)
            said.append([without_ids(text) for text in (page, beside, heat)])
            transaction.set_rollback(True)
    assert said[0] == said[1] == said[2] == said[3]


@every_kind
@pytest.mark.parametrize("address", ["/flagged/", "/flagged/?order=worst", "/flagged/?class=hole", "/queue/grid/"])
def test_lists_by_state_leave_it_out(olga: Person, oscar: Person, now: datetime, kind: Any, address: str) -> None:
    other = judged(a_camera(), "hole", 0.5, now)
    capture = kind(olga, oscar, now)
    text = text_of(signed_in(olga), address)
    assert str(capture.pk) not in text
    assert str(other.pk) in text


@every_kind
def test_a_line_shows_it_among_the_latest_without_a_word(olga: Person, oscar: Person, now: datetime, kind: Any) -> None:
    capture = kind(olga, oscar, now)
    text = text_of(signed_in(olga), "/lines/loom-1/")
    assert "Asked of you" in thumb(text, capture)
    assert [word for word in TELLING if word in thumb(text, capture)] == []
    assert f'id="f-{capture.pk}"' not in text


@every_kind
def test_no_heat_map_and_no_sign_that_the_browser_has_it(olga: Person, oscar: Person, now: datetime, kind: Any) -> None:
    capture = kind(olga, oscar, now)
    tag = f'"{VerdictEvidence.objects.get(verdict__capture=capture).verdict_id}-heat"'
    client, address = signed_in(olga), f"/captures/{capture.pk}/heatmap/"
    assert signed_in(oscar).get(address, headers={"If-None-Match": tag}).status_code == 304
    response = client.get(address, headers={"If-None-Match": tag})
    assert response.status_code == 404
    assert "ETag" not in response.headers


@every_kind
def test_who_is_not_asked_sees_everything(olga: Person, oscar: Person, now: datetime, kind: Any) -> None:
    capture = kind(olga, oscar, now)
    text = text_of(signed_in(cast.mara()), f"/captures/{capture.pk}/")
    assert ASKED not in text
    assert "Judged by 2026.11.1" in text


def test_after_the_answer_everything_is_told(olga: Person, oscar: Person, now: datetime) -> None:
    capture = flagged(olga, oscar, now)
    assert signed_in(olga).post(f"/captures/{capture.pk}/label/", {"answer": "cut"}).status_code == 302
    text = text_of(signed_in(olga), f"/captures/{capture.pk}/")
    assert "Labelled Cut by olga; the model said Hole." in text
    assert "blind: before seeing what the model said" in text
    assert str(capture.pk) in text_of(signed_in(olga), "/flagged/")


def test_it_stays_withheld_when_the_lease_ran_out_and_after_a_skip(olga: Person, oscar: Person, now: datetime) -> None:
    capture = flagged(olga, oscar, now)
    item = ReviewItem.objects.open().get()
    ReviewItem.objects.update(lease_until=now - timedelta(minutes=5))
    assert ASKED in text_of(signed_in(olga), f"/captures/{capture.pk}/")
    queue.skip(olga, item, now)
    assert ASKED in text_of(signed_in(olga), f"/captures/{capture.pk}/")
    ReviewItem.objects.update(holder=oscar, lease_until=now + timedelta(minutes=5))
    assert "oscar" not in text_of(signed_in(olga), f"/captures/{capture.pk}/")


def test_no_class_picture_gives_away_what_is_asked(olga: Person, oscar: Person, now: datetime) -> None:
    capture = control(olga, oscar, now)
    truth = KnownAnswer.objects.get().defect_class
    truth.example = capture
    truth.save()
    assert str(capture.pk) not in text_of(signed_in(olga), "/classes/")
    assert str(capture.pk) in text_of(signed_in(cast.mara()), "/classes/")


def test_a_manager_who_is_asked_is_told_no_more(oscar: Person, now: datetime) -> None:
    mara = cast.mara()
    capture = control(mara, oscar, now)
    client = signed_in(mara)
    assert "known answer" not in text_of(client, f"/captures/{capture.pk}/")
    for part in ("known", "example"):
        response = client.post(f"/captures/{capture.pk}/{part}/", {"class": "hole", "was": "hole"})
        assert response.status_code == 409
        assert [word for word in TELLING if word in response.content.decode().partition("<main")[2]] == []
