from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save

from ml import bundle
from ml.bundle import BundleError
from ml.inspector import Inspector, Item, Judgement
from ml.learn import png
from ml.looks import looks
from ml.spec import LOOKS
from tests.ml.bundles import tiny_bundle
from tests.ml.test_novelty import cloth, noise


def with_looks(folder: Path, large: str = "resize", keep: bool = True) -> Path:
    """The tiny bundle, which knows the looks of some drawn rolls."""
    plain = tiny_bundle(folder / "plain", large=large, channels=1)
    spec = bundle.read(plain)
    tensors = load_file(plain / bundle.WEIGHTS)
    if keep:
        tensors[LOOKS] = looks(cloth(range(20)))
    wary = replace(spec, unknown=replace(spec.unknown, look_limit=6.0))
    bundle.write(folder / "wary", wary, save(tensors), (plain / bundle.GRAPH).read_bytes(), "")
    return folder / "wary"


def said(folder: Path, pixels: np.ndarray) -> Judgement:
    answer = Inspector.load(folder, device="cpu").judge([Item(png(pixels))])[0]
    assert isinstance(answer, Judgement)
    return answer


def test_what_does_not_look_like_the_training_cloth_is_unknown(tmp_path: Path) -> None:
    answer = said(with_looks(tmp_path), noise(1)[0])
    assert answer.label == "unknown" and answer.flagged and answer.warnings == ("unfamiliar",)


def test_cloth_like_that_of_training_is_judged(tmp_path: Path) -> None:
    assert said(with_looks(tmp_path), cloth(range(3, 4))[0]).warnings == ()


def test_one_odd_tile_of_many_is_no_other_cloth_but_most_of_them_are(tmp_path: Path) -> None:
    folder = with_looks(tmp_path, large="tiles")
    wide = np.asarray(Image.fromarray(np.tile(cloth(range(3, 4))[0, ..., 0], (4, 4))))[..., None].copy()
    wide[:64, :64] = noise(1)[0]
    assert said(folder, wide).warnings == ()
    wide[:, :200] = np.tile(noise(1)[0], (4, 4, 1))[:, :200]
    assert "unfamiliar" in said(folder, wide).warnings


def test_a_bundle_whose_looks_are_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"unknown\.looks is missing"):
        Inspector.load(with_looks(tmp_path, keep=False), device="cpu")
