from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torchvision.models import get_model_weights  # noqa: E402

from ml.engines import CpuEngine  # noqa: E402
from ml.export import ParityError, check_parity, to_graph  # noqa: E402
from ml.network_names import is_network  # noqa: E402
from ml.networks import Network, build, parameters  # noqa: E402

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.15)


ONE_OF_EACH = ("textile_resnet", "resnet18", "resnet34", "resnet50", "resnet20v1", "resnet29v2")


def on_paper(name: str, channels: int = 3, classes: int = 10, stem: str = "standard") -> Network:
    """A network without memory for its weights."""
    with torch.device("meta"):
        return build(name, channels, classes, stem)


@pytest.mark.parametrize(
    ("name", "channels", "classes", "stem", "count"),
    [
        ("textile_resnet", 1, 6, "standard", 2_328_902),
        ("textile_resnet", 3, 6, "standard", 2_328_902 + 2 * 9 * 64),
        ("resnet18", 3, 1000, "small", 11_689_512 - (49 - 9) * 3 * 64),
        ("resnet18", 3, 1000, "middle", 11_689_512 - (49 - 9) * 3 * 64),
        ("resnet18", 1, 6, "standard", 11_689_512 - 2 * 49 * 64 - 994 * 513),
    ],
)
def test_parameter_counts_are_the_published_ones(name: str, channels: int, classes: int, stem: str, count: int) -> None:
    assert parameters(on_paper(name, channels, classes, stem)) == count


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_torchvisions_networks_have_as_many_parameters_as_it_says(name: str) -> None:
    assert parameters(on_paper(name, 3, 1000)) == get_model_weights(name).DEFAULT.meta["num_params"]


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7"), (1202, "19.4")]
)
def test_v1_has_the_parameters_of_table_6_of_he_2015(depth: int, millions: str) -> None:
    count = parameters(on_paper(f"resnet{depth}v1"))
    assert f"{count / 1e6:.{len(millions.split('.')[1])}f}" == millions


@pytest.mark.parametrize(("depth", "millions"), [(164, "1.7"), (1001, "10.2")])
def test_v2_has_the_parameters_of_he_2016_which_leave_batch_norm_out(depth: int, millions: str) -> None:
    net = on_paper(f"resnet{depth}v2")
    count = sum(parameters(part) for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear))
    assert f"{count / 1e6:.1f}" == millions
    convolutions = sum(isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1) for part in net.modules())
    assert convolutions == 1 + (depth - 2) // 3  # the stem, and one 3x3 in each bottleneck of three


@pytest.mark.parametrize(
    ("name", "stem", "message"),
    [
        ("vgg", "standard", "use textile_resnet, resnet18, resnet34, resnet50, resnetNv1 for any N = 6n"),
        ("resnet18", "huge", "use standard, middle, small"),
        ("textile_resnet", "small", "use standard"),
        ("resnet20v1", "small", "use standard"),
        ("resnet21v1", "standard", "nearest: resnet20v1, resnet26v1"),
        ("resnet160v2", "standard", "nearest: resnet155v2, resnet164v2"),
        ("resnet2v1", "standard", "nearest: resnet8v1, resnet14v1"),
        ("resnet99998v1", "standard", "nearest: resnet1202v1"),
        ("resnet020v1", "standard", "no network"),
    ],
)
def test_a_network_that_there_is_not_is_refused_naming_what_there_is(name: str, stem: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(name, 1, 2, stem)
    assert is_network(name) == (stem != "standard" or name == "textile_resnet")


def test_every_stem_but_the_standard_keeps_the_map_of_a_small_image_large() -> None:
    for stem, side in (("small", 8), ("middle", 4), ("standard", 2)):
        net = build("resnet18", 1, 2, stem).eval()
        assert net.explain(torch.zeros(1, 1, 64, 64))[1].shape == (1, 2, side, side)


@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 7)])
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_mean_of_a_class_map_is_its_logit_without_the_bias(name: str, channels: int, classes: int) -> None:
    torch.manual_seed(0)
    net = build(name, channels, classes).eval()
    with torch.inference_mode():
        logits, maps, embedding = net.explain(torch.rand(2, channels, 40, 48))
    assert torch.allclose(maps.mean(dim=(2, 3)) + net.classifier.bias, logits, atol=1e-4)
    assert logits.shape == (2, classes) and embedding.shape == (2, net.embedding_size)


@pytest.mark.parametrize("name", ["resnet8v1", "resnet11v2"])
def test_a_network_learns_a_batch_by_heart(name: str) -> None:
    torch.manual_seed(0)
    net, images, targets = build(name, 1, 3), torch.rand(6, 1, 16, 16), torch.arange(6) % 3
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(images), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1
    assert all(part.grad is not None and bool(part.grad.any()) for part in net.parameters())


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("textile_resnet", "standard"),
        ("resnet18", "small"),
        ("resnet18", "middle"),
        ("resnet50", "standard"),
        ("resnet8v1", "standard"),
        ("resnet11v2", "standard"),
    ],
)
def test_graph_and_network_agree_at_any_batch_size(name: str, stem: str) -> None:
    torch.manual_seed(1)
    net = build(name, 3, 6, stem).eval()
    graph = to_graph(net, MEAN, STD, (32, 32, 3))
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    for count in (1, 2, 5):
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
