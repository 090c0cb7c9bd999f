"""From any verdict back to model, snapshot, labels and people; and from a label to the models that learned it."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.lineage import descent, learned_from
from inspections.models import (
    Camera,
    Capture,
    GateReport,
    How,
    JobState,
    Label,
    LeftOut,
    ModelVersion,
    Origin,
    Person,
    Purpose,
    Quarantine,
    ReviewItem,
    Side,
    Snapshot,
    SnapshotRow,
)
from inspections.review.answers import decide
from inspections.trials import trial_of
from tests import cast
from tests.cast import signed_in
from tests.judged import a_version, judged
from tests.second_looks import a_challenger, a_recall, compared
from tests.trainings import a_snapshot, a_training

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def mara(db: None) -> Client:
    return signed_in(cast.mara())


def labelled(person: Person, capture: Capture, code: str = "cut", how: How = How.SINGLE) -> Label:
    outcome = decide(person, capture, code, timezone.now())
    label: Label = outcome.label  # type: ignore[union-attr]
    Label.objects.filter(pk=label.pk).update(how=how)
    label.refresh_from_db()
    return label


def placed(snapshot: Snapshot, label: Label, side: Side = Side.TRAIN, reason: str = "") -> SnapshotRow:
    assert label.defect_class is not None
    return SnapshotRow.objects.create(
        snapshot=snapshot, capture=label.capture, label=label, defect_class=label.defect_class,
        source="roll R-1", side=side, reason=reason,
    )  # fmt: skip


def trained(snapshot: Snapshot, name: str = "2026.11.2", **fields: Any) -> ModelVersion:
    """A version that came from a training on this snapshot."""
    version = a_challenger(name, origin=Origin.TRAINED, snapshot=snapshot, **fields)
    a_training(JobState.DONE, snapshot=snapshot, version=version, asked_by=Person.objects.order_by("pk").first())
    return version


def shown(client: Client, capture: Capture) -> Any:
    response = client.get(f"/captures/{capture.pk}/lineage/")
    assert response.status_code == 200, response.content
    return response.context


def test_a_verdict_leads_to_training_snapshot_labels_and_people(olga: Person, mara: Client, camera: Camera) -> None:
    taught, asked = judged(camera), judged(camera)
    snapshot = a_snapshot()
    placed(snapshot, labelled(olga, taught, how=How.BULK))
    version = trained(snapshot)
    compared(asked, "cut", version=version)
    in_force, beside = shown(mara, asked)["descents"]
    assert in_force[0].learned is None
    step = beside[0]
    assert (step.version, step.training.snapshot, step.row) == (version, snapshot, None)
    (teacher,) = step.learned.teachers
    assert (teacher.person, teacher.labels, teacher.bulk) == (olga, 1, 1)
    text = mara.get(f"/captures/{asked.pk}/lineage/").content.decode()
    assert "It never saw this image" in text
    assert f'href="/training/{step.training.pk}/"' in text


def test_it_says_where_a_model_was_trained_on_the_very_image(olga: Person, mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    snapshot = a_snapshot()
    placed(snapshot, labelled(olga, capture))
    compared(capture, "cut", version=trained(snapshot))
    assert shown(mara, capture)["descents"][1][0].was_trained_on_it
    assert "It was trained on this very image" in mara.get(f"/captures/{capture.pk}/lineage/").content.decode()


def test_what_an_ancestor_learned_is_told_too(olga: Person, mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    first = a_snapshot("S1")
    placed(first, labelled(olga, capture))
    parent = trained(first, "2026.11.2")
    child = trained(a_snapshot("S2"), "2026.11.3", parent=parent)
    assert descent(child) == [child, parent]
    compared(capture, "cut", version=child)
    line = shown(mara, capture)["descents"][1]
    assert [(step.version, step.was_trained_on_it) for step in line] == [(child, False), (parent, True)]


def test_a_circle_of_parents_ends(db: None) -> None:
    one, other = a_challenger("2026.11.2"), a_challenger("2026.11.3")
    ModelVersion.objects.filter(pk=one.pk).update(parent=other)
    ModelVersion.objects.filter(pk=other.pk).update(parent=one)
    assert descent(one) == [one, other]


def test_each_verdict_says_how_it_stands(mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    shadow, recalled = a_challenger("2026.11.2"), a_challenger("2026.11.3")
    compared(capture, version=shadow)
    recall = a_recall(recalled)
    compared(capture, version=recalled, recall=recall)
    rows = shown(mara, capture)["said"]
    assert [(one.standing, one.recalls) for one in rows] == [
        ("in force", ()),
        ("in shadow", ()),
        ("stands beside", (recall.pk,)),
    ]


def test_a_label_leads_to_the_snapshots_that_it_went_into(olga: Person, mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    label = labelled(olga, capture)
    placed(a_snapshot("S1"), label)
    placed(a_snapshot("S2"), label, Side.OUT, LeftOut.QUARANTINED)
    context = shown(mara, capture)
    (answer,) = context["answers"]
    assert [(row.snapshot.name, row.side, row.reason) for row in answer.places] == [
        ("S1", Side.TRAIN, ""),
        ("S2", Side.OUT, LeftOut.QUARANTINED),
    ]
    assert len(context["places"]) == 2


def test_a_manager_is_led_to_the_quarantine_of_its_person_camera_or_day(
    olga: Person, mara: Client, camera: Camera
) -> None:
    capture = judged(camera)
    labelled(olga, capture)
    found = re.findall(r'href="(/quarantine/\?[^"]+)"', mara.get(f"/captures/{capture.pk}/lineage/").content.decode())
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert [address.replace("&amp;", "&") for address in found] == [
        "/quarantine/?person=olga",
        f"/quarantine/?camera={camera.pk}",
        f"/quarantine/?first_day={today}&last_day={today}",
    ]
    assert {mara.get(address.replace("&amp;", "&")).status_code for address in found} == {200}
    assert "/quarantine/" not in signed_in(olga).get(f"/captures/{capture.pk}/lineage/").content.decode()


def test_what_a_version_learned_from_counts_people_most_first(olga: Person, camera: Camera) -> None:
    otto = cast.otto()
    otto.lines.add(camera.line)
    snapshot = a_snapshot()
    for person, how in ((olga, How.SINGLE), (otto, How.BULK), (otto, How.SINGLE)):
        placed(snapshot, labelled(person, judged(camera), how=how))
    placed(snapshot, labelled(olga, judged(camera)), Side.OUT, LeftOut.UNSURE)
    learned = learned_from(trained(snapshot))
    assert learned is not None
    assert [(one.person, one.labels, one.bulk) for one in learned.teachers] == [(otto, 2, 1), (olga, 1, 0)]
    assert (learned.labels, learned.bulk) == (3, 1)
    assert learned_from(a_version()) is None


def figures_of(macro_f1: float) -> dict[str, Any]:
    return {"macro_f1": macro_f1, "overkill": 0.02, "interval": {"macro_f1": [macro_f1 - 0.05, macro_f1 + 0.05]}}


def measured(version: ModelVersion, golden: Snapshot, macro_f1: float, champion: float) -> GateReport:
    both = {"challenger": figures_of(macro_f1), "champion": figures_of(champion)}
    return GateReport.objects.create(
        version=version,
        champion=a_version(),
        golden=golden,
        asked_at=timezone.now(),
        state=JobState.DONE,
        measured=both,
    )


def test_a_training_without_somebody_stands_beside_the_one_with_them(olga: Person, camera: Camera) -> None:
    quarantine = Quarantine.objects.create(person=olga, reason="bad light", by=cast.ada(), at=timezone.now())
    golden = a_snapshot("G1", purpose=Purpose.GOLDEN)
    with_them, version = trained(a_snapshot("S1")), trained(a_snapshot("S2", without=quarantine), "2026.11.3")
    placed(Snapshot.objects.get(name="S1"), labelled(olga, judged(camera)))
    later = trained(a_snapshot("S3"), "2026.11.4")  # while the quarantine stands, it lacks them too
    assert trial_of(with_them) is None
    trial = trial_of(version)
    assert trial is not None
    assert (trial.quarantine, trial.without, trial.beside) == (quarantine, None, ())
    measured(with_them, golden, 0.80, champion=0.75)
    measured(version, golden, 0.86, champion=0.75)
    measured(later, golden, 0.85, champion=0.75)
    trial = trial_of(version)
    assert trial is not None
    assert trial.without is not None
    assert (trial.golden, trial.without.macro_f1, trial.without.overkill) == (golden, 0.86, 0.02)
    assert [(one.version, one.macro_f1) for one in trial.beside] == [(a_version(), 0.75), (with_them, 0.80)]


def test_a_version_s_card_tells_who_taught_it(olga: Person, mara: Client, camera: Camera) -> None:
    quarantine = Quarantine.objects.create(person=olga, reason="bad light", by=cast.ada(), at=timezone.now())
    snapshot = a_snapshot("S2", without=quarantine)
    placed(snapshot, labelled(olga, judged(camera)))
    version = trained(snapshot)
    measured(version, a_snapshot("G1", purpose=Purpose.GOLDEN), 0.86, champion=0.75)
    text = mara.get(f"/models/{version.name}/").content.decode()
    assert "olga: 1" in text
    assert "bad light" in text
    assert "0.860" in text
    assert "0.750" in text


def test_who_is_asked_about_it_learns_nothing(olga: Person, camera: Camera) -> None:
    capture = judged(camera)
    held = {"blind": True, "holder": olga, "lease_until": timezone.now()}
    ReviewItem.objects.filter(capture=capture).update(**held)
    text = signed_in(olga).get(f"/captures/{capture.pk}/lineage/").content.decode()
    assert "You are asked about this image" in text
    assert "Hole" not in text
    assert a_version().name not in text


def test_an_operator_sees_it_without_the_pages_of_managers(olga: Person, camera: Camera) -> None:
    capture = judged(camera)
    snapshot = a_snapshot()
    placed(snapshot, labelled(olga, capture))
    compared(capture, version=trained(snapshot), recall=a_recall())
    text = signed_in(olga).get(f"/captures/{capture.pk}/lineage/").content.decode()
    assert "S1" in text
    assert not any(f'href="{path}' in text for path in ("/training/", "/recalls/", "/models/", "/snapshots/"))
    assert signed_in(cast.otto()).get(f"/captures/{capture.pk}/lineage/").status_code == 404


def test_answers_that_measure_a_person_are_not_told_to_others(olga: Person, mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    Label.objects.filter(pk=labelled(olga, capture).pk).update(beside=True)
    mona = cast.a_person("mona", cast.Role.OPERATOR, camera.line)
    assert len(shown(mara, capture)["answers"]) == 1
    assert shown(signed_in(mona), capture)["answers"] == []


def test_the_capture_leads_to_its_lineage(mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    assert f'href="/captures/{capture.pk}/lineage/"' in mara.get(f"/captures/{capture.pk}/").content.decode()


def test_the_number_of_queries_does_not_grow_with_versions(olga: Person, mara: Client, camera: Camera) -> None:
    capture = judged(camera)
    label = labelled(olga, capture)
    placed(a_snapshot("S1"), label)
    compared(capture, version=trained(Snapshot.objects.get(), "2026.11.2"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown(mara, capture)
        return len(found)

    few = queries()
    for number in range(3, 6):
        snapshot = a_snapshot(f"S{number}")
        placed(snapshot, label)
        compared(capture, version=trained(snapshot, f"2026.11.{number}"))
    assert queries() == few
