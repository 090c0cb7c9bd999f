"""The experiment: both arms begin alike, teaching is never told more than chance is, and the saving is told rightly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.cli import main
from ml.trial import Cloth, Plan, compare, saved
from tests.ml.test_enough import cloth


def test_both_arms_begin_alike_and_the_rarest_class_is_found_sooner_by_teaching() -> None:
    rows, labels, sources = cloth({"good": (12, 60), "hole": (9, 3), "cut": (9, 2)}, noise=0.1)
    found = compare(Cloth(rows, labels, sources), Plan(start=12, batch=6, budget=42, seeds=3))
    assert found["labels"] == [12, 18, 24, 30, 36, 42]
    arms = found["arms"]
    assert arms["teach"]["mean"][0] == arms["random"]["mean"][0]
    assert np.mean(found["difference"]["mean"][1:]) > 0.02
    assert all(low <= mean <= high for low, mean, high in zip(*(arms["teach"][k] for k in ("low", "mean", "high"))))  # noqa: B905


def test_what_is_saved_is_where_the_same_was_reached_first() -> None:
    chance, taught = np.array([0.4, 0.5, 0.6, 0.6]), np.array([0.4, 0.6, 0.7, 0.7])
    found = saved([100, 200, 300, 400], chance, taught)
    assert found[0] is None
    assert found[1] == pytest.approx(1 - 150 / 200)
    assert found[2] == pytest.approx(1 - 200 / 300)
    assert found[3] is None, "chance got no further"
    assert saved([100, 200], np.array([0.4, 0.5]), np.array([0.4, 0.45]))[1] is None


def test_too_few_images_are_refused_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "--out", str(tmp_path / "cloth"), "--rolls", "2", "--frames", "2"]) == 0
    manifest = str(tmp_path / "cloth" / "manifest.csv")
    assert main(["teaching-experiment", "--manifest", manifest]) == 2
    assert "too few" in capsys.readouterr().err


def test_the_command_writes_its_figures_and_a_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["draw", "--out", str(tmp_path / "cloth"), "--rolls", "12", "--frames", "4", "--size", "64"])
    told = ["--json", str(tmp_path / "f.json"), "--svg", str(tmp_path / "f.svg")]
    few = ["--seeds", "1", "--start", "8", "--batch", "8", "--budget", "24"]
    assert main(["teaching-experiment", "--manifest", str(tmp_path / "cloth" / "manifest.csv"), *few, *told]) == 0
    assert json.loads((tmp_path / "f.json").read_text())["labels"] == [8, 16, 24]
    assert "<polyline" in (tmp_path / "f.svg").read_text()
    assert "| 24 |" in capsys.readouterr().out
