"""The pages of trainings: accessible and whole in both themes, and one that is watched until it has ended."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections.models import Base, Insight, InsightKind, JobState, TrainingRun
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.cast import a_camera, signed_in
from tests.judged import a_version
from tests.labelled import a_mill_of_labels
from tests.trainings import a_training

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
LOOKS = [("light", 1280, 800), ("dark", 768, 1024)]
HISTORY = [
    {"run": part, "epoch": number, "loss": 2.0 / number, "macro_f1": 0.1 * number, "seconds": 1.5}
    for part in ("fold 1", "whole")
    for number in range(1, 6)
]


@pytest.fixture
def mara(transactional_db: None) -> Client:
    return signed_in(cast.mara())


def drifted() -> None:
    """A camera of each kind: much, some, and too few images."""
    measures = {
        name: {"n": 1800, "m": 1500, "psi": value, "beyond": value}
        for name, value in (("brightness", 0.61), ("focus", 0.14), ("anomaly_score", 0.02), ("entropy", 0.0))
    }
    few = {name: {"n": 1800, "m": 40, "psi": None, "beyond": None} for name in measures}
    left, right = a_camera(slug="left"), a_camera(slug="right")
    cameras = [{"camera": left.pk, "measures": measures}, {"camera": right.pk, "measures": few}]
    now = timezone.now()
    since = (now - timedelta(days=20)).isoformat()
    body = {"lines": [{"line": left.line_id, "version": "2026.11.1", "since": since, "cameras": cameras}]}
    Insight.objects.create(kind=InsightKind.DRIFT, asked_at=now, finished_at=now, state=JobState.DONE, body=body)


def a_running_one() -> TrainingRun:
    return a_training(
        JobState.RUNNING, stage="training", epoch=5, epochs=8, batch=3, batches=9, share_done=0.5, eta_s=300.0,
        history=HISTORY, log="a line that is long " * 20, lease_until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_every_page_of_trainings_is_accessible_and_whole(
    opened: Open, mara: Client, complaints: list[str], theme: str, width: int, height: int
) -> None:
    a_mill_of_labels(cast.ada())
    drifted()
    version = a_version(spec={"classes": ["good", "hole"]})
    failed = a_training(JobState.FAILED, reason="fewer than 2 sources", base=Base.ACTIVE, base_version=version)
    done = a_training(JobState.DONE, version=version, history=HISTORY)
    page = opened("/training/", mara, color_scheme=theme, viewport={"width": width, "height": height})
    running = a_running_one()
    wrong = []
    addresses = ("/training/", *(f"/training/{run.pk}/" for run in (failed, done, running)))
    for address in (None, *addresses, f"/training/{running.pk}/cancel/"):
        if address:
            page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
    assert wrong == []
    assert unexpected(complaints) == []


def test_the_form_shows_what_goes_with_the_chosen_start(opened: Open, mara: Client) -> None:
    a_version(spec={"classes": ["good"], "network": "textile_resnet"})
    page = opened("/training/", mara)
    expect(page.get_by_label("Network", exact=True)).to_be_hidden()
    page.get_by_label("From scratch").check()
    expect(page.get_by_label("Network", exact=True)).to_be_visible()
    expect(page.get_by_label("Version", exact=True)).to_be_hidden()
    page.get_by_label("From a version’s weights").check()
    expect(page.get_by_label("Recipe", exact=True)).to_be_visible()


def test_a_training_is_watched_until_it_has_ended(opened: Open, mara: Client) -> None:
    run = a_running_one()
    page = opened(f"/training/{run.pk}/", mara)
    expect(page.locator(".training-share")).to_have_text("50 %")
    page.get_by_text("As a table").click()
    TrainingRun.objects.update(share_done=0.75)
    expect(page.locator(".training-share")).to_have_text("75 %")
    expect(page.get_by_role("columnheader", name="Loss")).to_be_visible()
    TrainingRun.objects.update(state=JobState.FAILED, reason="the disk was full", finished_at=timezone.now())
    expect(page.get_by_role("alert").filter(has_text="The disk was full")).to_be_visible()
