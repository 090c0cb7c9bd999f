from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.fabric import Roll
from ml.looks import SIZE, held_out, looks, nearest
from ml.novelty import Known, distances, fit, foreign
from ml.preprocess import resize
from ml.spec import LOOKS, REFERENCE, Unknown

RNG = np.random.default_rng(0)


def cloth(rolls: range, frames: int = 4, side: int = 64) -> NDArray[np.uint8]:
    """Good and torn frames of drawn rolls, (N, side, side, 1)."""
    drawn = [Roll(seed).frame(index, ("good", "hole")[index % 2]).image for seed in rolls for index in range(frames)]
    return np.stack([resize(image, side, side).mean(axis=2, keepdims=True).astype(np.uint8) for image in drawn])


def noise(count: int, side: int = 64) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (count, side, side, 1), dtype=np.uint8)


def fitted() -> tuple[Known, Unknown]:
    images = cloth(range(40))
    embeddings = RNG.normal(size=(len(images), 8))
    groups = [str(row // 4) for row in range(len(images))]
    return fit(embeddings, np.arange(len(images)) % 2, embeddings, images, groups)


def test_what_is_no_cloth_looks_foreign_and_new_rolls_mostly_do_not() -> None:
    known, unknown = fitted()
    limit = unknown.look_limit
    assert limit is not None
    ramp = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], (64, 1, 1))[None]
    assert (known.look_distances(np.concatenate([noise(5), ramp]), unknown) > limit).all()
    assert (known.look_distances(cloth(range(100, 110)), unknown) > limit).mean() <= 0.1


def test_the_median_tile_decides_so_that_one_defect_is_not_another_cloth() -> None:
    unknown = Unknown(1, 1, look_limit=2.0)
    assert not foreign(np.array([1, 1, 9], dtype=np.float32), unknown)
    assert foreign(np.array([1, 9, 9], dtype=np.float32), unknown)
    assert not foreign(np.array([9], dtype=np.float32), Unknown(1, 1))


def test_a_look_does_not_change_when_the_light_does_or_the_cloth_is_turned_over() -> None:
    image = np.clip(cloth(range(1), 1), 40, 200)
    for other in (image + 30, image[:, ::-1], image[:, :, ::-1]):
        assert looks(np.ascontiguousarray(other)) == pytest.approx(looks(image), abs=0.02)


@pytest.mark.parametrize("shape", [(64, 64, 1), (32, 32, 3), (20, 90, 1), (224, 224, 3)])
def test_views_of_any_size_and_depth_have_a_look(shape: tuple[int, int, int]) -> None:
    found = looks(np.full((2, *shape), 90, dtype=np.uint8))
    assert found.shape == (2, SIZE) and np.isfinite(found).all()


def test_a_source_is_held_out_from_its_own_distance() -> None:
    near = RNG.normal(0, 0.01, (10, SIZE)).astype(np.float32)
    far = near + 50
    features, groups = np.concatenate([near, far]), ["a"] * 10 + ["b"] * 10
    assert nearest(features, features, 1).max() < 0.1
    assert held_out(features, groups, 1).min() > 1


def test_what_is_known_comes_back_from_its_tensors() -> None:
    known, unknown = fitted()
    again = Known.from_tensors(known.tensors(), 8, unknown)
    pictures = noise(3)
    assert again.look_distances(pictures, unknown) == pytest.approx(known.look_distances(pictures, unknown))
    assert (again.embeddings == known.embeddings).all()


def test_a_bundle_that_knows_no_looks_judges_by_embedding_alone() -> None:
    known = Known.from_tensors({REFERENCE: np.eye(8, dtype=np.float16)}, 8, Unknown(1, 1))
    assert (known.look_distances(noise(2), Unknown(1, 1)) == 0).all()
    assert known.distances(np.eye(8), Unknown(1, 1)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    "tensors",
    [
        {REFERENCE: np.eye(4, dtype=np.float16)},
        {REFERENCE: np.full((2, 8), np.nan)},
        {REFERENCE: np.eye(8), LOOKS: np.zeros((5, SIZE + 1))},
    ],
)
def test_references_that_cannot_be_are_refused(tensors: dict[str, NDArray[np.floating]]) -> None:
    with pytest.raises(ValueError, match="no usable references"):
        Known.from_tensors(tensors, 8, Unknown(1, 1))


def test_one_source_alone_sets_no_limit_of_looks() -> None:
    images = cloth(range(1))
    _, unknown = fit(np.eye(4), np.array([0, 0, 1, 1]), np.eye(4), images, ["a"] * 4)
    assert unknown.look_limit is None


def test_distance_is_euclidean_between_unit_vectors() -> None:
    assert distances(np.array([[3.0, 0.0]]), np.array([[0, 1]], dtype=np.float32), 1) == pytest.approx(2**0.5)


def test_looks_that_count_and_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        Known.from_tensors({REFERENCE: np.eye(8, dtype=np.float16)}, 8, Unknown(1, 1, look_limit=2.0))
