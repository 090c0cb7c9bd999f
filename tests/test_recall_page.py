"""The pages and the command of recalls: counted first, then asked for; what would change, and the same as a table."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from inspections.models import AuditEvent, Camera, Comparison, JobState, Recall, ReviewItem, Roll
from tests import cast
from tests.cast import signed_in
from tests.judged import judged
from tests.second_looks import a_challenger, a_recall, compared

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara(db: None) -> Client:
    return signed_in(cast.mara())


def test_a_manager_counts_first_and_then_starts_it(mara: Client, camera: Camera) -> None:
    version = a_challenger()
    judged(camera, roll=Roll.objects.create(code="R-1"))
    choice = {"version": version.name, "rolls": "R-1", "line": "", "first": "", "last": ""}
    response = mara.get("/recalls/", choice)
    assert response.context["count"] == 1
    assert Recall.objects.count() == 0
    answer = mara.post("/recalls/", choice)
    recall = Recall.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/recalls/{recall.pk}/")
    assert (recall.rolls, recall.total, recall.asked_by and recall.asked_by.username) == (["R-1"], 1, "mara")
    assert AuditEvent.objects.get(action="recall").subject == f"recall {recall.pk}"


def test_days_are_the_mill_s_and_both_belong_to_it(mara: Client, camera: Camera) -> None:
    version = a_challenger()
    judged(camera)
    today = f"{timezone.localdate():%Y-%m-%d}"
    mara.post("/recalls/", {"version": version.name, "first": today, "last": today})
    recall = Recall.objects.get()
    assert recall.since is not None
    assert recall.until is not None
    assert recall.until - recall.since in {timedelta(hours=hours) for hours in (23, 24, 25)}


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"version": "nope", "rolls": "R-1"}, 400), ({"rolls": "R-77"}, 409), ({"rolls": "R-1", "first": "soon"}, 400)],
)
def test_a_wrong_choice_is_told_and_nothing_starts(mara: Client, camera: Camera, sent: Any, status: int) -> None:
    version = a_challenger()
    assert mara.post("/recalls/", {"version": version.name, **sent}).status_code == status
    assert Recall.objects.count() == 0


def recalled(camera: Camera) -> Recall:
    """Two rolls; of the first one flag would go, of the second nothing would change."""
    first, second = (Roll.objects.create(code=code) for code in ("R-1", "=R-2"))
    recall = a_recall(state=JobState.DONE, done=3, total=3)
    compared(judged(camera, "hole", roll=first), "good", flagged=False, recall=recall)
    compared(judged(camera, "hole", roll=first), "hole", recall=recall)
    compared(judged(camera, "good", 0.01, roll=second), "good", flagged=False, recall=recall)
    return recall


def test_its_page_says_which_rolls_would_change(mara: Client, camera: Camera) -> None:
    recall = recalled(camera)
    context = mara.get(f"/recalls/{recall.pk}/").context
    assert [(row.code, row.total.compared, row.total.no_longer) for row in context["rolls"]] == [("R-1", 2, 1)]
    assert context["matrix"].names == ("Good", "Hole")
    assert [[cell.count for cell in row.cells] for row in context["matrix"].rows] == [[1, 0], [1, 1]]
    assert len(mara.get(f"/recalls/{recall.pk}/?roll=%3DR-2").context["rows"]) == 0


def test_the_table_cannot_hold_a_formula_and_leaves_a_trace(mara: Client, camera: Camera) -> None:
    recall = recalled(camera)
    row = Comparison.objects.filter(agrees=False).get()
    evil = Roll.objects.create(code="=HYPERLINK(1)")
    row.capture.roll = evil
    row.capture.save()
    response = mara.get(f"/recalls/{recall.pk}/list.csv")
    lines = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert [(one["roll"], one["before"], one["after"]) for one in lines] == [("'=HYPERLINK(1)", "hole", "good")]
    assert AuditEvent.objects.filter(action="export", subject=f"recall {recall.pk}").count() == 1


def test_what_the_reader_is_asked_blind_is_in_neither(camera: Camera) -> None:
    recall = recalled(camera)
    asked_of = cast.mara()
    row = Comparison.objects.get(agrees=False)
    held = {"blind": True, "holder": asked_of, "lease_until": timezone.now()}
    ReviewItem.objects.filter(capture=row.capture).update(**held)
    client = signed_in(asked_of)
    assert client.get(f"/recalls/{recall.pk}/").context["total"].compared == 2
    response = client.get(f"/recalls/{recall.pk}/list.csv")
    assert str(row.capture_id).encode() not in b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_a_running_one_shows_its_progress_and_can_be_ended(mara: Client, camera: Camera) -> None:
    recall = a_recall(state=JobState.RUNNING, done=30, total=120)
    response = mara.get(f"/recalls/{recall.pk}/")
    assert response.context["share"] == 25
    assert 'hx-get="/recalls/' in response.content.decode()
    assert mara.post(f"/recalls/{recall.pk}/cancel/").status_code == 302
    recall.refresh_from_db()
    assert recall.state == JobState.CANCELLED
    assert mara.post(f"/recalls/{recall.pk}/cancel/").status_code == 409


def test_operators_have_no_recalls(camera: Camera) -> None:
    olga = signed_in(cast.olga())
    recall = a_recall()
    assert {olga.get(path).status_code for path in ("/recalls/", f"/recalls/{recall.pk}/")} == {403}


# --- the command ------------------------------------------------------------------------------------------------


def told(*arguments: str) -> Any:
    out = StringIO()
    call_command("recall", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_counts_and_asks_as_the_page_does(camera: Camera) -> None:
    name = a_challenger().name
    judged(camera, roll=Roll.objects.create(code="R-1"))
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert told(name, "--roll", "R-1", "--count") == {"captures": 1}
    assert not Recall.objects.exists()
    assert told(name, "--from", today, "--to", today, "--line", "loom-1")["captures"] == 1
    assert (Recall.objects.get().line, Recall.objects.get().asked_by) == (camera.line, None)


@pytest.mark.parametrize(
    "arguments", [("nope", "--roll", "R-1"), ("2026.11.2",), ("2026.11.2", "--roll", "R-1", "--line", "nope")]
)
def test_the_command_refuses_in_words(db: None, arguments: tuple[str, ...]) -> None:
    a_challenger()
    with pytest.raises(CommandError) as refused:
        told(*arguments)
    assert refused.value.returncode == 2
