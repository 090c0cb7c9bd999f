"""A new class from five examples: found at once and flagged, beside the classes that stood before, and taken back."""

import threading
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from inspections import new_class, registry
from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    How,
    Label,
    ModelVersion,
    Person,
    ProvisionalClass,
    ReviewItem,
    Stage,
    State,
    Verdict,
)
from inspections.review.answers import decide
from tests import cast
from tests.cast import a_camera, signed_in, with_key
from tests.gates import a_snapshot
from tests.histories import defined, differences, kept
from tests.judged import CLASSES, a_capture, a_judgement, a_version, failed
from tests.provisional import NEW, a_new_class, begin, confirmed, embedding, known, marked, seen, snags, told
from workers import naming, prototyping
from workers.measuring import _classes
from workers.recording import record

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def boss(mara: Person) -> Client:
    """The manager's browser, in a mill whose people have labelled good, hole and cut."""
    begin()
    known(mara)
    return signed_in(mara)


def verdict_of(capture: Capture) -> Verdict:
    return Verdict.objects.select_related("defect_class", "model_class").get(capture=capture, effective=True)


def taken_back(client: Client, reason: str = "It was oil") -> Any:
    return client.post("/classes/snag/take-back/", {"reason": reason})


def counted_right() -> None:
    assert kept() == defined()
    assert differences() == []


# --- from examples to a class ---------------------------------------------------------------------------------------


def test_look_alikes_are_shown_at_once_with_an_estimated_precision_and_the_effect_on_old_classes(boss: Client) -> None:
    alike = snags(3)
    marked(boss, snags(5))
    page = boss.get(NEW)
    found = page.context["found"]
    assert found.objection == ""
    assert {one.capture.pk for one in found.alike if one.inside} == {one.pk for one in alike}
    assert [(one.code, one.before, one.after) for one in found.effects] == [
        (c, 1.0, 1.0) for c in ("good", "cut", "hole")
    ]
    text = page.content.decode()
    for words in ("Estimated precision", "100 %", "Look-alikes of the last 30 days", "18 labelled captures instead"):
        assert words in text


def test_a_confirmed_class_names_and_flags_new_captures_without_training(boss: Client, mara: Person) -> None:
    examples = snags(5)
    one = a_new_class(boss, examples)
    assert one.stage == Stage.STANDS and one.defect_class.provisional and one.defect_class.active  # type: ignore[union-attr]
    assert {(row.answer, row.how) for row in Label.objects.filter(capture__in=examples)} == {("snag", How.BULK)}

    sixth = seen("snag")
    said = verdict_of(sixth)
    assert (said.label, said.flagged, said.is_provisional, said.model_class.code) == ("snag", True, True, "good")  # type: ignore[union-attr]
    assert sixth.flagged and sixth.defect_class == one.defect_class
    assert (sixth.anomaly_score, sixth.severity) == (0.01, 1.0)  # not last in the queue for a score of good cloth
    assert ReviewItem.objects.open().filter(capture=sixth).exists()
    assert said.evidence.probabilities
    api = with_key(a_camera()).get(f"/api/v1/captures/{sixth.pk}/").json()["verdict"]
    assert (api["label"], api["provisional"], api["flagged"]) == ("snag", True, True)
    assert max(api["probabilities"], key=api["probabilities"].get) == "good"
    counted_right()


def test_old_classes_are_judged_as_before_and_what_was_judged_is_not_rewritten(boss: Client) -> None:
    before = snags(2)
    a_new_class(boss, snags(5))
    hole = seen("hole", "hole", 0.95)
    assert (verdict_of(hole).label, verdict_of(hole).is_provisional) == ("hole", False)
    assert not verdict_of(seen("good")).flagged
    assert {verdict_of(one).label for one in before} == {"good"}
    counted_right()


def test_accepted_look_alikes_are_labelled_too_and_rejected_ones_are_not(boss: Client) -> None:
    yes, no = snags(2)
    marked(boss, snags(5))
    boss.post(NEW, {"do": "keep", **told(), f"role-{yes.pk}": "yes", f"role-{no.pk}": "no"})
    found = boss.get(NEW).context["found"]
    assert (found.precision.right, found.precision.wrong) == (6, 1)
    assert confirmed(boss).status_code == 302
    assert list(Label.objects.filter(capture__in=[yes, no]).values_list("capture_id", flat=True)) == [yes.pk]


def test_a_draft_survives_until_it_is_dropped_and_is_its_makers_alone(boss: Client, mara: Person) -> None:
    marked(boss, snags(3))
    boss.post(NEW, {"do": "keep", **told("Pulled loop")})
    again = signed_in(mara).get(NEW)
    assert "Pulled loop" in again.content.decode() and len(again.context["found"].seen) == 3
    assert signed_in(cast.ada()).get(NEW).context["draft"] is None
    boss.post(NEW, {"do": "drop"})
    assert boss.get(NEW).context["draft"] is None
    assert Label.objects.filter(defect_class__code="pulled_loop").count() == 0


def test_it_is_marked_as_provisional_wherever_its_name_stands(boss: Client) -> None:
    a_new_class(boss, snags(5))
    sixth = seen("snag")
    for address in (f"/captures/{sixth.pk}/", "/flagged/", "/queue/grid/", "/queue/", "/lines/loom-1/"):
        assert "Snag (provisional)" in boss.get(address).content.decode(), address
    card = boss.get("/classes/").content.decode()
    assert "Provisional" in card and "Take it back" in card


def test_it_holds_on_its_lines_alone_and_for_its_scale_alone(boss: Client) -> None:
    a_new_class(boss, snags(5, mm_per_px=0.1))
    assert verdict_of(seen("snag", camera=a_camera("loom-2"))).label == "good"
    assert verdict_of(seen("snag", mm_per_px=0.2)).label == "good"
    assert verdict_of(seen("snag", mm_per_px=0.1)).label == "snag"


def test_what_the_network_calls_critical_stays_that(boss: Client) -> None:
    a_new_class(boss, snags(5))
    assert verdict_of(seen("snag", "metal_contamination", 0.9)).label == "metal_contamination"


def test_what_cannot_be_seen_is_named_by_nobody(boss: Client) -> None:
    a_new_class(boss, snags(5))
    assert verdict_of(seen("snag", "unknown", 0.9, warnings=("dark",))).label == "unknown"
    assert verdict_of(seen("snag", "unknown", 0.9, warnings=("unfamiliar",))).label == "snag"


# --- what is refused, with the figures ------------------------------------------------------------------------------


def objection(client: Client, captures: list[Capture]) -> str:
    """What the page says of this draft; nothing of it can be confirmed."""
    response = marked(client, captures)
    if response.status_code == 409:
        found: str = response.context["objection"]
        return found
    said: str = client.get(NEW).context["found"].objection
    assert confirmed(client).status_code == 409
    assert not DefectClass.objects.filter(code="snag").exists()
    return said


def test_fewer_than_three_examples(boss: Client) -> None:
    assert "2 of at least 3" in objection(boss, snags(2))


def test_examples_that_are_each_others_opposites(boss: Client) -> None:
    said = objection(boss, [seen(kind) for kind in ("snag", "good", "hole", "cut", "snag")])
    assert "good captures lie as near" in said and "from the mean of the others" in said
    assert any(letter.isdigit() for letter in said)


def test_examples_among_the_good_ones(boss: Client) -> None:
    said = objection(boss, [seen("good") for _ in range(5)])
    assert "good captures lie as near" in said or "would be found" in said


def test_examples_of_another_scale(boss: Client) -> None:
    other = snags(2, camera=a_camera("loom-2", mm_per_px=0.25))
    said = objection(boss, [*snags(3, mm_per_px=0.1), *other])
    assert "loom-1/left 0.100" in said and "loom-2/left 0.250" in said


def test_examples_that_the_model_in_force_did_not_judge(boss: Client) -> None:
    old = a_version("2026.10.1", is_default=False, state=State.RETIRED)
    said = objection(boss, [*snags(3), *snags(2, version=old)])
    assert "3 of 5 captures have an embedding" in said


def test_captures_that_are_no_examples(boss: Client, mara: Person) -> None:
    good = seen("snag")
    decide(mara, good, "good", timezone.now())
    said = objection(boss, [good, failed(a_camera()), a_capture(a_camera()), *snags(2)])
    for words in ("5 captures", "1 is labelled good", "1 could not be judged", "1 was not judged yet"):
        assert words in said


def test_a_capture_that_is_asked_blind(boss: Client, mara: Person) -> None:
    asked = seen("snag", "hole", 0.9)
    ReviewItem.objects.filter(capture=asked).update(blind=True, holder=mara)
    assert "asked about one of these" in objection(boss, [asked])


def test_a_thousand_captures(boss: Client) -> None:
    response = boss.post(f"{NEW}mark/", {"captures": ",".join(str(uuid4()) for _ in range(1000))})
    assert (response.status_code, "1000 captures are too many" in response.context["objection"]) == (409, True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Hole", "There is a class"),
        ("cut", "There is a class"),
        ("unknown", "no class's name"),
        ("!!", "no class's name"),
        ("", "Give the class a name"),
        ("Oil", "retired"),
    ],
)
def test_a_name_that_cannot_be_given(boss: Client, name: str, words: str) -> None:
    DefectClass.objects.create(code="oil", name="Oil", active=False)
    marked(boss, snags(5))
    response = confirmed(boss, name=name)
    assert response.status_code == 409
    assert words in response.context["objection"]
    assert ProvisionalClass.objects.get().stage == Stage.DRAFT


def test_labels_that_changed_since_the_page_was_seen(boss: Client, mara: Person) -> None:
    examples = snags(5)
    marked(boss, examples)
    boss.post(NEW, {"do": "keep", **told()})
    stamp = boss.get(NEW).context["found"].stamp
    decide(cast.olga(), examples[0], "cut", timezone.now())
    response = boss.post(NEW, {"do": "confirm", "seen": stamp, **told()})
    assert (response.status_code, "figures have changed" in response.context["objection"]) == (409, True)


def test_a_class_that_would_cost_an_old_one_more_than_a_point_of_recall(boss: Client, mara: Person) -> None:
    near = [("hole", f"R{number}", seen("snag", "hole", 0.9, noise=0.0)) for number in range(4)]
    a_snapshot(mara, near, "golden", name="G1", purpose="golden")
    said = objection(boss, snags(5))
    assert "would be found" in said or "recall" in said
    assert boss.get(NEW).context["found"].golden == "G1"


def test_the_golden_set_is_measured_where_it_stands(boss: Client, mara: Person) -> None:
    rows = [(code, f"{code}-{n}", seen(code, code, 0.9)) for code in ("good", "hole") for n in range(3)]
    a_snapshot(mara, [*rows, ("cut", "R9", a_capture(a_camera()))], "golden", name="G1", purpose="golden")
    marked(boss, snags(5))
    page = boss.get(NEW)
    assert "Golden set G1: 6 of 7 captures" in page.content.decode()
    assert {(one.code, one.images, one.lost) for one in page.context["found"].effects} == {
        ("good", 3, 0),
        ("hole", 3, 0),
    }


# --- who may --------------------------------------------------------------------------------------------------------


def test_an_operator_needs_the_right_and_has_it_on_their_own_lines(boss: Client) -> None:
    person = cast.olga()
    olga = signed_in(person)
    examples = snags(5)
    assert marked(olga, examples).status_code == olga.get(NEW).status_code == 403
    assert signed_in(cast.ada()).post("/classes/makers/", {"may": ["olga"]}).status_code == 302
    assert AuditEvent.objects.filter(action="may-make-classes", subject="person olga").count() == 1
    assert (
        "1 is no capture that you may see"
        in marked(olga, [seen("snag", camera=a_camera("loom-2"))]).context["objection"]
    )
    a_new_class(olga, examples)
    assert [line.slug for line in ProvisionalClass.objects.get().lines.all()] == ["loom-1"]
    seen("snag")
    decide(cast.otto(), seen("snag"), "snag", timezone.now())
    assert "1 labels of it are other people's" in taken_back(olga).context["objection"]


def test_two_who_confirm_the_same_name_at_once_make_one_class(boss: Client) -> None:
    other = signed_in(cast.ada())
    marked(boss, snags(5))
    marked(other, snags(5))
    for client in (boss, other):
        client.post(NEW, {"do": "keep", **told()})
    stamps = [client.get(NEW).context["found"].stamp for client in (boss, other)]
    answers = [
        client.post(NEW, {"do": "confirm", "seen": stamp, **told()}).status_code
        for client, stamp in zip((boss, other), stamps, strict=True)
    ]
    assert answers == [302, 409]
    assert ProvisionalClass.objects.filter(stage=Stage.STANDS).count() == 1


# --- taking it back -------------------------------------------------------------------------------------------------


def test_taking_it_back_leaves_nothing_of_it_but_the_flags_and_the_history(boss: Client, mara: Person) -> None:
    examples = snags(5)
    one = a_new_class(boss, examples)
    found = [seen("snag"), seen("snag", "unknown", 0.9, warnings=("unfamiliar",))]
    decide(mara, found[0], "snag", timezone.now())
    assert taken_back(boss).status_code == 302
    prototyping.work()
    one.refresh_from_db()
    assert one.stage == Stage.TAKEN_BACK and not one.defect_class.active  # type: ignore[union-attr]
    assert [(verdict_of(row).label, verdict_of(row).flagged) for row in found] == [("good", True), ("unknown", True)]
    assert not verdict_of(found[0]).is_provisional
    assert not Label.objects.standing().filter(defect_class=one.defect_class).exists()
    assert not Capture.objects.filter(defect_class=one.defect_class).exists()
    assert verdict_of(seen("snag")).label == "good"
    history = boss.get(f"/captures/{found[0].pk}/").content.decode()
    assert "that class was taken back" in history
    assert "took back" in history, history[history.index("History") :][:3000]
    told_of = AuditEvent.objects.filter(subject="class snag").values_list("action", flat=True).order_by("id")
    assert list(told_of) == ["class-from-examples", "class-taken-back", "class-removed"]
    counted_right()


def test_a_reason_is_asked_and_what_was_taken_back_stays_so(boss: Client) -> None:
    a_new_class(boss, snags(5))
    assert "Say why" in taken_back(boss, " ").context["objection"]
    taken_back(boss)
    assert "taken back already" in taken_back(boss).context["objection"]


def test_one_that_a_model_has_learnt_is_not_taken_back(boss: Client) -> None:
    a_new_class(boss, snags(5))
    a_version("2026.11.2", is_default=False, state=State.CANDIDATE, spec={"classes": [*CLASSES, "snag"]})
    assert "2026.11.2 has learnt it" in taken_back(boss).context["objection"]


def test_a_judge_that_is_at_it_while_the_class_is_taken_back_gives_it_to_nobody(
    boss: Client, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = a_new_class(boss, snags(5))
    look = naming.named

    def then_back(*args: Any) -> Any:
        found = look(*args)
        new_class.take_back(one, mara, timezone.now(), "meanwhile")
        return found

    monkeypatch.setattr("workers.naming.named", then_back)
    late = seen("snag")
    prototyping.work()
    assert (verdict_of(late).label, verdict_of(late).flagged) == ("good", False)
    counted_right()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_rollups_are_right_while_captures_are_judged_and_the_class_is_taken_back() -> None:
    mara = cast.mara()
    known(mara)
    client = signed_in(mara)
    a_new_class(client, snags(5))
    waiting = [a_capture(a_camera()) for _ in range(30)]
    raised: list[BaseException] = []

    def judge() -> None:
        try:
            for number, capture in enumerate(waiting):
                said = a_judgement("good", 0.01, embedding=embedding("snag", 900 + number))
                record(a_version(), [capture], [said], timezone.now())
        except BaseException as error:  # noqa: BLE001  raised again below
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=judge)
    thread.start()
    taken_back(client)
    prototyping.work()
    thread.join(60)
    prototyping.work()
    assert not raised, raised
    assert {verdict_of(one).label for one in waiting} == {"good"}
    counted_right()


# --- other versions -------------------------------------------------------------------------------------------------


def test_a_version_that_knows_it_makes_it_a_full_class_and_a_rollback_a_provisional_one(boss: Client) -> None:
    one = a_new_class(boss, snags(5))
    first = ModelVersion.objects.get(is_default=True)
    learnt = a_version("2026.11.2", is_default=False, state=State.CANDIDATE, spec={"classes": [*CLASSES, "snag"]})
    registry.put_in_force(learnt)
    one.refresh_from_db()
    assert one.stage == Stage.TRAINED and not DefectClass.objects.get(code="snag").provisional
    registry.put_in_force(first)
    assert DefectClass.objects.get(code="snag").provisional
    assert verdict_of(seen("snag", version=first)).label == "snag"


def test_a_version_that_does_not_know_it_gets_a_prototype_of_its_own_embeddings(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_new_class(boss, snags(5))
    newer = a_version("2026.11.2", is_default=False, state=State.CANDIDATE)
    for row in Verdict.objects.filter(effective=True).select_related("evidence"):  # its shadow has judged them all
        beside = Verdict.objects.create(
            capture=row.capture, version=newer, effective=False, defect_class=row.model_class, threshold=0.2,
            flagged=False, judged_at=row.judged_at, latency_ms=1,
        )  # fmt: skip
        turned = bytes(row.evidence.embedding)[2:] + bytes(row.evidence.embedding)[:2]
        evidence = row.evidence
        evidence.pk, evidence.verdict, evidence.embedding = None, beside, turned
        evidence.save(force_insert=True)
    monkeypatch.setattr("workers.prototyping.inspector_for", lambda version: object())
    registry.put_in_force(newer)
    assert new_class.is_work_left()
    prototyping.work()
    assert not new_class.is_work_left()
    capture = a_capture(a_camera())
    said = a_judgement("good", 0.01, embedding=np.roll(embedding("snag", 4711), -1))
    record(newer, [capture], [said], timezone.now())
    assert verdict_of(capture).label == "snag"


def test_a_challenger_that_lacks_a_provisional_class_lacks_nothing(boss: Client) -> None:
    a_new_class(boss, snags(5))
    found = _classes(a_version(), None)
    assert "snag" not in found["missing"]
