"""Patches of drawn cloth with planted faults, and the trunk that learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

import torch

from ml.networks import build
from ml.pretext import trunk
from ml.pretext.faults import FAULTS
from ml.pretext.patches import KINDS, planted
from ml.pretext.shapes import SIDE
from ml.refusal import DataError


def test_the_same_seed_plants_the_same_faults_of_every_kind() -> None:
    one, again, other = planted(300, 1), planted(300, 1), planted(300, 2)
    assert one.digest == again.digest != other.digest
    assert one.images.shape == (300, SIDE, SIDE, 1)
    assert all(count > 0 for count in one.counts().values()) and one.classes == KINDS


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_each_kind_of_fault_changes_the_cloth_and_stays_a_number(kind: str) -> None:
    cloth = (10 * np.sin(np.arange(SIDE) / 2)[None, :] * np.ones((SIDE, 1))).astype(np.float32)
    for seed in range(20):
        marred = FAULTS[kind](cloth, 40.0, np.random.default_rng(seed))
        assert marred.shape == cloth.shape and np.isfinite(marred).all()
        assert np.abs(marred - cloth).max() > 1


def test_a_line_along_the_warp_runs_down_and_one_along_the_weft_runs_across() -> None:
    flat = np.zeros((SIDE, SIDE), dtype=np.float32)
    for kind, axis in (("warp", 0), ("weft", 1)):
        spread = []
        for seed in range(30):
            marred = FAULTS[kind](flat, 50.0, np.random.default_rng(seed))
            spread.append((marred.sum(axis=axis).std(), marred.sum(axis=1 - axis).std()))
        across, along = np.mean(spread, axis=0)
        assert across > 2 * along


def test_a_kept_trunk_starts_networks_of_one_and_of_three_channels_alike(tmp_path: Path, monkeypatch: object) -> None:
    grey, colour = build("textile_resnet", 1, 4), build("textile_resnet", 3, 4)
    assert trunk.take(grey, "textile_resnet", "standard") == trunk.take(colour, "textile_resnet", "standard")
    images = torch.rand(2, 1, SIDE, SIDE)
    with torch.inference_mode():
        one, three = grey.eval().trunk(images), colour.eval().trunk(images.repeat(1, 3, 1, 1))
    assert torch.allclose(one, three, atol=1e-3)


def test_a_trunk_is_learnt_where_none_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trunk, "KEPT", tmp_path)
    monkeypatch.setattr(trunk, "PATCHES", 128)
    net = build("resnet8v1", 1, 3)
    before = [tensor.clone() for tensor in net.trunk.state_dict().values()]
    assert "just now" in trunk.take(net, "resnet8v1", "standard")
    assert not all(torch.equal(a, b) for a, b in zip(before, net.trunk.state_dict().values(), strict=True))


def test_a_damaged_trunk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trunk, "KEPT", tmp_path)
    (tmp_path / "resnet8v1-standard.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="holds no trunk of resnet8v1"):
        trunk.take(build("resnet8v1", 1, 3), "resnet8v1", "standard")


def test_a_trunk_that_was_kept_is_taken_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trunk, "KEPT", tmp_path)
    source, other = build("resnet8v1", 1, 3), build("resnet8v1", 1, 5)
    trunk.keep(source, trunk.place("resnet8v1", "standard"))
    assert [file.name for file in tmp_path.iterdir()] == ["resnet8v1-standard.safetensors"]
    trunk.take(other, "resnet8v1", "standard")
    pairs = zip(source.trunk.state_dict().values(), other.trunk.state_dict().values(), strict=True)
    assert all(torch.allclose(a.float(), b.float(), atol=1e-3) for a, b in pairs)
