from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ml.calibrate import softmax
from ml.intervals import interval
from ml.judged import Judged, figures
from ml.weighted import share

CLASSES = ("good", "cut", "hole")


def some(count: int = 300, sources: int = 30, skill: float = 2.0, classes: tuple[str, ...] = CLASSES) -> Judged:
    """Answers of a model of some skill; images of one source follow each other."""
    rng = np.random.default_rng(7)
    targets = rng.integers(0, len(classes), count)
    logits = rng.normal(0, 1, (count, len(classes)))
    logits[np.arange(count), targets] += skill
    chances = softmax(logits)
    return Judged(
        classes=classes,
        truth=[classes[index] for index in targets],
        said=[classes[index] for index in chances.argmax(axis=1)],
        flagged=chances[:, 0] < 0.6,
        probabilities=chances,
        groups=[f"strip-{row * sources // count}" for row in range(count)],
        names=[f"{row}.png" for row in range(count)],
    )


def test_the_figures_agree_with_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    judged = some()
    found = figures(judged)
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(judged.truth, judged.said))
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(judged.truth, judged.said, average="macro"))
    assert found["auroc"] == pytest.approx(sklearn.roc_auc_score(judged.positive, judged.score))
    assert found["average_precision"] == pytest.approx(sklearn.average_precision_score(judged.positive, judged.score))
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(judged.truth, judged.said, labels=CLASSES)
    for index, name in enumerate(CLASSES):
        part = found["per_class"][name]
        assert [part["precision"], part["recall"], part["f1"]] == pytest.approx(
            [precision[index], recall[index], f1[index]]
        )
        assert part["support"] == support[index]


def test_every_figure_lies_in_its_interval() -> None:
    found = figures(some())
    for name, ends in found["interval"].items():
        if ends:
            assert ends[0] <= found[name] <= ends[1], name
    for part in found["per_class"].values():
        assert part["interval"]["f1"][0] < part["f1"] < part["interval"]["f1"][1]


def test_a_second_run_gives_the_same_intervals() -> None:
    assert figures(some())["interval"] == figures(some())["interval"]


def test_images_of_one_source_are_no_new_evidence() -> None:
    judged = some(sources=20, skill=0.5)
    copied = replace(
        judged,
        truth=[*judged.truth] * 10,
        said=[*judged.said] * 10,
        flagged=np.tile(judged.flagged, 10),
        probabilities=np.tile(judged.probabilities, (10, 1)),
        groups=[*judged.groups] * 10,
    )
    assert figures(copied)["interval"]["accuracy"] == pytest.approx(figures(judged)["interval"]["accuracy"])


def test_an_interval_over_sources_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        each = np.repeat(rng.beta(4, 2, 40), 10)  # every source has its own rate; the mean rate is 2/3
        right = rng.random(400) < each
        groups = [str(row // 10) for row in range(400)]
        ends = interval(lambda weights, right=right: share(weights, right), groups, draws=200)
        assert ends is not None
        covered += bool(ends[0] <= 2 / 3 <= ends[1])
    assert 0.9 <= covered / 200 <= 0.99


def test_one_source_alone_has_no_interval_and_neither_have_images_of_unknown_source() -> None:
    for judged in (replace(some(), groups=["a"] * 300), replace(some(), groups=[])):
        found = figures(judged)
        assert found["interval"]["accuracy"] is None and found["per_class"]["cut"]["interval"]["f1"] is None
        assert found["accuracy"] > 0


def test_unknown_counts_as_wrong_but_not_for_the_top_class() -> None:
    judged = some()
    found = figures(replace(judged, said=["unknown"] * 150 + list(judged.said[150:])))
    assert found["unknown_rate"] == 0.5
    assert found["accuracy"] < found["accuracy_top_class"] == figures(judged)["accuracy"]
    assert found["macro_f1"] < found["macro_f1_top_class"]


def test_answers_without_numbers_count_as_unknown_and_as_defects() -> None:
    chances = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]])
    said, flagged = ["good", "unknown", "hole"], np.array([0, 1, 1]) > 0
    found = figures(Judged(("good", "hole"), ["good", "hole", "hole"], said, flagged, chances, ["a", "b", "c"]))
    assert found["unknown_rate"] == pytest.approx(1 / 3)
    assert found["escape_rate"] == 0 and found["auroc"] == 1
    assert found["confusion"]["counts"] == [[1, 0, 0], [0, 1, 1]]


def test_a_model_that_answers_no_numbers_at_all_is_all_unknown() -> None:
    judged = some(30)
    silent = replace(
        judged, said=["unknown"] * 30, flagged=np.ones(30, dtype=bool), probabilities=np.full((30, 3), np.nan)
    )
    found = figures(silent)
    assert found["unknown_rate"] == 1 and found["accuracy"] == 0 and found["overkill"] == 1
    assert found["ece"] is None and found["brier"] is None and found["auroc"] == 0.5


def test_a_model_without_good_has_classes_but_no_escapes() -> None:
    found = figures(some(classes=("crazing", "patches", "scratches")))
    assert found["macro_f1"] > 0.5 and found["interval"]["macro_f1"]
    for name in ("auroc", "average_precision", "escape_rate", "overkill"):
        assert found[name] is None and found["interval"][name] is None


def test_a_class_without_images_counts_nowhere() -> None:
    judged = some()
    wider = replace(
        judged, classes=(*CLASSES, "thread"), probabilities=np.hstack([judged.probabilities, np.zeros((300, 1))])
    )
    found = figures(wider)
    assert found["macro_f1"] == figures(judged)["macro_f1"]
    thread = found["per_class"]["thread"]
    assert thread["support"] == 0 and thread["f1"] is thread["recall"] is thread["interval"]["f1"] is None


def test_a_rare_class_is_judged_by_the_draws_that_hold_it() -> None:
    judged = some(sources=10)
    truth = ["hole" if group == "strip-3" else "good" for group in judged.groups]
    found = figures(replace(judged, truth=truth, said=truth))
    assert found["per_class"]["hole"]["interval"]["precision"] == [1, 1]


def test_no_images_are_no_figures() -> None:
    found = figures(Judged(CLASSES, [], [], np.zeros(0, dtype=bool), np.empty((0, 3)), []))
    assert found["images"] == 0 and found["accuracy"] is None and found["macro_f1"] is None


def test_more_sources_make_narrower_intervals() -> None:
    widths = []
    for sources in (10, 40, 160):
        low, high = figures(some(count=sources * 10, sources=sources))["interval"]["accuracy"]
        widths.append(high - low)
    assert all(wide > narrow for wide, narrow in pairwise(widths))
