"""The quality pages, by rows and HTTP: what the audits of a line say, who may read it, at what cost."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import Camera, Kind, Person, ReviewItem
from inspections.quality import Calendar, Stretch, against_each_other, against_truth, day_start, histories
from inspections.review.undoing import undo
from tests import cast
from tests.audits import asked, audited, controlled, read_twice, said, volume
from tests.cast import a_camera, a_line, signed_in
from tests.judged import judged

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
TODAY = NOW.date()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def olga() -> Person:
    return cast.olga()


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def four_weeks(camera: Camera) -> Stretch:
    return histories([camera.line_id], Calendar(TODAY))[camera.line_id].stretch(4, 4)


# --- reading ------------------------------------------------------------------------------------------------------


def test_answered_audits_that_show_a_defect_are_escapes(camera: Camera, olga: Person) -> None:
    bad = audited(olga, camera, "hole", NOW - DAY)
    audited(olga, camera, "good", NOW - DAY)
    audited(olga, camera, "", NOW - DAY)
    found = four_weeks(camera)
    assert (found.escape.answered, found.escape.found, found.waiting) == (2, 1, 1)
    assert found.found == (bad.pk,)


def test_unsure_is_no_answer_and_an_undone_answer_waits_again(camera: Camera, olga: Person) -> None:
    audited(olga, camera, "unsure", NOW - DAY)
    undone = audited(olga, camera, "hole", NOW - DAY)
    label = undone.labels.get()
    undo(olga, label, NOW)
    found = four_weeks(camera)
    assert (found.escape.answered, found.escape.found, found.waiting) == (0, 0, 2)


def test_only_audits_make_the_rate_and_not_what_people_find_otherwise(camera: Camera, olga: Person) -> None:
    found_by_chance = judged(camera, "good", 0.01, at=NOW - DAY)
    said(olga, found_by_chance, "hole", NOW)
    assert four_weeks(camera).escape.found == 0


def test_pass_volume_is_what_was_judged_and_not_flagged(camera: Camera) -> None:
    volume(camera.line, NOW - DAY, 900, flagged=100)
    escape = four_weeks(camera).escape
    assert (escape.passed, escape.flagged.flagged) == (900, 100)


def test_flags_with_an_answer_are_defects_or_good_and_the_others_unanswered(camera: Camera, olga: Person) -> None:
    for number, answer in enumerate(("hole", "cut", "good", "")):
        capture = judged(camera, "hole", 0.9, at=NOW - DAY * number)
        if answer:
            said(olga, capture, answer, NOW)
    flagged = four_weeks(camera).escape.flagged
    assert (flagged.flagged, flagged.defects, flagged.good, flagged.unanswered) == (4, 2, 1, 1)


def test_each_week_has_its_own_and_older_ones_are_left_out(camera: Camera, olga: Person) -> None:
    for days_ago in (0, 6, 7, 55, 56):
        audited(olga, camera, "hole", NOW - DAY * days_ago - 4 * HOUR)
    history = histories([camera.line_id], Calendar(TODAY))[camera.line_id]
    assert [history.stretch(week).escape.found for week in range(8)] == [1, 0, 0, 0, 0, 0, 1, 2]


def test_lines_are_kept_apart(camera: Camera, olga: Person) -> None:
    other = a_camera("loom-2")
    audited(olga, camera, "hole", NOW - DAY)
    audited(olga, other, "good", NOW - DAY)
    found = histories([camera.line_id, other.line_id], Calendar(TODAY))
    assert [found[one.line_id].stretch(4, 4).escape.found for one in (camera, other)] == [1, 0]


def test_where_the_clock_is_half_an_hour_off_the_split_hour_belongs_to_the_day_before() -> None:
    with timezone.override("Asia/Kolkata"):  # midnight is 18:30 UTC
        assert day_start(date(2026, 11, 22)) == datetime(2026, 11, 21, 19, tzinfo=UTC)
        assert Calendar(TODAY).bounds[55] == datetime(2026, 11, 21, 19, tzinfo=UTC)


def test_a_day_of_a_change_of_clocks_is_a_day() -> None:
    with timezone.override("Europe/Berlin"):
        assert day_start(date(2026, 10, 26)) - day_start(date(2026, 10, 25)) == timedelta(hours=25)
        assert len(Calendar(TODAY).bounds) == 57


def test_answers_to_known_ones_are_read_also_where_they_were_taken_back(camera: Camera, olga: Person) -> None:
    controlled(olga, camera, "hole", "hole", NOW - DAY)
    controlled(olga, camera, "hole", "good", NOW - DAY)
    controlled(olga, camera, "good", "unsure", NOW - DAY)
    undo(olga, controlled(olga, camera, "good", "cut", NOW - DAY), NOW)
    found = against_truth(NOW - 7 * DAY, NOW)
    assert [one.pair for one in found] == [("hole", "hole"), ("hole", "good"), None, ("good", "cut")]


def test_second_readings_are_put_in_the_order_of_the_pair(camera: Camera, olga: Person) -> None:
    mara = cast.mara()
    read_twice(olga, mara, camera, ("hole", "cut"), NOW - DAY)
    read_twice(mara, olga, camera, ("hole", "cut"), NOW - DAY)
    found = against_each_other(NOW - 7 * DAY, NOW)
    assert [one.ordered(olga.pk) for one in found] == [("hole", "cut"), ("cut", "hole")]


def test_a_first_reading_that_was_taken_back_is_none(camera: Camera, olga: Person) -> None:
    second = read_twice(olga, cast.mara(), camera, ("hole", "cut"), NOW - DAY)
    assert second.item is not None
    assert second.item.against is not None
    undo(olga, second.item.against, NOW)
    assert against_each_other(NOW - 7 * DAY, NOW) == []


def test_what_was_answered_outside_the_period_is_not_read(camera: Camera, olga: Person) -> None:
    controlled(olga, camera, "hole", "hole", NOW - 8 * DAY)
    assert against_truth(NOW - 7 * DAY, NOW) == []


# --- the escape page ----------------------------------------------------------------------------------------------


def a_history(camera: Camera, person: Person) -> None:
    """Ten audits with one escape among a thousand that passed, and four flags, all of them defects."""
    volume(camera.line, NOW - DAY, 990)
    for number in range(10):
        audited(person, camera, "hole" if number == 0 else "good", NOW - DAY, seed=number)
    for _ in range(4):
        said(person, judged(camera, "hole", 0.9, at=NOW - DAY), "hole", NOW)


def test_the_rate_is_scaled_by_what_passed_and_the_page_says_so(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    text = text_of(signed_in(olga), "/escape/")
    assert "96.2 %" in text  # 100 of 104
    assert "scaled by the number of images that passed" in text
    assert "10 answered" in text
    assert "<dt>Passed by the model</dt> <dd>1,000</dd>" in text


def test_every_escape_found_opens_its_capture_and_the_flags_their_list(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    escape = ReviewItem.objects.filter(kind=Kind.AUDIT).order_by("id")[0].capture
    client = signed_in(olga)
    text = text_of(client, "/escape/")
    assert f'id="e-{escape.pk}" href="/captures/{escape.pk}/"' in text
    assert "/flagged/?line=loom-1&amp;since=2026-10-26T00%3A00%3A00Z&amp;until=2026-11-23T00%3A00%3A00Z" in text
    assert client.get("/flagged/?line=loom-1&since=2026-10-26T00:00:00Z&until=2026-11-23T00:00:00Z").status_code == 200


def test_a_week_opens_as_a_period_of_its_own(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    client = signed_in(olga)
    assert "/escape/?line=loom-1&amp;period=7d&amp;until=2026-11-15" in text_of(client, "/escape/")
    text = text_of(client, "/escape/?line=loom-1&period=7d&until=2026-11-15")
    assert "9 Nov 2026" in text
    assert "Nothing has been audited in these weeks" in text
    assert 'id="later"' in text


def test_without_audits_the_page_says_how_they_arise(camera: Camera, olga: Person, settings: Any) -> None:
    client = signed_in(olga)
    settings.AUDIT_SHARE = 0.05
    assert "about one question in 20 is an image that the model passed" in text_of(client, "/escape/")
    settings.AUDIT_SHARE = 0
    assert "Audits are switched off" in text_of(client, "/escape/")


def test_without_an_answer_there_is_no_figure_but_words(camera: Camera, olga: Person) -> None:
    audited(olga, camera, "", NOW - DAY)
    text = text_of(signed_in(olga), "/escape/")
    assert "no audit answered, so no figure" in text
    assert "1 waits" in text


def test_where_no_escape_was_found_the_page_shows_how_large_the_rate_may_be(camera: Camera, olga: Person) -> None:
    volume(camera.line, NOW - DAY, 90)
    for number in range(10):
        audited(olga, camera, "good", NOW - DAY, seed=number)
    said(olga, judged(camera, "hole", 0.9, at=NOW - DAY), "hole", NOW)
    text = text_of(signed_in(olga), "/escape/")
    assert "≤ 96.9 %" in text  # 30.85 % of 100, beside one that was caught
    assert "none was found" in text


def test_few_answers_are_told_to_be_few(camera: Camera, olga: Person) -> None:
    audited(olga, camera, "good", NOW - DAY)
    text = text_of(signed_in(olga), "/escape/")
    assert "Too few audits to say much" in text
    assert "With fewer than 10 answered audits" in text


def test_volume_without_an_audit_and_flags_without_an_answer_are_told(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    volume(camera.line, NOW - 2 * DAY, 1000, flagged=7)
    text = text_of(signed_in(olga), "/escape/")
    assert "50 % of what passed falls on days without an answered audit" in text
    assert "7 flagged images have no answer yet" in text


def test_an_operator_reads_their_own_lines_alone(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    client = signed_in(cast.otto())
    assert "loom-1" not in text_of(client, "/escape/")
    assert "no “loom-1” here" in text_of(client, "/escape/?line=loom-1", status=400)


def test_a_manager_reads_all_lines_beside_each_other(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    a_line("loom-2")
    text = text_of(signed_in(cast.mara()), "/escape/")
    assert 'id="row-loom-1"' in text
    assert 'id="row-loom-2"' in text


def test_what_its_reader_is_being_asked_about_is_not_shown_to_them(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    escape = ReviewItem.objects.filter(kind=Kind.AUDIT).order_by("id")[0].capture
    asked(escape, Kind.SECOND, NOW, olga, against=escape.label)
    assert str(escape.pk) not in text_of(signed_in(olga), "/escape/")
    assert str(escape.pk) in text_of(signed_in(cast.mara()), "/escape/")


@pytest.mark.parametrize("query", ["period=x", "until=tomorrow", "until=2026-11-23", "until=1999-12-31", "line=nope"])
def test_an_address_that_says_nothing_is_refused_in_words(camera: Camera, query: str) -> None:
    assert "This cannot be shown as asked" in text_of(signed_in(cast.mara()), f"/escape/?{query}", status=400)


def test_more_lines_take_no_more_queries(camera: Camera, olga: Person) -> None:
    a_history(camera, olga)
    client = signed_in(cast.mara())

    def count() -> int:
        with CaptureQueriesContext(connection) as found:
            text_of(client, "/escape/")
        return len(found)

    count()
    before = count()
    for number in range(2, 6):
        audited(olga, a_camera(f"loom-{number}"), "hole", NOW - DAY)
    assert count() == before


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_audits_are_read_by_the_small_indexes_of_hidden_items_and_of_what_was_said(camera: Camera) -> None:
    with CaptureQueriesContext(connection) as found:
        histories([camera.line_id], Calendar(TODAY))
    audits = next(one["sql"] for one in found if "reviewitem" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {audits}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "item_hidden_kinds" in plan
    assert "capture_labelled" in plan


# --- the agreement page -------------------------------------------------------------------------------------------


def test_kappa_stands_beside_each_person_and_each_pair(camera: Camera, olga: Person) -> None:
    mara = cast.mara()
    for truth, answer in [("hole", "hole")] * 3 + [("good", "good")] * 3 + [("hole", "good")] + [("good", "unsure")]:
        controlled(olga, camera, truth, answer, NOW - DAY)
    read_twice(olga, mara, camera, ("hole", "cut"), NOW - DAY)
    text = text_of(signed_in(mara), "/agreement/")
    cells = " ".join(f'<td class="num">{words}</td>' for words in ("7", "1", "85.7 %", "0.72"))
    assert f'<th scope="row" class="whose">olga</th> {cells}' in text
    assert '<th scope="row" class="whose">olga · mara</th> <td class="num">1</td>' in text


def test_disagreements_open_their_captures(camera: Camera, olga: Person) -> None:
    label = controlled(olga, camera, "hole", "good", NOW - DAY)
    text = text_of(signed_in(cast.ada()), "/agreement/")
    assert f'href="/captures/{label.capture_id}/"' in text
    assert "known answer" in text


def test_a_disagreement_about_what_the_reader_is_asked_is_kept_back(camera: Camera, olga: Person) -> None:
    mara = cast.mara()
    label = controlled(olga, camera, "hole", "good", NOW - DAY)
    asked(label.capture, Kind.CONTROL, NOW, mara, truth=label.item and label.item.truth)
    assert str(label.capture_id) not in text_of(signed_in(mara), "/agreement/")


def test_one_class_alone_has_no_kappa_and_the_page_says_why(camera: Camera, olga: Person) -> None:
    controlled(olga, camera, "hole", "hole", NOW - DAY)
    assert "Kappa is undefined: one class only." in text_of(signed_in(cast.mara()), "/agreement/")


def test_without_readings_the_page_says_how_they_arise() -> None:
    text = text_of(signed_in(cast.mara()), "/agreement/")
    assert "No known answer was asked in this period." in text
    assert "Nobody read a colleague" in text


def test_operators_do_not_read_about_each_other(olga: Person) -> None:
    client = signed_in(olga)
    assert client.get("/agreement/").status_code == 403
    assert "/agreement/" not in text_of(client, "/escape/")


def test_a_damaged_address_of_agreement_is_refused_in_words() -> None:
    client = signed_in(cast.mara())
    assert "This cannot be shown as asked" in text_of(client, "/agreement/?period=1h", status=400)
    assert client.get("/agreement/?period=91d&until=2026-10-01").status_code == 200
