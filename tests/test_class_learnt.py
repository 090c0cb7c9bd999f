"""A class that five examples made is learnt by the next training: provisional before, full after, and back again.

Real images, posted, judged by the starter model and trained on: its head alone, on the embeddings that were kept.
"""

from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from inspections import changes, registry
from inspections.models import (
    Base,
    Capture,
    ClassPrototype,
    DefectClass,
    JobState,
    ModelVersion,
    Person,
    ProvisionalClass,
    Stage,
    TrainingRun,
    Verdict,
)
from inspections.review.answers import decide
from tests import cast
from tests.cast import encoded, signed_in
from tests.mill import posted
from tests.provisional import a_new_class
from tests.trainings import a_picture
from workers import assessing, changing, inspectors, training
from workers.judging import drain

pytestmark = pytest.mark.django_db
WHY = "It has learnt what the five examples showed."
ROLLS = 6


@pytest.fixture
def mara() -> Person:
    return cast.mara()


@pytest.fixture
def boss(mara: Person, settings: Any) -> Client:
    settings.TRAIN_LEAST_IMAGES = 2
    settings.TRAIN_NICE = 0  # a busy machine shall not hold the test up
    return signed_in(mara)


@pytest.fixture
def starter(settings: Any) -> ModelVersion:
    inspectors.forget()
    version = registry.add(settings.STARTER_BUNDLE, timezone.now())
    changes.install(version, None, timezone.now())
    return version


def a_snag(roll: int) -> bytes:
    """Cloth with pulled threads: dark bars right across, which the starter model has never been shown."""
    rng = np.random.default_rng([roll, 7])
    pixels = 130 + rng.normal(0, 10, (64, 64))
    pixels[(np.arange(64) // 4) % 2 == 0] -= 80
    return encoded(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


def judged(camera: Client, pictures: list[tuple[bytes, int]]) -> list[Capture]:
    captures = [posted(camera, data, roll=f"R{roll}") for data, roll in pictures]
    drain()
    for one in captures:
        one.refresh_from_db()
    return captures


def known(camera: Client, person: Person) -> None:
    """Good cloth and holes from six rolls, labelled."""
    codes = [code for _roll in range(ROLLS) for code in ("good", "good", "hole")]
    pictures = [(a_picture(code, number // 3, number % 3), number // 3) for number, code in enumerate(codes)]
    for capture, code in zip(judged(camera, pictures), codes, strict=True):
        decide(person, capture, code, timezone.now())


def newest(camera: Client, roll: int) -> Verdict:
    """What is said of one more snag."""
    capture = judged(camera, [(a_snag(roll), roll)])[0]
    return Verdict.objects.select_related("defect_class", "version").get(capture=capture, effective=True)


def trained(boss: Client, base: ModelVersion) -> ModelVersion:
    """The manager asks on the page; the worker trains."""
    order = {"base": Base.HEAD, "version": base.pk, "classes": ["good", "hole", "snag"]}
    assert boss.post("/training/", order).status_code == 302
    training.work()
    run = TrainingRun.objects.get()
    assert (run.state, run.reason) == (JobState.DONE, ""), run.log
    assert run.version is not None
    return run.version


def promoted(boss: Client, version: ModelVersion) -> None:
    """There is no golden set here: an admin lets it through, and the manager promotes it."""
    boss.post(f"/models/{version}/gate/ask/")
    assessing.work()
    signed_in(cast.ada()).post(f"/models/{version}/gate/override/", {"reason": WHY})
    answer = boss.post(f"/models/{version}/promote/", {"reason": WHY})
    assert answer.status_code == 302, answer.context["refused"]
    changing.work()
    assert registry.in_force() == version


def rolled_back(boss: Client, to: ModelVersion) -> None:
    assert boss.post("/models/rollback/", {"reason": "It calls too much so."}).status_code == 302
    changing.work()
    assert registry.in_force() == to


def provisional() -> tuple[bool, str]:
    return DefectClass.objects.get(code="snag").provisional, ProvisionalClass.objects.get().stage


@pytest.mark.any_database
def test_a_training_makes_it_a_full_class_and_a_rollback_a_provisional_one(
    boss: Client, mara: Person, posting: Client, starter: ModelVersion
) -> None:
    known(posting, mara)
    a_new_class(boss, judged(posting, [(a_snag(roll), roll) for roll in range(5)]))
    before = newest(posting, ROLLS)
    assert (before.label, before.prototype is not None) == ("snag", True)
    assert provisional() == (True, Stage.STANDS)

    learnt = trained(boss, starter)
    assert (learnt.classes, learnt.parent) == (["good", "hole", "snag"], starter)
    assert provisional() == (True, Stage.STANDS), "a candidate judges nothing"

    promoted(boss, learnt)
    assert provisional() == (False, Stage.TRAINED)
    assert not ClassPrototype.objects.filter(version=learnt).exists()
    after = newest(posting, ROLLS + 1)
    assert (after.version, after.label, after.prototype) == (learnt, "snag", None)
    assert after.confidence is not None, "the network says so itself"

    rolled_back(boss, starter)
    assert provisional() == (True, Stage.STANDS)
    again = newest(posting, ROLLS + 2)
    assert (again.version, again.label, again.prototype) == (starter, "snag", before.prototype)
