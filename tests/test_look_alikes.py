"""Look-alikes on the page and in the API: the nearest first, of one's own lines, and nothing of what is asked blind."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inspections.look_alikes import embeddings_of, labelled_embeddings, near
from inspections.models import Capture, Person, ReviewItem
from inspections.review.asking import ask_about
from tests import cast
from tests.alike import SIZE, apart, planted, says, seen, turned
from tests.cast import a_camera, signed_in, with_key
from tests.judged import a_capture, a_version, failed, judged
from tests.labelled import an_answer
from tests.teaching import a_challenger

pytestmark = pytest.mark.django_db


def asked(person: Person, capture: Capture, **query: Any) -> dict[str, Any]:
    response = signed_in(person).get(f"/api/v1/captures/{capture.pk}/look-alikes/", query)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def keys_of(told: dict[str, Any]) -> list[str]:
    return [one["capture"]["id"] for one in told["results"]]


def page_of(person: Person, capture: Capture, **headers: str) -> str:
    response = signed_in(person).get(f"/captures/{capture.pk}/look-alikes/", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_nearest_come_first_each_with_its_distance() -> None:
    first, far, near_by, between = seen(0, 1.2, 0.1, 0.6)
    told = asked(cast.olga(), first)
    assert keys_of(told) == [str(one.pk) for one in (near_by, between, far)]
    assert [one["distance"] for one in told["results"]] == pytest.approx([apart(0.1), apart(0.6), apart(1.2)], abs=2e-3)
    assert (told["model"], told["searched"], told["note"]) == ("2026.11.1", 4, "")


def test_of_many_as_many_as_were_asked_for() -> None:
    first = seen(*(number / 100 for number in range(40)))[0]
    olga = cast.olga()
    assert len(asked(olga, first)["results"]) == 24
    assert len(asked(olga, first, most=3)["results"]) == 3
    assert signed_in(olga).get(f"/api/v1/captures/{first.pk}/look-alikes/", {"most": 201}).status_code == 400


def test_what_people_said_of_them_stands_beside() -> None:
    first, second, third = seen(0, 0.1, 0.2)
    mara = cast.mara()
    an_answer(mara, second, "cut")
    told = asked(mara, first)
    assert [one["label"] for one in told["results"]] == ["cut", None]
    assert str(third.pk) in keys_of(told)
    assert "Cut" in page_of(mara, first)


def test_an_operator_meets_those_of_their_own_lines_alone() -> None:
    (mine,) = seen(0)
    (theirs,) = seen(0.01, camera=a_camera("loom-2"))
    (near_by,) = seen(0.3)
    olga, mara = cast.olga(), cast.mara()
    assert keys_of(asked(olga, mine)) == [str(near_by.pk)]
    assert keys_of(asked(mara, mine)) == [str(theirs.pk), str(near_by.pk)]


def test_an_operator_of_another_line_finds_nothing_here() -> None:
    (mine,) = seen(0)
    client = signed_in(cast.otto())
    assert client.get(f"/captures/{mine.pk}/look-alikes/").status_code == 404
    assert client.get(f"/api/v1/captures/{mine.pk}/look-alikes/").status_code == 404
    assert with_key(a_camera()).get(f"/api/v1/captures/{mine.pk}/look-alikes/").status_code == 403
    assert Client().get(f"/api/v1/captures/{mine.pk}/look-alikes/").status_code == 401


def asked_blind(person: Person, capture: Capture) -> None:
    ask_about([capture], timezone.now())
    ReviewItem.objects.filter(capture=capture).update(blind=True, holder=person)


def test_what_somebody_is_asked_blind_looks_like_nothing_to_them() -> None:
    first, secret, third = seen(0, 0.1, 0.2)
    olga = cast.olga()
    asked_blind(olga, secret)
    assert keys_of(asked(olga, first)) == [str(third.pk)]
    assert keys_of(asked(cast.mara(), first)) == [str(secret.pk), str(third.pk)]
    told = asked(olga, secret)
    assert (told["results"], told["model"]) == ([], None)
    assert "after your answer" in told["note"]
    page = page_of(olga, secret)
    assert str(first.pk) not in page
    assert "after your answer" in page
    assert "look-alikes" not in signed_in(olga).get(secret.get_absolute_url()).content.decode()


def test_only_what_the_same_version_said_is_compared_whatever_it_judged_it_for() -> None:
    (old,) = seen(0.05, version=a_version("2026.10.1", is_default=False))
    first, second = seen(0, 0.4)
    challenger = a_challenger()
    says(challenger, [first, second], [turned(1), turned(2)], timezone.now())
    (newer,) = planted([turned(1.1)], version=challenger)
    mara = cast.mara()
    assert keys_of(asked(mara, first)) == [str(second.pk)]
    assert keys_of(asked(mara, newer)) == [str(first.pk), str(second.pk)]
    says(a_version(), [old], [turned(0.1)], timezone.now())  # a recall
    assert keys_of(asked(mara, first)) == [str(old.pk), str(second.pk)]


def test_the_page_of_a_capture_asks_for_them_later_and_has_a_link_without_javascript() -> None:
    first, second = seen(0, 0.1)
    olga = cast.olga()
    page = signed_in(olga).get(first.get_absolute_url()).content.decode()
    assert f'hx-get="/captures/{first.pk}/look-alikes/"' in page
    assert f'href="/captures/{first.pk}/look-alikes/"' in page
    assert str(second.pk) not in page.split('id="look-alikes"')[1]
    whole, strip = page_of(olga, first), page_of(olga, first, **{"HX-Request": "true"})
    assert "<html" in whole
    assert "<html" not in strip
    for text in (whole, strip):
        assert f'href="/captures/{second.pk}/"' in text
        assert "Distance 0.100" in text


def test_a_capture_that_waits_or_failed_or_kept_nothing_says_so() -> None:
    olga = cast.olga()
    assert "waits to be judged" in page_of(olga, a_capture(a_camera()))
    assert "could not be judged" in page_of(olga, failed(a_camera()))
    assert "kept nothing by which" in page_of(olga, judged(a_camera()))  # its embedding is all zeros
    (lonely,) = seen(0, camera=a_camera("loom-1", slug="right"))
    assert "has judged no other capture" in page_of(olga, lonely)
    assert "no verdict" in asked(olga, a_capture(a_camera()))["note"]


def test_embeddings_that_are_no_direction_are_found_by_nobody() -> None:
    first, second = seen(0, 0.3)
    planted([turned(0) * 0, turned(0) * float("nan"), turned(0)[: SIZE - 2]])
    assert keys_of(asked(cast.mara(), first)) == [str(second.pk)]


def test_the_nearest_to_any_of_several_vectors_of_a_line_and_time() -> None:
    old = timezone.now() - timedelta(days=3)
    first, second, third = seen(0, 0.5, 1.0)
    (before,) = seen(0.5, at=old)
    (elsewhere,) = seen(0.5, camera=a_camera("loom-2"))
    vectors = [turned(0.02) * 7, turned(0.97) * 3]
    version, lines = a_version(), [first.line_id]

    def found(**limits: Any) -> list[Any]:
        return [one.capture_id for one in near(version, vectors, 3, **limits).rows]

    assert found(line_ids=lines, since=old + timedelta(hours=1)) == [first.pk, third.pk, second.pk]
    assert set(found(line_ids=[elsewhere.line_id])) == {elsewhere.pk}
    assert before.pk in [one.capture_id for one in near(version, vectors, 5, line_ids=lines).rows]


def test_embeddings_are_given_at_unit_length_with_what_people_said() -> None:
    first, second = planted([turned(0) * 3, turned(1)])
    an_answer(cast.mara(), second, "cut")
    version = a_version()
    assert embeddings_of(version, [first.pk])[first.pk] == pytest.approx(turned(0), abs=1e-3)
    keys, embeddings, codes = labelled_embeddings(version, 10)
    assert (keys, codes, embeddings.shape) == ([second.pk], ["cut"], (1, SIZE))
