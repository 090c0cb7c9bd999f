"""`/lines/<slug>/rolls/`: which rolls ran, their images, and the style that a manager gives them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inspections import charting
from inspections.models import AuditEvent, Line, Person, Roll, RollCount
from tests import cast
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.charts import a_roll, pieces
from tests.judged import judged
from tests.mill import posted

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
HERE = "/lines/loom-1/rolls/"


@pytest.fixture
def line(db: None) -> Line:
    """Three rolls, an hour each; nobody has said of which style they are."""
    found = a_line()
    for number in range(3):
        pieces(found, a_roll(f"R{number}", ""), START + number * HOUR, [0] * 5)
    return found


@pytest.fixture
def manager() -> Person:
    return cast.mara()


@pytest.fixture
def mara(manager: Person) -> Client:
    return signed_in(manager)


def styles() -> dict[str, str]:
    return dict(Roll.objects.order_by("code").values_list("code", "style"))


def breaks(line: Line) -> list[tuple[str, datetime]]:
    return [(one.kind, one.at) for one in charting.breaks(line, START - HOUR, START + 9 * HOUR)]


def test_a_style_that_is_set_breaks_the_lines_chart_where_its_roll_begins(line: Line, mara: Client) -> None:
    assert breaks(line) == []
    answer = mara.post(f"{HERE}style/", {"roll": ["R1", "R2"], "style": "  satin   5 "}, follow=True)
    assert answer.redirect_chain == [(HERE, 302)]
    assert "The style of 2 rolls was set." in answer.content.decode()
    assert styles() == {"R0": "", "R1": "satin 5", "R2": "satin 5"}
    assert breaks(line) == [("style", START + HOUR)]
    told = AuditEvent.objects.filter(action="roll-style").order_by("subject").values_list("subject", "detail")
    assert list(told) == [(f"roll R{n}", {"style": ["", "satin 5"]}) for n in (1, 2)]


def test_set_once_more_nothing_is_changed_and_nothing_noted(line: Line, mara: Client) -> None:
    for _again in range(2):
        answer = mara.post(f"{HERE}style/", {"roll": ["R1"], "style": "satin"}, follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert AuditEvent.objects.filter(action="roll-style").count() == 1


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"style": "satin"}, "No roll is picked."),
        ({"roll": ["R1", "R-elsewhere"], "style": "satin"}, "Roll R-elsewhere never ran on this line."),
        ({"roll": ["R1"], "style": "x" * 65}, "A style has at most 64 letters."),
        ({"roll": [f"R{n}" for n in range(90)], "style": "satin"}, "90 rolls at once are too many; at most 60."),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    line: Line, mara: Client, sent: dict[str, object], words: str
) -> None:
    pieces(a_line("loom-2"), a_roll("R-elsewhere", ""), START, [0])
    answer = mara.post(f"{HERE}style/", sent)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert set(styles().values()) == {""}
    assert AuditEvent.objects.count() == 0


def test_what_was_picked_and_written_stays_when_it_is_refused(line: Line, mara: Client) -> None:
    text = mara.post(f"{HERE}style/", {"roll": ["R1"], "style": "<b>" + "x" * 65}).content.decode()
    assert 'value="R1" checked' in text
    assert "&lt;b&gt;xxx" in text
    assert "<b>xxx" not in text


def test_an_operator_reads_the_rolls_of_the_own_line_and_sets_nothing(line: Line) -> None:
    olga, otto = signed_in(cast.olga()), signed_in(cast.otto())
    text = olga.get(HERE).content.decode()
    assert "R2" in text
    assert "Set style" not in text
    assert olga.post(f"{HERE}style/", {"roll": ["R1"], "style": "satin"}).status_code == 403
    assert otto.get(HERE).status_code == 404
    assert otto.post(f"{HERE}style/", {"roll": ["R1"], "style": "satin"}).status_code == 404
    assert set(styles().values()) == {""}


def test_the_number_of_a_roll_opens_its_images_and_no_others(mara: Client) -> None:
    camera = a_camera()
    mine = judged(camera, "hole", at=START, roll=Roll.objects.create(code="R & 1"))
    other = judged(camera, "hole", at=START + HOUR, roll=Roll.objects.create(code="R2"))
    assert "?line=loom-1&amp;show=anomalies&amp;roll=R+%26+1" in mara.get(HERE).content.decode()
    text = mara.get("/flagged/?line=loom-1&show=anomalies&roll=R+%26+1").content.decode()
    assert str(mine.pk) in text
    assert str(other.pk) not in text
    assert "Roll R &amp; 1 only." in text


def test_older_rolls_are_a_page_away_and_each_stands_on_one_page(line: Line, mara: Client) -> None:
    rolls = Roll.objects.bulk_create([Roll(code=f"old-{n:03}") for n in range(70)])
    RollCount.objects.bulk_create([RollCount(line=line, roll=roll, first_at=START - HOUR, judged=1) for roll in rolls])
    seen: list[str] = []
    url = HERE
    while url:
        response = mara.get(url)
        seen += [row.code for row in response.context["rows"]]
        url = f"{HERE}?after={response.context['next'].replace('+', '%2B')}" if response.context["next"] else ""
    assert sorted(seen) == sorted(Roll.objects.values_list("code", flat=True))


def test_a_new_roll_is_of_the_style_that_ran_before_it_so_that_a_night_breaks_nothing(line: Line, mara: Client) -> None:
    mara.post(f"{HERE}style/", {"roll": ["R1", "R2"], "style": "satin"})
    camera = cast.with_key(a_camera())
    for code, hours in (("R3", 3.0), ("R-late", 0.5)):
        posted(camera, a_png(), roll=code, captured_at=(START + hours * HOUR).isoformat())
    elsewhere = cast.with_key(a_camera("loom-2"))
    posted(elsewhere, a_png(), roll="R-elsewhere", captured_at=(START + 3 * HOUR).isoformat())
    assert styles() == {"R0": "", "R1": "satin", "R2": "satin", "R3": "satin", "R-late": "", "R-elsewhere": ""}
    pieces(line, Roll.objects.get(code="R3"), START + 3 * HOUR, [0] * 5)
    assert breaks(line) == [("style", START + HOUR)]


@pytest.mark.parametrize(
    "mark", ["nonsense", "2026-11-02T06:00:00Z~x", "2026-13-02T06:00:00Z~1", "0001-01-01T00:00:00+23:59~1"]
)
def test_a_damaged_address_says_so(line: Line, mara: Client, mark: str) -> None:
    answer = mara.get(HERE, {"after": mark})
    assert answer.status_code == 400
    assert "This address is damaged." in answer.content.decode()


def test_without_rolls_the_page_says_where_they_come_from(mara: Client) -> None:
    a_line()
    assert "No roll yet" in mara.get(HERE).content.decode()


def test_many_rolls_take_as_many_queries_as_few(
    line: Line, mara: Client, django_assert_max_num_queries: object
) -> None:

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            mara.get(HERE)
        return len(queries)

    few = asked()
    for number in range(40):
        pieces(line, a_roll(f"more-{number}", "twill"), START + (9 + number) * HOUR, [0])
    assert asked() == few
