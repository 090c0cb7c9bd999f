from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save, save_file  # noqa: E402
from torchvision.models import resnet18  # noqa: E402

from ml import bundle  # noqa: E402
from ml.networks import Network, build  # noqa: E402
from ml.pretrained import load_imagenet, load_trunk  # noqa: E402
from ml.refusal import DataError  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What torchvision's file looks like, with weights of nobody."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnet18-f37072fd.pth"
    torch.save(resnet18(weights=None).state_dict(), path)
    return path


def features_of_torchvision(path: Path, images: torch.Tensor) -> torch.Tensor:
    theirs = resnet18(weights=None)
    theirs.load_state_dict(torch.load(path, weights_only=True))
    theirs.fc = torch.nn.Identity()
    with torch.inference_mode():
        return theirs.eval()(images)


def embedding(net: Network, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return net.eval().explain(images)[2]


def write_bundle(folder: Path, tiny: Path, network: str, stem: str, channels: int) -> Network:
    """A bundle that holds a new network of six classes; its graph is of no interest here."""
    net = build(network, channels, 6, stem).eval()
    spec = bundle.read(tiny)
    shape = replace(spec.input, channels=channels)
    spec = replace(spec, network=network, stem=stem, input=shape, mean=(0.5,) * channels, std=(0.2,) * channels)
    bundle.write(folder, spec, save(net.state_dict()), b"graph")
    return net


def test_the_trunk_answers_what_torchvisions_answers(weights: Path) -> None:
    net, images = build("resnet18", 3, 4), torch.rand(2, 3, 64, 64)
    before = net.classifier.weight.clone()
    assert load_imagenet(net, "resnet18", weights, "standard") == "ImageNet weights of resnet18-f37072fd.pth"
    assert torch.allclose(embedding(net, images), features_of_torchvision(weights, images), atol=1e-5)
    assert torch.equal(net.classifier.weight, before)


def test_one_channel_sees_in_grey_what_three_equal_channels_see(weights: Path, tmp_path: Path) -> None:
    net, grey = build("resnet18", 1, 4), torch.rand(2, 1, 64, 64)
    as_safetensors = tmp_path / "weights.safetensors"
    save_file(torch.load(weights, weights_only=True), as_safetensors)
    load_imagenet(net, "resnet18", as_safetensors, "standard")
    expected = features_of_torchvision(weights, grey.expand(-1, 3, -1, -1))
    assert torch.allclose(embedding(net, grey), expected, atol=1e-5)


def test_another_stem_stays_new_and_that_is_said(weights: Path) -> None:
    net = build("resnet18", 1, 4, "small")
    before = {name: tensor.clone() for name, tensor in net.trunk.state_dict().items()}
    assert load_imagenet(net, "resnet18", weights, "small").endswith("with a new small stem")
    after, theirs = net.trunk.state_dict(), torch.load(weights, weights_only=True)
    assert torch.equal(after["0.weight"], before["0.weight"]) and torch.equal(after["1.bias"], before["1.bias"])
    assert torch.equal(after["6.1.conv2.weight"], theirs["layer4.1.conv2.weight"])


def test_the_cache_is_used_and_an_empty_one_is_told(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    net = build("resnet18", 3, 4)
    with pytest.raises(DataError, match=r"no resnet18-f37072fd.pth in .*checkpoints.*--weights FILE"):
        load_imagenet(net, "resnet18", None, "standard")
    with pytest.raises(DataError, match="resnet50-11ad3fa6.pth or resnet50-0676ba61.pth"):
        load_imagenet(net, "resnet50", None, "standard")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / weights.name).symlink_to(weights)
    assert weights.name in load_imagenet(net, "resnet18", None, "standard")


def test_a_network_that_imagenet_never_saw_is_refused() -> None:
    with pytest.raises(DataError, match="no ImageNet weights for resnet20v1"):
        load_imagenet(build("resnet20v1", 3, 4), "resnet20v1", None, "standard")


class Trap:
    """Unpickling one would run a command."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('ran')",)


@pytest.mark.parametrize("kind", ["garbage", "empty", "absent", "pickle", "numbers", "truncated", "safetensors"])
def test_a_file_that_holds_no_weights_is_refused_and_never_run(kind: str, weights: Path, tmp_path: Path) -> None:
    path = tmp_path / ("bad.safetensors" if kind == "safetensors" else "bad.pth")
    if kind in ("garbage", "safetensors"):
        path.write_bytes(b"no weights at all" * 9)
    elif kind == "empty":
        path.touch()
    elif kind == "pickle":
        torch.save({"conv1.weight": Trap()}, path)
    elif kind == "numbers":
        torch.save({"epoch": 3}, path)
    elif kind == "truncated":
        path.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(DataError, match=r"bad\.\w+ (cannot be read as weights|is not a plain state dict)"):
        load_imagenet(build("resnet18", 3, 4), "resnet18", path, "standard")


def test_weights_of_another_network_or_not_finite_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not hold the weights of resnet34: .* is missing"):
        load_imagenet(build("resnet34", 3, 4), "resnet34", weights, "standard")
    state = torch.load(weights, weights_only=True)
    state["layer1.0.conv1.weight"][0] = torch.nan
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(DataError, match="not every figure is finite"):
        load_imagenet(build("resnet18", 3, 4), "resnet18", tmp_path / "nan.pth", "standard")


@pytest.mark.parametrize(("network", "stem"), [("resnet8v1", "standard"), ("resnet18", "middle")])
def test_the_trunk_of_a_bundle_is_taken_whatever_its_classes(
    network: str, stem: str, tiny: Path, tmp_path: Path
) -> None:
    source = write_bundle(tmp_path / "source", tiny, network, stem, 3)
    net = build(network, 3, 2, stem)
    load_trunk(net, tmp_path / "source")
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(embedding(net, images), embedding(source, images))


@pytest.mark.parametrize(("theirs", "ours"), [(3, 1), (1, 3)])
def test_a_trunk_of_other_channels_answers_alike_on_grey(theirs: int, ours: int, tiny: Path, tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source", tiny, "textile_resnet", "standard", theirs)
    net, grey = build("textile_resnet", ours, 2), torch.rand(2, 1, 32, 32)
    load_trunk(net, tmp_path / "source")
    found, expected = embedding(net, grey.expand(-1, ours, -1, -1)), embedding(source, grey.expand(-1, theirs, -1, -1))
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_bundle_of_another_network_or_stem_is_refused(tiny: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "source", tiny, "resnet18", "small", 3)
    for other in (build("resnet18", 3, 2, "middle"), build("resnet8v1", 3, 2)):
        with pytest.raises(DataError, match="source is a resnet18 with stem small"):
            load_trunk(other, tmp_path / "source")
    with pytest.raises(DataError, match="no network 'tiny'"):
        load_trunk(build("resnet8v1", 3, 2), tiny)


def test_a_bundle_whose_weights_were_changed_is_refused(tiny: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "source", tiny, "resnet8v1", "standard", 3)
    with (tmp_path / "source" / bundle.WEIGHTS).open("ab") as file:
        file.write(b"!")
    with pytest.raises(bundle.BundleError, match="not the file that was packed"):
        load_trunk(build("resnet8v1", 3, 2), tmp_path / "source")
