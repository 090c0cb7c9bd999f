from __future__ import annotations

import numpy as np
import pytest

from ml.metrics import auroc, average_precision, brier, confusion, ece, macro_f1, per_class

sklearn = pytest.importorskip("sklearn.metrics")
RNG = np.random.default_rng(3)
TRUTH = RNG.random(400) < 0.3
SCORES = np.round(RNG.random(400) * 0.7 + TRUTH * 0.3, 2)  # rounded, so that there are ties


def test_auroc_and_average_precision_agree_with_scikit_learn() -> None:
    assert auroc(TRUTH, SCORES) == pytest.approx(sklearn.roc_auc_score(TRUTH, SCORES))
    assert average_precision(TRUTH, SCORES) == pytest.approx(sklearn.average_precision_score(TRUTH, SCORES))


def test_macro_f1_agrees_with_scikit_learn() -> None:
    names = ("good", "cut", "hole")
    truth, said = (RNG.choice(names, 300).tolist() for _ in range(2))
    found = macro_f1(per_class(confusion(truth, said, names), names))
    assert found == pytest.approx(sklearn.f1_score(truth, said, average="macro"))


def test_without_one_side_there_is_no_auroc() -> None:
    assert auroc(np.zeros(3, dtype=bool), np.ones(3)) is None
    assert average_precision(np.zeros(3, dtype=bool), np.ones(3)) is None


def test_ece_is_the_gap_between_confidence_and_truth() -> None:
    assert ece(np.full(10, 0.8), np.arange(10) < 5) == pytest.approx(0.3)


def test_brier_runs_from_nothing_to_two() -> None:
    assert brier(np.array([[1.0, 0], [0, 1]]), np.array([0, 0])) == 1.0
