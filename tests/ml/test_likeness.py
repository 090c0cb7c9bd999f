from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml.likeness import confirmed, hashes, join, near_duplicates
from tests.ml.pictures import encode

Images = NDArray[np.uint8]


def cloth(count: int, seed: int = 0, side: int = 64) -> Images:
    """Unrelated pictures with something in every frequency, (count, side, side, 1)."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 30, (count, 16, 16)).repeat(side // 16, 1).repeat(side // 16, 2)
    return np.clip(128 + coarse + rng.normal(0, 8, (count, side, side)), 0, 255).astype(np.uint8)[..., None]


def bits_apart(one: Images, other: Images) -> NDArray[np.uint8]:
    return np.bitwise_count(hashes(one) ^ hashes(other))


def saved_again(image: Images) -> Images:
    return np.asarray(Image.open(io.BytesIO(encode(image, "JPEG", quality=60))))[..., None]


def test_a_copy_saved_again_lightened_or_scaled_hashes_alike() -> None:
    found = cloth(40)
    lighter = np.clip(found * 0.9 + 20, 0, 255).astype(np.uint8)
    assert bits_apart(found, np.stack([saved_again(image) for image in found])).max() <= 6
    assert bits_apart(found, lighter).max() <= 6
    assert bits_apart(found, found.repeat(2, 1).repeat(2, 2)).max() <= 1


def test_unrelated_pictures_do_not_hash_alike() -> None:
    assert near_duplicates(hashes(cloth(2000))).tolist() == []


def test_a_hash_differs_from_the_median_in_half_of_its_bits() -> None:
    ones = np.bitwise_count(hashes(cloth(50)))
    assert ones.min() == ones.max() == 31  # of 63: the mean grey level has no say


def test_the_hash_is_that_of_the_plain_formula() -> None:
    scipy_fft = pytest.importorskip("scipy.fft")
    image = cloth(1)[0, :, :, 0].astype(float)
    waves = scipy_fft.dctn(image.reshape(32, 2, 32, 2).mean(axis=(1, 3)), norm="ortho")[:8, :8].ravel()
    bits = waves > np.median(waves[1:])
    bits[0] = False
    assert int(hashes(cloth(1))[0]) == sum(1 << int(place) for place in np.flatnonzero(bits))


def test_even_grey_of_any_level_hashes_alike() -> None:
    levels = np.stack([np.full((50, 70, 3), level, dtype=np.uint8) for level in (0, 90, 255)])
    assert set(hashes(levels).tolist()) == {0}


def test_pairs_connect_all_that_lie_within_the_distance() -> None:
    found = np.array([0, 0b111, 0, 0b111111_000000, 1 << 63, 0b1111111 << 20], dtype=np.uint64)
    assert sorted(map(tuple, near_duplicates(found).tolist())) == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 4)]


def test_a_thousand_equal_pictures_are_a_thousand_pairs() -> None:
    assert len(near_duplicates(np.zeros(1001, dtype=np.uint64))) == 1000


def test_joined_groups_go_by_the_first_of_their_names() -> None:
    pairs = np.array([[0, 2], [2, 3], [4, 4]])
    assert join(["b", "b", "c", "a", "d"], pairs) == ("a", "a", "a", "a", "d")


def same_blob(count: int) -> Images:
    """Pictures alike in their coarsest features and in nothing else, (count, 64, 64, 1)."""
    wave = np.cos(np.pi * (2 * np.arange(64) + 1) / 128)
    rng = np.random.default_rng(3)
    coarse = _coarse(rng.normal(0, 15, (1, 16, 16)))
    fine = rng.normal(0, 30, (count, 16, 16))
    fine -= _coarse(fine)
    drawn = (coarse + fine).repeat(4, 1).repeat(4, 2) + 10 * wave[:, None] * wave[None]
    return np.clip(128 + drawn, 0, 255).astype(np.uint8)[..., None]


def _coarse(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the 8 x 8 lowest frequencies of each of (N, 16, 16) make of it."""
    waves = np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(16)[None] + 1) / 32) * np.sqrt(2 / 16)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves.T @ (waves @ parts @ waves.T) @ waves)


def test_a_pair_that_differs_in_all_but_its_coarsest_features_is_not_confirmed() -> None:
    images = same_blob(2)
    three = np.concatenate([images, images[:1] + 3])
    assert bits_apart(three[:1], three[1:]).max() <= 6
    assert confirmed(three, np.array([[0, 1], [0, 2]])).tolist() == [[0, 2]]
