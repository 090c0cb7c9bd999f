"""`/training/` and a training's own page: who may ask, what the form keeps, and each state in words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inspections.models import AuditEvent, Base, JobState, ModelVersion, Quarantine, TrainingRun
from inspections.pages.curves import charts
from inspections.pages.durations import duration_words
from tests import cast
from tests.cast import signed_in
from tests.judged import a_version
from tests.labelled import a_mill_of_labels, labelled
from tests.mill import install
from tests.trainings import a_training

pytestmark = pytest.mark.django_db
SENT = {"base": "scratch", "network": "resnet20v1", "preset": "quick", "classes": ["hole"]}
HISTORY = [
    {"run": "train", "epoch": number, "loss": 2.0 / number, "macro_f1": 0.2 * number, "seconds": 1.5}
    for number in (1, 2, 3)
]


@pytest.fixture(autouse=True)
def few_are_enough(settings: Any) -> None:
    settings.TRAIN_LEAST_IMAGES = 2


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


# --- the form ---------------------------------------------------------------------------------------------------


def test_an_empty_mill_says_what_to_do(mara: Client) -> None:
    text = text_of(mara, "/training/")
    assert "None yet. Label images of at least two classes" in text
    assert "Nothing was trained here yet." in text


def test_the_form_counts_what_trains_and_what_validates_and_chooses_the_classes_that_have_enough(mara: Client) -> None:
    a_mill_of_labels(cast.ada(), rolls=6)
    choices = {one.code: one for one in mara.get("/training/").context["choices"]}
    assert {code for code, one in choices.items() if one.chosen} == {"good", "hole"}
    assert (choices["hole"].images.train, choices["hole"].images.val) == (4, 1)  # one roll of the six is golden
    assert choices["cut"].few


def test_the_button_says_what_is_missing_until_something_could_be_trained(mara: Client) -> None:
    ada = cast.ada()

    def missing() -> str:
        text = text_of(mara, "/training/")
        is_off = 'id="start" type="submit" aria-disabled="true" aria-describedby="not-yet"' in text
        assert is_off == ('id="not-yet"' in text)
        return str(mara.get("/training/").context["not_yet"])

    assert missing() == "No image is labelled yet that could train: at least 2 of “good” and of one defect."
    assert mara.post("/training/", SENT).status_code == 409
    for _image in range(2):
        labelled(ada, "hole", "R0")
    assert missing() == "Too few images of “good” are labelled: a training needs 2 of each class."
    for _image in range(2):
        labelled(ada, "good", "R0")
    assert missing() == "Nothing to validate on: label images of a second roll, or of a second camera or hour."
    a_mill_of_labels(ada)
    assert missing() == ""
    assert mara.post("/training/", SENT).status_code == 302


def test_good_images_alone_train_nothing(mara: Client) -> None:
    ada = cast.ada()
    for number in range(6):
        labelled(ada, "good", f"R{number % 3}")
    assert "Too few images of any defect are labelled: a training needs 2 of one at least." in text_of(
        mara, "/training/"
    )


def test_a_form_becomes_a_training_that_its_page_shows(mara: Client) -> None:
    a_mill_of_labels(cast.ada())
    response = mara.post("/training/", {**SENT, "epochs": "7"}, follow=True)
    run = TrainingRun.objects.get()
    assert response.redirect_chain == [(f"/training/{run.pk}/", 302)]
    assert (run.base, run.network, run.preset, run.knobs) == (Base.SCRATCH, "resnet20v1", "quick", {"epochs": 7})
    assert run.snapshot.classes == ["good", "hole"]
    assert "It waits for the training worker" in response.content.decode()
    assert f"Training {run.pk} is waiting" in text_of(mara, "/training/")


def test_start_pressed_twice_leads_to_the_one_training(mara: Client) -> None:
    a_mill_of_labels(cast.ada())
    first, second = mara.post("/training/", SENT), mara.post("/training/", SENT)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"] == f"/training/{TrainingRun.objects.get().pk}/"


def test_while_one_is_under_way_the_page_moves_also_after_a_refusal(mara: Client) -> None:
    assert 'hx-get="/training/"' not in text_of(mara, "/training/")
    run = a_training(JobState.WAITING)
    refused = mara.post("/training/", SENT)
    assert refused.status_code == 409
    assert 'hx-get="/training/"' in refused.content.decode()
    assert f"Training {run.pk} is waiting" in refused.content.decode()
    TrainingRun.objects.update(state=JobState.RUNNING)
    moved = mara.get("/training/", headers={"HX-Request": "true"})
    assert (moved.status_code, f"Training {run.pk} is running" in moved.content.decode()) == (200, True)
    TrainingRun.objects.update(state=JobState.FAILED)
    ended = mara.get("/training/", headers={"HX-Request": "true"})
    assert (ended.status_code, 'id="start"' in ended.content.decode()) == (286, True)


def test_going_on_from_a_version_takes_its_network_its_size_and_the_usual_recipe(mara: Client, tmp_path: Path) -> None:
    version = install(tmp_path)
    a_mill_of_labels(cast.ada())
    ModelVersion.objects.filter(pk=version.pk).update(spec={**version.spec, "network": "resnet20v1"})
    sent = {**SENT, "base": "active", "version": version.pk, "network": "resnet18", "preset": "", "size": "128"}
    mara.post("/training/", sent)
    run = TrainingRun.objects.get()
    assert (run.base, run.base_version) == (Base.ACTIVE, version)
    assert (run.network, run.preset, run.knobs) == ("resnet20v1", "refresh", {})


def test_a_refusal_comes_back_in_words_with_the_form_as_it_was(mara: Client) -> None:
    response = mara.post("/training/", {**SENT, "epochs": "7"})
    text = response.content.decode()
    assert response.status_code == 409
    assert "Not started." in text
    assert "No labelled image is free to train on" in text
    assert 'name="epochs" value="7"' in text
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"base": ""}, "This field is required"),
        ({"network": "resnet9000"}, "Select a valid choice"),
        ({"epochs": "0"}, "greater than or equal to 1"),
        ({"classes": ["nonsense"]}, "Select a valid choice"),
    ],
)
def test_what_no_form_would_send_is_told_at_its_field(mara: Client, sent: dict[str, Any], words: str) -> None:
    response = mara.post("/training/", {**SENT, **sent})
    assert response.status_code == 400
    assert words in response.content.decode()


def test_a_quarantine_can_be_tried_from_its_address(mara: Client) -> None:
    ada = cast.ada()
    a_mill_of_labels(ada)
    tried = Quarantine.objects.create(person=cast.olga(), reason="in her first week", by=ada, at=timezone.now())
    assert "in her first week" in text_of(mara, f"/training/?without={tried.pk}")
    mara.post("/training/", {**SENT, "without": tried.pk})
    assert TrainingRun.objects.get().why == f"button, without quarantine {tried.pk}"


@pytest.mark.parametrize("query", ["again=999", "again=x", "without=7", "without=-1"])
def test_an_address_that_names_nothing_is_not_found(mara: Client, query: str) -> None:
    text_of(mara, f"/training/?{query}", 404)


def test_trying_again_fills_the_form_as_it_was(mara: Client) -> None:
    run = a_training(JobState.FAILED, network="resnet20v1", preset="cloth", knobs={"epochs": 3})
    form = mara.get(f"/training/?again={run.pk}").context["form"]
    assert [form[name].value() for name in ("base", "network", "preset", "epochs")] == [
        "scratch", "resnet20v1", "cloth", 3,
    ]  # fmt: skip


def test_the_list_costs_the_same_however_many_there_are(mara: Client, django_assert_max_num_queries: Any) -> None:
    for _number in range(30):
        a_training(JobState.DONE, version=None)
    with django_assert_max_num_queries(28):
        text_of(mara, "/training/")


# --- one training -----------------------------------------------------------------------------------------------


def test_while_it_runs_it_says_how_far_it_is_and_is_polled(mara: Client) -> None:
    run = a_training(
        JobState.RUNNING, stage="training", epoch=2, epochs=5, batch=7, batches=9, share_done=0.34, eta_s=200.0,
        history=HISTORY, log="said <b>this</b>\n",
    )  # fmt: skip
    text = text_of(mara, f"/training/{run.pk}/")
    for words in ("34 %", "2 of 5", "7 of 9", "about 3 min", "said &lt;b&gt;this", 'hx-trigger="every 1s', "Cancel…"):
        assert words in text
    etag = mara.get(f"/training/{run.pk}/", headers={"HX-Request": "true"})["ETag"]
    again = mara.get(f"/training/{run.pk}/", headers={"HX-Request": "true", "If-None-Match": etag})
    assert again.status_code == 304


def test_once_it_has_ended_it_is_polled_no_more(mara: Client) -> None:
    run = a_training(
        JobState.DONE, version=a_version(spec={"classes": ["good"], "metrics": {"held_out": {"macro_f1": 0.9}}})
    )
    text = text_of(mara, f"/training/{run.pk}/")
    assert "It made a candidate" in text
    assert "0.900" in text
    assert "hx-trigger" not in text
    assert mara.get(f"/training/{run.pk}/", headers={"HX-Request": "true"}).status_code == 286


def test_a_failure_says_why_with_the_end_of_the_log_and_offers_another_try(mara: Client) -> None:
    run = a_training(JobState.FAILED, reason="fewer than 2 sources in class hole", log="Reading\n")
    text = text_of(mara, f"/training/{run.pk}/")
    assert "Fewer than 2 sources in class hole" in text
    assert f'href="/training/?again={run.pk}"' in text


def test_a_worker_that_is_gone_is_told(mara: Client) -> None:
    run = a_training(JobState.RUNNING, lease_until=timezone.now() + timedelta(seconds=20))
    assert "Its worker is gone" not in text_of(mara, f"/training/{run.pk}/")
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert "Its worker is gone" in text_of(mara, f"/training/{run.pk}/")


def test_nobody_comes_for_it(mara: Client) -> None:
    run = a_training(asked_at=timezone.now() - timedelta(minutes=1))
    assert "Is a training worker running?" in text_of(mara, f"/training/{run.pk}/")


def test_a_class_that_nothing_validates_is_not_measured(mara: Client) -> None:
    run = a_training()
    run.snapshot.counts = {"train": {"good": 4, "hole": 4}, "val": {"good": 1}}
    run.snapshot.save()
    text = text_of(mara, f"/training/{run.pk}/")
    assert "not measured" in text
    assert '<th scope="row">Hole</th>' in text  # by its name, not its code


def test_cancelling_is_asked_for_twice(mara: Client) -> None:
    run = a_training(JobState.RUNNING)
    assert "Cancel the training" in text_of(mara, f"/training/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.state == JobState.RUNNING
    response = mara.post(f"/training/{run.pk}/cancel/", follow=True)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLING
    assert "It is being ended" in response.content.decode()
    assert AuditEvent.objects.get().action == "cancel-training"


def test_operators_have_no_part_in_it() -> None:
    run, olga = a_training(), signed_in(cast.olga())
    for address in ("/training/", f"/training/{run.pk}/", f"/training/{run.pk}/cancel/"):
        text_of(olga, address, 403)
    assert olga.post("/training/", SENT).status_code == 403
    assert olga.post(f"/training/{run.pk}/cancel/").status_code == 403


# --- curves and words -------------------------------------------------------------------------------------------


def test_curves_grow_into_the_planned_epochs_a_line_for_each_part() -> None:
    loss, f1 = charts([{**one, "run": "fold 1"} for one in HISTORY] + HISTORY[:1], 5)
    assert [(one.part, one.line, one.is_last) for one in loss.curves] == [
        ("fold 1", "M0 0L250 500L500 667", False),
        ("train", "M0 0", True),
    ]
    assert (loss.top, f1.top, f1.latest) == ("2", "1", "0.200")
    assert [one.name for one in charts([{"run": "whole", "epoch": 1, "loss": 0.3}], 1)] == ["Loss"]
    assert charts([], 5) == []


def test_a_last_layer_is_tried_and_has_no_epochs() -> None:
    (loss, _f1), (epochs, _other) = charts(HISTORY, 5, of_tries=True), charts(HISTORY, 5)
    assert (loss.first, loss.words) == ("try 1", "Loss over 3 tries; the latest is 0.667.")
    assert (epochs.first, epochs.words) == ("epoch 1", "Loss over 3 epochs; the latest is 0.667.")


@pytest.mark.parametrize("address", ["/training/", "/snapshots/", "/recalls/", "/teach/", "/quarantine/"])
def test_the_header_says_that_it_is_about_models(mara: Client, address: str) -> None:
    assert '<a href="/models/" aria-current="true">' in text_of(mara, address)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1 h 30 min"), (200_000, "2 d 8 h")],
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
