"""The review statistics, by rows and HTTP: what waits, what was decided, what overkill costs, who agrees with whom."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inspections import decisions
from inspections.decisions import decided, overkill_cost, with_the_model
from inspections.models import Camera, Capture, How, Person, ReviewItem, Shift
from inspections.pages.periods import rounded
from inspections.review.answers import decide
from inspections.review.undoing import undo
from tests import cast
from tests.audits import controlled, read_twice
from tests.cast import a_camera, signed_in
from tests.judged import judged
from tests.labelled import an_answer, imported

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def olga(camera: Camera) -> Person:
    return cast.olga()


@pytest.fixture
def mara(camera: Camera) -> Client:
    return signed_in(cast.mara())


def text_of(client: Client, address: str = "/review/?when=24h", status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def answered(
    person: Person, camera: Camera, said: str, model: str = "hole", back: timedelta = HOUR, **more: Any
) -> Capture:
    """A flagged image, answered with the model's answer in sight."""
    capture = judged(camera, model, 0.9, at=NOW - back - timedelta(minutes=5))
    verdict = capture.verdicts.get()
    decide_at = NOW - back
    label = decide(person, capture, said, decide_at, **more).label  # type: ignore[union-attr]
    assert label.verdict_id == verdict.pk
    return capture


def figures(text: str) -> str:
    """Without the links that its figures are."""
    return re.sub(r'<td class="num"><a href="[^"]+">([^<]+)</a>', r'<td class="num">\1', text)


def bounds(back: timedelta = DAY) -> list[datetime]:
    return [NOW - back, NOW]


# --- what waits ---------------------------------------------------------------------------------------------------


def test_it_tells_how_much_waits_on_each_line_and_since_when(mara: Client, camera: Camera) -> None:
    judged(camera, "hole", 0.9)
    judged(camera, "cut", 0.8)
    ReviewItem.objects.update(created_at=NOW - 3 * HOUR)
    page = text_of(mara)
    assert '<a id="queue-loom-1" href="/queue/?line=loom-1">2</a> </td> <td class="num">3 h 0 min</td>' in page


def test_an_operator_sees_the_own_lines_alone(olga: Person) -> None:
    a_camera("loom-2")
    page = text_of(signed_in(olga))
    assert 'id="row-loom-1"' in page
    assert "loom-2" not in page
    assert ".pdf" not in page
    assert 'id="people"' not in page
    assert signed_in(olga).get("/review/?line=loom-2").status_code == 404


def test_an_unknown_line_is_404_and_a_period_that_is_none_is_400(mara: Client) -> None:
    assert mara.get("/review/?line=nope").status_code == 404
    assert mara.get("/review/?when=yesterdayish").status_code == 400
    assert mara.get("/review/?from=2026-11-22T10:00&to=2026-11-22T09:00").status_code == 400


# --- what was decided ---------------------------------------------------------------------------------------------


def test_good_images_that_were_sent_to_review_are_counted_with_the_time_they_took(olga: Person, camera: Camera) -> None:
    answered(olga, camera, "good", took_ms=60_000)
    answered(olga, camera, "good", took_ms=30_000)
    answered(olga, camera, "good")
    answered(olga, camera, "hole", took_ms=90_000)
    cost = overkill_cost(decided([camera.line_id], bounds()).groups)
    assert (cost.images, cost.timed, cost.minutes) == (3, 2, pytest.approx(2.25))
    page = text_of(signed_in(olga))
    assert "3 good images were sent to review" in page
    assert "people spent 2 min on them" in page
    assert "2 of 3 say how long they took" in page


def test_who_is_overruled_has_decided_and_yet_it_is_one_image(olga: Person, camera: Camera) -> None:
    capture = answered(olga, camera, "good", back=2 * HOUR)
    capture.refresh_from_db()
    decide(cast.mara(), capture, "cut", NOW - HOUR, expected=capture.label_id)
    found = decided([camera.line_id], bounds())
    assert (found.count, overkill_cost(found.groups).images) == (2, 0)


def test_what_was_taken_back_hidden_imported_or_long_ago_is_not_counted(olga: Person, camera: Camera) -> None:
    capture = answered(olga, camera, "good")
    undo(olga, capture.labels.get(), NOW)
    controlled(olga, camera, "hole", "good", NOW - HOUR)
    imported(olga, "good", "hole", 0.9, NOW - HOUR, undone=False)
    answered(olga, camera, "good", back=2 * DAY)
    answered(olga, a_camera("loom-2"), "good")
    assert decided([camera.line_id], bounds()).count == 0


def test_the_decisions_of_each_shift_and_hour_are_counted_apart(mara: Client, olga: Person, camera: Camera) -> None:
    for name, starts, ends in (("early", time(6), time(14)), ("late", time(14), time(22))):
        Shift.objects.create(name=name, starts=starts, ends=ends, days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    answered(olga, camera, "good", back=timedelta(minutes=10))
    for _ in range(4):
        answered(olga, camera, "hole", back=2 * HOUR)
    page = figures(text_of(mara))
    assert '>early, Sun 22 Nov, 06:00 – 14:00</a></th> <td class="num">4</td> <td class="num">0.5</td>' in page
    assert '>late, Sun 22 Nov, 14:00 – 22:00</a></th> <td class="num">1</td>' in page
    assert "22 Nov 2026 12:00 – 13:00" in page


def test_without_a_period_it_shows_the_running_shift(mara: Client, olga: Person, camera: Camera) -> None:
    Shift.objects.create(name="late", starts=time(14), ends=time(22), days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    answered(olga, camera, "good", back=timedelta(minutes=10))
    answered(olga, camera, "good", back=2 * HOUR)
    assert "1 good image was sent to review" in text_of(mara, "/review/")


def test_more_decisions_than_a_page_reads_shorten_the_period_and_it_says_so(
    mara: Client, olga: Person, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "MOST", 3)
    for back in range(1, 7):
        answered(olga, camera, "hole", back=back * HOUR)
    found = decided([camera.line_id], bounds())
    assert (found.count, found.cut, found.since) == (3, True, NOW - 4 * HOUR)
    assert "more decisions in this period than a page can read" in text_of(mara)


# --- who agrees ---------------------------------------------------------------------------------------------------


def test_agreement_with_the_model_is_told_by_its_class_and_blind_answers_apart(olga: Person, camera: Camera) -> None:
    answered(olga, camera, "hole")
    answered(olga, camera, "hole")
    answered(olga, camera, "cut")
    answered(olga, camera, "unsure")
    blind = judged(camera, "hole", 0.9, at=NOW - HOUR)
    an_answer(olga, blind, "good", How.BLIND, NOW - HOUR, verdict=blind.verdicts.get())
    answered(olga, camera, "thread", model="unknown")
    (row,) = with_the_model(decided([camera.line_id], bounds()).groups)
    assert (row.model, row.seen, row.seen_agreed, row.blind, row.blind_agreed) == ("hole", 3, 2, 1, 0)


def test_the_page_says_that_this_is_of_flagged_images_alone(mara: Client, olga: Person, camera: Camera) -> None:
    answered(olga, camera, "hole")
    assert "Of flagged images alone, so it is no measure of the model" in text_of(mara)


def answered_blind(person: Person, camera: Camera, said: str, count: int = 1) -> None:
    for _number in range(count):
        capture = judged(camera, "hole", 0.9, at=NOW - HOUR)
        an_answer(person, capture, said, How.BLIND, NOW - HOUR, verdict=capture.verdicts.get())


def test_kappa_of_few_blind_answers_is_not_told(mara: Client, olga: Person, camera: Camera) -> None:
    answered_blind(olga, camera, "good")
    assert ">Kappa of the 1 blind answer: not enough data, 20 are needed.<" in text_of(mara)
    answered_blind(olga, camera, "hole", 18)
    assert ">Kappa of the 19 blind answers: not enough data, 20 are needed.<" in text_of(mara)
    answered_blind(olga, camera, "hole")
    assert ">Kappa of the 20 blind answers: 0.00 (" in text_of(mara)


def test_one_image_that_two_people_answered_is_one(mara: Client, olga: Person, camera: Camera) -> None:
    read_twice(olga, cast.otto(), camera, ("hole", "cut"), NOW - DAY)
    assert "over 1 image that two people answered blind" in text_of(mara)


def test_people_with_each_other_are_summed_up_and_led_to(mara: Client, olga: Person, camera: Camera) -> None:
    otto = cast.otto()
    for number in range(6):
        read_twice(olga, otto, camera, ("hole", "hole" if number % 3 else "cut"), NOW - DAY)
    page = text_of(mara)
    assert "over 6 images that two people answered blind" in page
    assert 'id="agreement" href="/agreement/"' in page


def test_what_the_reader_is_asked_blind_is_not_in_it(olga: Person, camera: Camera) -> None:
    """Somebody has answered it; this manager is asked the same, blind."""
    boss = cast.mara()
    capture = answered(olga, camera, "good")
    ReviewItem.objects.create(
        capture=capture, line=camera.line, blind=True, holder=boss, counted_at=NOW, created_at=NOW,
        lease_until=NOW + HOUR,
    )  # fmt: skip
    assert "0 good images were sent" in text_of(signed_in(boss))
    assert "1 good image was sent" in text_of(signed_in(olga))


def test_the_queries_do_not_grow_with_what_was_decided(mara: Client, olga: Person, camera: Camera) -> None:
    answered(olga, camera, "hole")
    mara.get("/review/?when=24h")
    with CaptureQueriesContext(connection) as few:
        mara.get("/review/?when=24h")
    for number in range(12):
        answered(olga, camera, "good", back=number * HOUR)
    with CaptureQueriesContext(connection) as many:
        mara.get("/review/?when=24h")
    assert len(many) == len(few)


def test_a_mill_without_lines_says_so(db: None) -> None:
    assert "No lines yet" in text_of(signed_in(cast.ada()))


# --- beside another period ----------------------------------------------------------------------------------------


def test_its_figures_stand_beside_those_of_the_period_compared_with(mara: Client, olga: Person, camera: Camera) -> None:
    for said in ("hole", "hole", "good"):
        answered(olga, camera, said)
    for said in ("good", "good", "hole", "cut"):
        answered(olga, camera, said, back=HOUR + DAY)
    page = figures(text_of(mara, "/review/?when=24h&compare=previous"))
    assert (
        '<td class="num">3</td> <td class="num">4, −25 %</td> <td class="num">1</td> <td class="num">2, −50 %</td>'
        in page
    )
    assert page.count('<th scope="col" class="num">Before, change</th>') == 2
    assert "Before: 2 images" in page
    assert '<td class="num">66.7 %</td> <td class="num">25.0 %</td>' in page
    assert "Before" not in text_of(mara, "/review/?when=24h")


def two_shifts(zone: str = "UTC") -> None:
    for name, starts, ends in (("early", time(6), time(18)), ("late", time(18), time(6))):
        Shift.objects.create(name=name, starts=starts, ends=ends, days=[1, 2, 3, 4, 5, 6, 7], zone=zone)


def shifts_of(client: Client, address: str) -> list[tuple[str, str, str]]:
    """Each, the one beside it, and what of decisions was before and how they changed."""
    return [
        (row.words, row.beside_words, f"{row.before.decisions}, {row.before.decisions_change}" if row.before else "–")
        for row in client.get(address).context["shifts"]
    ]


def test_each_shift_stands_beside_the_one_that_lies_there(mara: Client, olga: Person, camera: Camera) -> None:
    two_shifts()
    for back in (HOUR, 2 * HOUR, HOUR + DAY, HOUR + 7 * DAY, 11 * HOUR + 7 * DAY):
        answered(olga, camera, "good", back=back)
    week = "/review/?from=2026-11-22T00:00&to=2026-11-22T14:20&compare=week"
    assert shifts_of(mara, week) == [
        ("early, Sun 22 Nov, 06:00 – 18:00", "early, Sun 15 Nov, 06:00 – 18:00", "1, +100 %"),
        ("late, Sat 21 Nov, 18:00 – 06:00", "late, Sat 14 Nov, 18:00 – 06:00", "1, −100 %"),
    ]
    page = figures(text_of(mara, week))
    assert "Each is beside the shift that lies there" in page
    assert '<td class="num">2</td> <td class="num">1, +100 %</td>' in page.split('id="shifts"')[1]
    assert "beside the shift" not in text_of(mara, "/review/?when=24h")


def test_a_shift_of_another_length_is_compared_as_if_both_were_equally_long(
    mara: Client, olga: Person, camera: Camera
) -> None:
    """Five hours of this shift beside the night of twelve before it."""
    two_shifts()
    for back in (HOUR, 10 * HOUR, 11 * HOUR, 12 * HOUR):
        answered(olga, camera, "hole", back=back)
    shift = Shift.objects.get(name="late")
    found = shifts_of(mara, f"/review/?from=2026-11-22T09:20&to=2026-11-22T14:20&compare=shift-{shift.pk}-2026-11-21")
    assert [row[2] for row in found] == ["3, −20 %"]  # 1 in 5 hours, 3 in 12


def test_where_the_clocks_change_a_shift_still_stands_beside_itself(mara: Client, camera: Camera) -> None:
    two_shifts("Europe/Berlin")
    found = shifts_of(mara, "/review/?from=2026-10-25T05:00&to=2026-10-26T05:00&compare=week")
    assert [(one.split(",")[0], other.split(",")[0]) for one, other, _counts in found] == [
        ("late", "late"), ("early", "early"),
    ]  # fmt: skip


def test_a_shift_that_nothing_lies_beside_says_so(mara: Client, olga: Person, camera: Camera) -> None:
    two_shifts()
    other = "compare-from=2026-11-10T06:00&compare-to=2026-11-10T08:00"
    found = shifts_of(mara, f"/review/?from=2026-11-21T06:00&to=2026-11-22T06:00&{other}")
    assert [row[1:] for row in found] == [("", "–"), ("early, Tue 10 Nov, 06:00 – 18:00", "0, –")]


def test_a_shift_of_one_line_leads_to_that_line(mara: Client, camera: Camera) -> None:
    two_shifts()
    a_camera("loom-2")
    number = Shift.objects.get(name="early").pk
    page = text_of(mara, "/review/?when=24h&line=loom-2&compare=week")
    assert f'href="?when=shift-{number}-2026-11-22&amp;line=loom-2"' in page
    assert f'href="?when=shift-{number}-2026-11-15&amp;line=loom-2"' in page
    assert 'id="report-shift" href="/reports/shift.pdf?when=24h&amp;compare=week&amp;line=loom-2"' in page


def test_decisions_an_hour_of_the_period_compared_with_are_drawn_where_they_would_lie(
    mara: Client, olga: Person, camera: Camera
) -> None:
    answered(olga, camera, "hole")
    answered(olga, camera, "good", back=HOUR + 7 * DAY)
    plot = mara.get("/review/?when=24h&compare=week").context["plot"]
    assert [row[3].value for row in plot.table.rows if row[2].value] == [1.0]
    now, then = plot.data["series"]
    assert (now["beside"], then["beside"]) == (False, True)
    assert [spot["x"] for spot in now["spots"] if spot["y"]] == [spot["x"] for spot in then["spots"] if spot["y"]]


def test_a_comparison_costs_the_same_queries_whatever_was_decided(mara: Client, olga: Person, camera: Camera) -> None:
    address = "/review/?when=24h&compare=previous"
    answered(olga, camera, "hole")
    with CaptureQueriesContext(connection) as few:
        text_of(mara, address)
    for number in range(6):
        answered(olga, camera, "good", back=HOUR + number * 7 * HOUR)
    with CaptureQueriesContext(connection) as many:
        text_of(mara, address)
    assert len(many) == len(few)


def test_a_little_below_nothing_is_written_as_nothing() -> None:
    assert [rounded(value, 2) for value in (-0.001, -0.0, 0.0, -0.01)] == ["0.00", "0.00", "0.00", "-0.01"]
