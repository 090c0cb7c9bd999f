"""A bundle whose classes are all defects: every image is flagged, and the heat-map shows which defect is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.inspector import Inspector, Item, Judgement
from tests.ml.bundles import tiny_bundle
from tests.ml.pictures import plain, with_hole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("steel") / "bundle"
    return tiny_bundle(made, classes=("crazing", "hole", "scratches"), says="crazing", large="tiles")


def judge(folder: Path, data: bytes, threshold: float | None = None) -> Judgement:
    answer = Inspector.load(folder, device="cpu").judge([Item(data, threshold=threshold)])[0]
    assert isinstance(answer, Judgement)
    return answer


@pytest.mark.parametrize("threshold", [None, 1.0, 1.5])
def test_every_image_is_flagged_whatever_the_threshold(folder: Path, threshold: float | None) -> None:
    found = judge(folder, plain(), threshold)
    assert (found.label, found.flagged, found.anomaly_score, found.warnings) == ("crazing", True, 1.0, ())


def test_the_heat_map_shows_the_class_against_the_others(folder: Path) -> None:
    found = judge(folder, with_hole(at=(16, 40), side=16))
    assert found.label == "hole"
    assert np.argwhere(found.heatmap == 255).tolist() == [[5, 2], [5, 3], [6, 2], [6, 3]]


def test_the_tile_that_is_surest_of_its_defect_decides(folder: Path) -> None:
    found = judge(folder, with_hole(size=(192, 128), at=(128, 64), side=64))
    assert found.label == "hole" and found.tiles is not None and found.tiles.worst == (128, 64, 64, 64)


def test_an_answer_that_is_no_number_has_no_score(tmp_path: Path) -> None:
    spoilt = tiny_bundle(tmp_path / "nan", classes=("crazing", "hole"), says="crazing", nan_above=220)
    found = judge(spoilt, plain(240))
    assert (found.label, found.flagged, found.anomaly_score) == ("unknown", True, None)
