from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ml.augment import Augment, mix  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.strength import STRENGTHS, Strength  # noqa: E402

CLASSES = ("good", "slant", "knot")
CHANGING = ("cloth", "cifar", "strong")


def corner(count: int, channels: int = 1) -> torch.Tensor:
    """Dark pictures (count, channels, 32, 32) with light in the upper left quarter."""
    images = torch.full((count, channels, 32, 32), 40, dtype=torch.uint8)
    images[:, :, 2:14, 2:14] = 220
    return images


def lit_quarter(image: torch.Tensor) -> int:
    """Which quarter is brightest: 0 upper left, 1 upper right, 2 lower left, 3 lower right."""
    half = image.float().mean(dim=0).unfold(0, 16, 16).unfold(1, 16, 16)
    return int(half.mean(dim=(2, 3)).argmax())


def quarters(name: str, label: str, **safe: tuple[str, ...]) -> set[int]:
    torch.manual_seed(3)
    augment = Augment(name, CLASSES, 1, (32, 32), **safe)
    images = augment(corner(200), torch.full((200,), CLASSES.index(label)))
    return {lit_quarter(image) for image in images}


@pytest.mark.parametrize("name", CHANGING)
def test_a_class_whose_direction_matters_is_never_mirrored(name: str) -> None:
    assert quarters(name, "slant", fixed=("slant",)) == {0}
    assert quarters(name, "good", fixed=("slant",)) == ({0, 1} if name == "cifar" else {0, 1, 2, 3})


def test_only_a_class_that_may_be_turned_is_turned() -> None:
    torch.manual_seed(4)
    stripes = torch.full((100, 1, 32, 32), 60, dtype=torch.uint8)
    stripes[..., 4::8] = stripes[..., 5::8] = 200  # along the warp
    augment = Augment("strong", CLASSES, 1, (32, 32), turns=("knot",))
    for label, seen in ((0, {True}), (2, {True, False})):
        images = augment(stripes, torch.full((100,), label)).float()
        along = images.mean(dim=(1, 2)).std(dim=1) > images.mean(dim=(1, 3)).std(dim=1)
        assert set(along.tolist()) == seen


def test_a_quarter_turn_moves_pixels_and_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRENGTHS, "still", Strength(mirrored=False, upside_down=False))
    images = torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8)
    turned = Augment("still", CLASSES, 1, (8, 8), turns=("knot",))(images, torch.full((64,), 2))
    ways = [
        {k for k in range(4) if torch.equal(torch.rot90(before, k, (1, 2)), after)}
        for before, after in zip(images, turned, strict=True)
    ]
    assert set().union(*ways) == {0, 1, 2, 3} and all(ways)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGING)
def test_no_border_comes_into_view(name: str, channels: int) -> None:
    torch.manual_seed(5)
    images = torch.full((64, channels, 24, 40), 180, dtype=torch.uint8)
    changed = Augment(name, CLASSES, channels, (24, 40))(images, torch.zeros(64, dtype=torch.int64))
    assert changed.shape == images.shape and changed.dtype == torch.uint8
    spread = changed.amax(dim=(1, 2, 3)).int() - changed.amin(dim=(1, 2, 3)).int()
    assert int(spread.max()) == 0


def test_none_changes_nothing() -> None:
    images = corner(4)
    assert torch.equal(Augment("none", CLASSES, 1, (32, 32))(images, torch.zeros(4, dtype=torch.int64)), images)


@pytest.mark.parametrize("name", CHANGING)
def test_a_seed_repeats_the_draws_and_every_image_has_its_own(name: str) -> None:
    augment, images, targets = Augment(name, CLASSES, 3, (32, 32)), corner(6, 3), torch.zeros(6, dtype=torch.int64)
    torch.manual_seed(1)
    first = augment(images, targets)
    torch.manual_seed(1)
    assert torch.equal(augment(images, targets), first)
    assert len({image.numpy().tobytes() for image in first}) == 6
    assert torch.equal(images, corner(6, 3))


def test_some_coloured_images_come_out_grey() -> None:
    torch.manual_seed(2)
    images = torch.randint(0, 256, (200, 3, 8, 8), dtype=torch.uint8)
    changed = Augment("cloth", CLASSES, 3, (8, 8))(images, torch.zeros(200, dtype=torch.int64)).int()
    grey = (changed.amax(dim=1) - changed.amin(dim=1)).amax(dim=(1, 2)) == 0
    assert 30 <= int(grey.sum()) <= 90


@pytest.mark.parametrize(
    ("safe", "side", "message"),
    [
        ({"fixed": ("hole",)}, (32, 32), "no class is named hole"),
        ({"turns": ("knot",), "fixed": ("knot",)}, (32, 32), "cannot be turned as well: knot"),
        ({"turns": ("knot",)}, (32, 64), "square input, not 64 x 32"),
    ],
)
def test_classes_that_cannot_be_kept_safe_are_refused(
    safe: dict[str, tuple[str, ...]], side: tuple[int, int], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Augment("strong", CLASSES, 1, side, **safe)


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.2, 0.0), (0.0, 1.0), (0.4, 1.0)])
def test_mixed_targets_sum_to_one_and_tell_how_much_of_each_image_is_in(mixup: float, cutmix: float) -> None:
    one_hot = torch.eye(4)
    images = one_hot[:, :, None, None].expand(4, 4, 10, 12)  # channel k of image k is all ones
    rng = np.random.default_rng(6)
    for _ in range(20):
        mixed, targets = mix(images, one_hot, mixup, cutmix, rng)
        assert torch.allclose(targets.sum(dim=1), torch.ones(4))
        assert torch.allclose(mixed.mean(dim=(2, 3)), targets, atol=1e-5)


def test_a_mix_is_repeated_by_its_seed_and_left_out_by_two_zeros() -> None:
    images, one_hot = torch.rand(4, 1, 8, 8), torch.eye(4)
    first, again = (mix(images, one_hot, 0.2, 1.0, np.random.default_rng(9)) for _ in range(2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert mix(images, one_hot, 0.0, 0.0, np.random.default_rng(9)) == (images, one_hot)
