from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ml.engines import CpuEngine  # noqa: E402
from ml.export import ParityError, check_parity, to_graph  # noqa: E402
from ml.networks import build, default_stem, parameters  # noqa: E402

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.15)


@pytest.mark.parametrize(
    ("name", "channels", "classes", "stem", "count"),
    [
        ("textile_resnet", 1, 6, "standard", 2_328_902),
        ("textile_resnet", 3, 6, "standard", 2_328_902 + 2 * 9 * 64),
        ("resnet18", 3, 1000, "standard", 11_689_512),
        ("resnet18", 3, 1000, "small", 11_689_512 - (49 - 9) * 3 * 64),
        ("resnet18", 1, 6, "standard", 11_689_512 - 2 * 49 * 64 - 994 * 513),
    ],
)
def test_parameter_counts_are_the_published_ones(name: str, channels: int, classes: int, stem: str, count: int) -> None:
    assert parameters(build(name, channels, classes, stem)) == count


def test_an_unknown_network_or_stem_is_refused() -> None:
    for name, stem in (("vgg", "standard"), ("resnet18", "huge")):
        with pytest.raises(ValueError, match="no network"):
            build(name, 1, 2, stem)


def test_the_small_stem_keeps_the_map_large_enough() -> None:
    assert default_stem("resnet18", 64) == "small" and default_stem("resnet18", 224) == "standard"
    net = build("resnet18", 1, 2, "small").eval()
    assert net.explain(torch.zeros(1, 1, 64, 64))[1].shape == (1, 2, 8, 8)


def test_the_mean_of_a_class_map_is_its_logit_without_the_bias() -> None:
    torch.manual_seed(0)
    net = build("textile_resnet", 3, 6).eval()
    logits, maps, embedding = net.explain(torch.rand(4, 3, 64, 64))
    assert torch.allclose(maps.mean(dim=(2, 3)) + net.classifier.bias, logits, atol=1e-5)
    assert embedding.shape == (4, 512)


@pytest.mark.parametrize("name", ["textile_resnet", "resnet18"])
def test_graph_and_network_agree_at_any_batch_size(name: str) -> None:
    torch.manual_seed(1)
    net = build(name, 3, 6, default_stem(name, 64)).eval()
    graph = to_graph(net, MEAN, STD, (64, 64, 3))
    images = np.random.default_rng(0).integers(0, 256, (7, 64, 64, 3), dtype=np.uint8)
    for count in (1, 2, 7):
        assert check_parity(net, MEAN, STD, graph, images[:count]) < 1e-4


def test_a_graph_of_another_network_fails_the_check(tmp_path_factory: pytest.TempPathFactory) -> None:
    torch.manual_seed(2)
    one, other = (build("textile_resnet", 1, 2).eval() for _ in range(2))
    graph = to_graph(one, (0.5,), (0.2,), (64, 64, 1))
    with pytest.raises(ParityError):
        check_parity(other, (0.5,), (0.2,), graph, np.full((2, 64, 64, 1), 90, dtype=np.uint8))
    path = tmp_path_factory.mktemp("graph") / "graph.onnx"
    path.write_bytes(graph)
    assert CpuEngine(path).device == "cpu"
