"""What freezing would give, as the pages tell it before: the figures of what is frozen then, and few queries."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inspections import snapshots
from inspections.models import Capture, How, Insight, Person, Quarantine, Snapshot
from inspections.review.undoing import undo
from inspections.snapshots import foreseen, previewing
from tests import cast
from tests.cast import a_camera, a_png, signed_in
from tests.judged import judged
from tests.labelled import a_mill_of_labels, a_roll, an_answer, labelled

pytestmark = pytest.mark.django_db
CLASSES = ("good", "hole", "cut")


@pytest.fixture
def mara() -> Person:
    return cast.mara()


@pytest.fixture
def otto() -> Person:
    return cast.otto()


@pytest.fixture
def by_mara(mara: Person) -> Client:
    return signed_in(mara)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first label on there are too many to count at once."""
    monkeypatch.setattr(foreseen, "AT_ONCE", 0)


def told(found: Snapshot) -> tuple[Any, ...]:
    return found.counts, found.sources, found.left_out, found.classes


# --- it is what is frozen ---------------------------------------------------------------------------------------------

LABELS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(CLASSES), st.sampled_from(["", "copy", "unsure", "other", "undone"])),
    min_size=6,
    max_size=16,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip
@given(LABELS, st.sampled_from([None, ("good", "hole"), ("good", "cut"), CLASSES]), st.booleans(), st.booleans())
def test_over_any_labels_the_preview_of_any_classes_is_what_freezing_them_gives(
    mara: Person,
    otto: Person,
    labels: list[tuple[int, str, str]],
    classes: Sequence[str] | None,
    goes_on: bool,
    bars: bool,
) -> None:
    with transaction.atomic():
        for roll, code, then in labels:
            _labelled(mara, otto, f"F{roll}", code, then)
        if goes_on:  # some sides are given already, and one golden set holds some files
            snapshots.freeze(mara, timezone.now())
            snapshots.make_golden(mara, timezone.now())
            _labelled(mara, otto, "F6", "hole", "copy")
        if bars:
            Quarantine.objects.create(person=otto, reason="new here", by=mara, at=timezone.now())
        trains = previewing.of_training(timezone.now(), classes)
        frozen = snapshots.freeze(mara, timezone.now(), classes)
        assert (frozen.reason if isinstance(frozen, snapshots.Refused) else "") == trains.objection
        if isinstance(frozen, Snapshot):
            assert told(frozen) == told(trains.snapshot)
        judges, _free = previewing.of_golden(timezone.now())
        golden = snapshots.make_golden(mara, timezone.now())
        assert (golden.reason if isinstance(golden, snapshots.Refused) else "") == judges.objection
        if isinstance(golden, Snapshot):
            assert (told(golden), golden.digest) == (told(judges.snapshot), judges.snapshot.digest)
        transaction.set_rollback(True)


def _labelled(person: Person, other: Person, roll: str, code: str, then: str) -> Capture:
    if then == "copy":
        capture = judged(a_camera(), "good", 0.01, data=a_png(7), roll=a_roll(roll))
        an_answer(person, capture, code)
        return capture
    capture = labelled(person, code, roll)
    if then == "undone":
        capture.refresh_from_db()
        undo(person, capture.label, timezone.now())
    elif then:
        an_answer(other, capture, None if then == "unsure" else "hole", How.BLIND)
    return capture


# --- where there are many ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("many")
def test_where_there_are_many_the_last_count_is_shown_with_its_time(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara, rolls=9)
    before = by_mara.get("/snapshots/new/").context["preview"]
    labelled(mara, "hole", "R0")
    for address in ("/snapshots/new/", "/snapshots/golden/", "/training/"):
        text = by_mara.get(address).content.decode()
        assert "What was labelled since is not in it yet" in text, address
    assert told(by_mara.get("/snapshots/new/").context["preview"].snapshot) == told(before.snapshot)
    snapshots.keep_fresh(timezone.now())
    found = snapshots.freeze(mara, timezone.now())
    assert isinstance(found, Snapshot)
    assert told(found) != told(before.snapshot)


@pytest.mark.usefixtures("many")
def test_the_clock_counts_anew_only_where_something_has_changed(mara: Person) -> None:
    def counted_anew() -> bool:
        last = Insight.objects.values_list("pk", flat=True).first()
        snapshots.keep_fresh(timezone.now())
        return Insight.objects.values_list("pk", flat=True).get() != last

    a_mill_of_labels(mara, rolls=9)
    assert counted_anew()
    assert not counted_anew()
    snapshots.freeze(mara, timezone.now())
    assert counted_anew()
    labelled(mara, "cut", "NEW")
    assert counted_anew()
    assert snapshots.extend_golden(mara, ["NEW"], timezone.now()) == ["NEW"]
    assert counted_anew()
    Quarantine.objects.create(person=mara, reason="to see", by=mara, at=timezone.now())
    assert counted_anew()
    assert not counted_anew()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("address", ["/snapshots/new/", "/snapshots/golden/", "/training/"])
def test_then_a_page_reads_no_labels(mara: Person, by_mara: Client, address: str) -> None:
    a_mill_of_labels(mara, rolls=9)
    by_mara.get(address)
    with CaptureQueriesContext(connection) as found:
        by_mara.get(address)
    assert not [one["sql"] for one in found if "sha256" in one["sql"]]


def test_where_there_are_few_it_is_counted_at_once_and_nothing_is_kept(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara)
    assert "What was labelled since" not in by_mara.get("/snapshots/new/").content.decode()
    snapshots.keep_fresh(timezone.now())
    assert not Insight.objects.exists()
