"""The page of a challenger's shadow: figures, disagreements, filters in the address, start and stop."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import AuditEvent, Camera, Comparison, ModelVersion, ReviewItem, State
from inspections.second_looks import progress
from tests import cast
from tests.cast import a_camera, signed_in
from tests.judged import judged
from tests.second_looks import a_challenger, compared, in_shadow

pytestmark = pytest.mark.django_db
ADDRESS = "/models/2026.11.2/shadow/"


@pytest.fixture
def mara(db: None) -> Client:
    return signed_in(cast.mara())


def shown(client: Client, query: str = "", status: int = 200) -> Any:
    response = client.get(f"{ADDRESS}{query}")
    assert response.status_code == status, response.content
    return response.context


@pytest.fixture
def some(camera: Camera) -> None:
    """Of five captures the challenger calls two otherwise, one of them without flagging it."""
    in_shadow()
    for label, after, flagged in (
        ("good", "good", False), ("good", "good", False), ("hole", "hole", True), ("hole", "cut", True),
        ("hole", "good", False),
    ):  # fmt: skip
        compared(judged(camera, label, 0.9 if label == "hole" else 0.01), after, flagged=flagged)


def test_it_says_how_often_both_agree_and_flag(mara: Client, some: None) -> None:
    context = shown(mara)
    total = context["total"]
    assert (total.compared, total.apart, total.newly, total.no_longer) == (5, 2, 0, 1)
    assert (total.before_per_1000, total.after_per_1000) == (600, 400)
    assert context["agreement"] == "60.0 %"
    by_class = {one.part.key: one.part.agreement for one in context["classes"]}
    assert by_class == {"good": "100.0 %", "hole": "33.3 %"}
    assert [one.part.key for one in context["by_lines"]] == ["loom-1"]


def test_changed_flags_come_first(mara: Client, some: None) -> None:
    rows = shown(mara)["rows"]
    assert [(row.before, row.after, row.change) for row in rows] == [
        ("Hole", "Good", "no-longer"),
        ("Hole", "Cut", ""),
    ]


def test_each_part_of_the_address_narrows(mara: Client, some: None, camera: Camera) -> None:
    compared(judged(a_camera("loom-2"), "good", 0.01), "hole")
    assert shown(mara)["total"].compared == 6
    assert shown(mara, "?line=loom-2")["total"].compared == 1
    assert shown(mara, "?was=hole&would=good")["total"].compared == 1
    assert shown(mara, "?flag=newly")["total"].compared == 1
    assert shown(mara, "?flag=no-longer")["total"].compared == 1
    assert shown(mara, "?was=cut")["total"].compared == 0
    later = timezone.now() + timedelta(minutes=1)
    assert shown(mara, f"?since={later:%Y-%m-%dT%H:%M:%SZ}")["total"].compared == 0


@pytest.mark.parametrize("query", ["?line=nope", "?was=nope", "?flag=x", "?by=year", "?after=2~x", "?since=soon"])
def test_a_damaged_address_is_told(mara: Client, some: None, query: str) -> None:
    response = mara.get(f"{ADDRESS}{query}")
    assert response.status_code == 400
    assert "This cannot be shown as asked" in response.content.decode()


def test_the_charts_go_by_hour_and_by_day(mara: Client, camera: Camera) -> None:
    now = timezone.now()
    for back in (timedelta(0), timedelta(hours=30)):
        compared(judged(camera, "hole", at=now - back), "cut")
    by_hour, by_day = (shown(mara, f"?by={by}")["chart"].bars for by in ("hour", "day"))
    assert [bar.total.compared for bar in by_hour] == [*[0] * 23, 1]
    assert sum(bar.total.compared for bar in by_day) == 2
    assert len(by_day) == 14


def test_every_bar_opens_what_it_is_made_of(mara: Client, camera: Camera) -> None:
    now = timezone.now()
    compared(judged(camera, "hole", at=now), "cut")
    compared(judged(camera, "hole", at=now - timedelta(hours=3)), "cut")
    bar = shown(mara)["chart"].bars[-1]
    assert shown(mara, f"?since={bar.since}&until={bar.until}")["total"].compared == 1


def test_pages_of_disagreements_miss_and_repeat_nothing(
    mara: Client, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspections.second_looks.reading.apart.__defaults__", (None, 3))
    made = [compared(judged(camera, "hole"), "cut", flagged=number % 2 == 0) for number in range(8)]
    seen: list[int] = []
    query = ""
    for _page in range(3):
        context = shown(mara, query)
        seen += [row.comparison.pk for row in context["rows"]]
        query = f"?after={context['apart'].next}"
    assert sorted(seen) == sorted(row.pk for row in made)
    assert [made[0].pk + number for number in (7, 5, 3, 1, 6, 4, 2, 0)] == seen
    assert context["apart"].next is None


def test_what_the_reader_is_asked_blind_is_nowhere(some: None) -> None:
    mona = cast.mara()
    item = ReviewItem.objects.latest("id")
    ReviewItem.objects.filter(pk=item.pk).update(blind=True, holder=mona, lease_until=timezone.now())
    context = shown(signed_in(mona))
    assert (context["total"].compared, len(context["rows"])) == (4, 1)
    assert str(item.capture_id) not in signed_in(mona).get(ADDRESS).content.decode()
    assert shown(signed_in(cast.ada()))["total"].compared == 5


def test_it_says_how_many_were_looked_at_and_leads_to_the_keys(mara: Client, some: None, camera: Camera) -> None:
    version = ModelVersion.objects.get(name="2026.11.2")
    one = Comparison.objects.filter(version=version, agrees=False).latest("id")
    Comparison.objects.filter(pk=one.pk).update(seen_by=cast.ada(), seen_at=timezone.now())
    text = mara.get(ADDRESS).content.decode()
    assert "1 of 2 looked at" in text
    assert 'href="/queue/?order=disagree"' in text
    found = progress(version)
    assert (found.compared, found.disagreements, found.looked_at) == (5, 2, 1)


def test_a_manager_starts_and_stops_it(mara: Client) -> None:
    version = a_challenger()
    assert "Start the shadow" in mara.get(ADDRESS).content.decode()
    assert mara.post(f"{ADDRESS}start/", {"share": "25"}).status_code == 302
    version.refresh_from_db()
    assert (version.state, version.shadow_share) == (State.SHADOW, 0.25)
    assert "Nothing compared yet" in mara.get(ADDRESS).content.decode()
    assert mara.post(f"{ADDRESS}stop/").status_code == 302
    version.refresh_from_db()
    assert version.state == State.CANDIDATE
    assert list(AuditEvent.objects.values_list("action", flat=True).order_by("id")) == ["shadow-start", "shadow-stop"]


@pytest.mark.parametrize("share", ["", "0", "101", "x", "-5", "1e2"])
def test_a_share_that_is_none_is_refused(mara: Client, share: str) -> None:
    version = a_challenger()
    response = mara.post(f"{ADDRESS}start/", {"share": share})
    assert response.status_code == 409
    assert "The share must lie above 0" in response.content.decode()
    version.refresh_from_db()
    assert version.state == State.CANDIDATE


def test_while_another_is_in_shadow_it_says_so(mara: Client) -> None:
    a_challenger()
    in_shadow("2026.11.3")
    assert "2026.11.3 judges in shadow now" in mara.get(ADDRESS).content.decode()
    assert mara.post(f"{ADDRESS}start/", {"share": "100"}).status_code == 409


def test_what_waits_is_told(mara: Client, camera: Camera) -> None:
    in_shadow()
    judged(camera)
    assert "1 capture waits for it" in mara.get(ADDRESS).content.decode()


def test_operators_have_no_such_page(some: None) -> None:
    assert signed_in(cast.olga()).get(ADDRESS).status_code == 403


def test_the_number_of_queries_does_not_grow(mara: Client, some: None, camera: Camera) -> None:
    with CaptureQueriesContext(connection) as few:
        mara.get(ADDRESS)
    for _number in range(6):
        compared(judged(camera, "hole"), "cut")
    with CaptureQueriesContext(connection) as many:
        mara.get(ADDRESS)
    assert len(many) == len(few)
