"""Judging an image in its four mirrorings."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ml import bundle  # noqa: E402
from ml.cli import main  # noqa: E402
from ml.networks import build  # noqa: E402


def test_mirrored_judging_says_the_same_of_a_mirrored_image_and_mirrors_its_map() -> None:
    torch.manual_seed(0)
    net = build("resnet8v1", 1, 3).eval()
    images = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        plain = net.explain(images)
        net.flips = True
        whole, mirrored = net.explain(images), net.explain(images.flip(3))
    assert not torch.allclose(plain[0], whole[0], atol=1e-4)
    assert torch.allclose(whole[0], mirrored[0], atol=1e-5) and torch.allclose(whole[2], mirrored[2], atol=1e-5)
    assert torch.allclose(whole[1].flip(3), mirrored[1], atol=1e-5)
    weights, bias = net.classifier.weight, net.classifier.bias
    assert torch.allclose(whole[1].mean(dim=(2, 3)) + bias, whole[0], atol=1e-5) and weights.shape == (3, 64)


def test_a_bundle_says_that_it_judges_mirrored_and_its_graph_does(tmp_path: Path) -> None:
    words = ["train", "--drawn", "60", "--network", "resnet8v1", "--preset", "quick", "--epochs", "1", "--size", "32"]
    assert main([*words, "--flips", "--precision", "fp32", "--out", str(tmp_path / "flips")]) == 0  # parity is checked
    assert bundle.read(tmp_path / "flips").flips


def test_classes_that_may_not_be_mirrored_are_not_judged_mirrored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--drawn", "60", "--flips", "--fixed", "cut", "--out", str(tmp_path / "x")]
    assert main(words) == 2
    assert "cut may not be mirrored" in capsys.readouterr().err
