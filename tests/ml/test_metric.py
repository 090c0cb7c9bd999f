"""What a metric is taught by, on figures that can be worked out by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ml.data import DataError, Dataset
from ml.metric import brightness, losses
from ml.metric.batches import balanced, triplets
from ml.metric.measures import Side, few_shot, retrieve, side, unseen
from ml.metric.overlap import overlap
from ml.metric.recipes import recipe
from ml.networks import build
from ml.standardise import Standardise
from ml.texture import whitening
from ml.touch import textures

TARGETS = np.array([0] * 20 + [1] * 9 + [2] * 3)
LINE = torch.tensor([[0.0], [1.0], [4.0], [3.0], [6.0]])  # the places of five images on a line
KINDS = torch.tensor([0, 0, 0, 1, 1])


def grey(levels: list[int], targets: list[int]) -> Dataset:
    """Even images of these grey levels with a darker corner."""
    images = np.stack([np.full((8, 8, 1), level, dtype=np.uint8) for level in levels])
    images[:, :2, :2] -= 10
    names = tuple(map(str, range(len(levels))))
    return Dataset(images, np.array(targets), ("a", "b", "c"), names, ("",) * len(levels), "", "")


def sided(points: list[float], targets: list[int], groups: str) -> Side:
    """Directions in degrees."""
    angles = np.radians(points)
    return side(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.array(targets), list(groups))


def test_half_of_the_pairs_are_of_one_class_and_every_image_is_an_anchor_once() -> None:
    thirds = [rows.reshape(3, -1) for rows in triplets(TARGETS, 8, np.random.default_rng(0))]
    anchors, positives, negatives = np.concatenate(thirds, axis=1)
    assert [part.shape[1] for part in thirds] == [8, 8, 8, 8]
    assert sorted(anchors.tolist()) == list(range(32))
    assert (TARGETS[anchors] == TARGETS[positives]).all() and (anchors != positives).all()
    assert (TARGETS[anchors] != TARGETS[negatives]).all()


def test_every_class_has_as_many_images_in_a_batch() -> None:
    found = list(balanced(TARGETS, 12, np.random.default_rng(0)))
    assert [Counter(TARGETS[rows].tolist()) for rows in found] == [{0: 4, 1: 4, 2: 4}] * 2
    assert sorted(np.concatenate(list(balanced(np.repeat([0, 1], 6), 12, np.random.default_rng(0))))) == list(range(12))


def test_a_batch_too_small_for_all_classes_takes_two_of_some() -> None:
    for rows in balanced(np.repeat(np.arange(9), 4), 8, np.random.default_rng(0)):
        assert sorted(Counter((rows // 4).tolist()).values()) == [2, 2, 2, 2]


def test_the_triplet_loss_is_the_mean_of_what_is_wanting_to_the_margin() -> None:
    anchors, positives = torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    negatives = torch.tensor([[6.0, 8.0], [0.0, 1.0]])
    assert losses.triplet(anchors, positives, negatives, 1.0).item() == pytest.approx((0 + 5) / 2)
    whole = losses.made(recipe("siamese", {}), 2)
    assert whole(torch.cat([anchors, positives, negatives]), torch.zeros(6)).item() == pytest.approx(2.5)


def test_batch_hard_takes_the_farthest_of_the_class_and_the_nearest_of_another() -> None:
    hard = losses.made(recipe("batch-hard", {"unit": False, "margin": 1.0}), 2)
    picked = set(zip(*(part.tolist() for part in hard.miner(LINE, KINDS)), strict=True))
    assert picked == {(0, 2, 3), (1, 2, 3), (2, 0, 3), (3, 4, 2), (4, 3, 2)}
    wanting = [4 - 3 + 1, 3 - 2 + 1, 4 - 1 + 1, 3 - 1 + 1, 3 - 2 + 1]
    assert hard(LINE, KINDS).item() == pytest.approx(np.mean(wanting))


def test_semi_hard_takes_negatives_beyond_the_positive_but_within_the_margin() -> None:
    semi = losses.made(recipe("semi-hard", {"unit": False, "margin": 2.0}), 2)
    far = (LINE - LINE.T).abs().tolist()
    wanted = {
        (a, p, n)
        for a, p, n in product(range(5), repeat=3)
        if a != p and KINDS[a] == KINDS[p] != KINDS[n] and far[a][p] < far[a][n] <= far[a][p] + 2
    }
    assert wanted
    assert set(zip(*(part.tolist() for part in semi.miner(LINE, KINDS)), strict=True)) == wanted


@pytest.mark.parametrize("preset", ["batch-hard", "semi-hard", "multi-similarity", "proxy"])
def test_every_loss_pulls_a_class_together(preset: str) -> None:
    torch.manual_seed(0)
    points, kinds = torch.randn(24, 8).requires_grad_(), torch.arange(24) % 3
    loss = losses.made(recipe(preset, {"width": 8}), 3)
    step = torch.optim.Adam([points, *loss.parameters()], 0.05)
    before = side(points.detach().numpy().copy(), kinds.numpy(), list("abcdefghijklmnopqrstuvwx"))
    for _ in range(60):
        step.zero_grad()
        loss(torch.nn.functional.normalize(points), kinds).backward()
        step.step()
    whole = side(points.detach().numpy(), kinds.numpy(), list("abcdefghijklmnopqrstuvwx"))
    assert retrieve(whole, whole).precision.mean() > retrieve(before, before).precision.mean() + 0.3


def test_homogenised_by_class_the_means_of_classes_fall_together_and_raw_brightness_stays_known() -> None:
    data = grey([60, 80, 150, 170, 120], [0, 0, 1, 1, 2])
    known = brightness.levels(data)
    found = brightness.evened(data, "class", known)
    after = np.array([image.mean() for image in found.images])
    np.testing.assert_allclose(brightness.class_means(after, data.targets, 3), known.level, atol=0.5)
    assert after[1] - after[0] == 20  # within a class nothing changes
    np.testing.assert_allclose(found.light, [59.375, 79.375, 149.375, 169.375, 119.375])


def test_homogenised_by_image_no_label_is_needed() -> None:
    data = grey([60, 80, 150, 170, 120], [0, 0, 1, 1, 2])
    known = brightness.levels(data)
    after = [image.mean() for image in brightness.evened(data, "image", known).images]
    np.testing.assert_allclose(after, known.level, atol=0.5)
    assert brightness.evened(data, "none", known).images is data.images


def test_a_class_that_nobody_trained_is_homogenised_image_by_image() -> None:
    known = brightness.levels(grey([60, 80, 150, 170], [0, 0, 1, 1]))
    after = [image.mean() for image in brightness.evened(grey([30, 200], [2, 2]), "class", known).images]
    np.testing.assert_allclose(after, known.level, atol=0.5)


def test_recall_and_map_at_r_by_hand() -> None:
    # Of the query at 0 the class holds 3 more; in order the gallery has it at places 1, 3 and 4: (1/1 + 2/3) / 3.
    queries = sided([0], [0], "q")
    gallery = sided([1, 2, 3, 4, 50], [0, 1, 0, 0, 1], "abcde")
    found = retrieve(queries, gallery)
    assert found.first.tolist() == [1.0]
    assert found.precision[0] == pytest.approx((1 + 2 / 3) / 3)


def test_an_image_of_its_own_source_is_never_what_is_found() -> None:
    whole = sided([0, 1, 20, 21, 90], [0, 0, 1, 0, 2], "aabcd")
    found = retrieve(whole, whole)
    assert found.first[:4].tolist()[:2] == [0.0, 0.0]  # the nearest of another source is of class 1
    assert np.isnan(found.first[2]) and np.isnan(found.first[4])  # the only ones of their class


def test_few_shots_never_ask_about_a_source_that_gave_an_example() -> None:
    labelled = sided([0, 2, 4, 90, 92, 94], [0, 0, 0, 1, 1, 1], "abcdef")
    np.testing.assert_array_equal(few_shot(labelled, labelled, 1, 5), np.ones((5, 2)))
    assert np.isnan(few_shot(labelled, labelled, 3, 5)).all()  # every source gave one, and none is left to ask


def test_few_shots_count_classes_alike_and_images_alike() -> None:
    labelled = sided([0, 90], [0, 1], "ab")
    queries = sided([1, 2, 80, 91], [0, 0, 0, 1], "cdef")
    np.testing.assert_allclose(few_shot(labelled, queries, 1, 2), [[(2 / 3 + 1) / 2, 3 / 4]] * 2)


def test_whitened_a_class_is_as_wide_one_way_as_another_and_lies_where_it_lay() -> None:
    rng = np.random.default_rng(0)
    targets = np.arange(4000) % 2
    rows = rng.normal(0, [5.0, 0.2], (4000, 2)) + 3 * targets[:, None]
    found = whitening(rows, targets, 0.0)(rows)
    np.testing.assert_allclose(np.cov(found[targets == 1].T), np.eye(2), atol=0.1)
    apart = np.linalg.norm(found[targets == 1].mean(axis=0) - found[targets == 0].mean(axis=0))
    assert apart == pytest.approx(np.hypot(3 / 5, 3 / 0.2), rel=0.05)
    shrunk = whitening(rows, targets, 1.0)(rows)
    assert np.cov(shrunk[targets == 1].T).diagonal().min() < 0.1


def test_a_texture_is_the_same_however_the_image_is_mirrored() -> None:
    net = build("textile_resnet", 1, 4)
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 1), dtype=np.uint8)
    by = Standardise((0.5,), (0.25,), "image")
    net.flips = True
    seen = textures(net, images, by)
    np.testing.assert_allclose(textures(net, images[:, ::-1, ::-1].copy(), by), seen, atol=1e-5)
    assert seen.shape == (3, 2 * 64 + 2 * 128)  # the means and deviations of two stages, each as long as the others
    np.testing.assert_allclose(np.linalg.norm(seen[:, :64], axis=1), 1 / 2, atol=1e-5)
    net.flips = False
    assert not np.allclose(textures(net, images[:, ::-1].copy(), by), textures(net, images, by))


def clouds(count: int, spread: float, seed: int, classes: int = 4) -> Side:
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    rows: NDArray[np.float64] = np.eye(12)[targets] + rng.normal(0, spread, (count, 12))
    return side(rows, targets, [f"{seed}-{row}" for row in range(count)])


def test_a_class_far_from_all_is_recognised_from_five_examples_and_one_like_the_others_is_not() -> None:
    halves = clouds(200, 0.08, 0), clouds(200, 0.08, 1)
    new = clouds(80, 0.08, 2)
    found = unseen(new.take(new.targets == 3), halves, 3, 5, 10)
    assert found.recall.mean() > 0.85 and found.precision.mean() > 0.95 and found.lost.max() < 0.1
    blurred = clouds(200, 1.5, 0), clouds(200, 1.5, 1)
    assert unseen(new.take(new.targets == 3), blurred, 3, 5, 10).recall.mean() < 0.5


def test_the_overlap_is_nothing_where_classes_lie_apart_and_nearly_all_where_they_are_alike() -> None:
    assert overlap(clouds(80, 0.01, 0))["area"] == 0
    assert overlap(clouds(400, 9.0, 0))["area"] > 0.9
    assert 0 < overlap(clouds(80, 0.01, 0))["threshold"] < 1.4


def filmed(levels: list[int], cameras: str, targets: list[int]) -> Dataset:
    return replace(grey(levels, targets), cameras=tuple(cameras.split(",")))


def test_homogenised_by_camera_the_means_of_cameras_fall_together_and_what_a_frame_has_of_its_own_stays() -> None:
    data = filmed([60, 80, 150, 170], "left,left,right,right", [0, 1, 0, 1])
    known = brightness.levels(data)
    after = np.array([image.mean() for image in brightness.evened(data, "camera", known).images])
    np.testing.assert_allclose([after[:2].mean(), after[2:].mean()], known.level, atol=0.5)
    assert after[1] - after[0] == after[3] - after[2] == 20


def test_a_camera_that_nobody_trained_on_is_homogenised_image_by_image() -> None:
    known = brightness.levels(filmed([60, 80, 150, 170], "left,left,right,right", [0, 1, 0, 1]))
    found = brightness.evened(filmed([30, 90, 200], "new,left,new", [0, 0, 0]), "camera", known)
    np.testing.assert_allclose([found.images[0].mean(), found.images[2].mean()], known.level, atol=0.5)
    left = brightness.evened(filmed([70], "left", [0]), "camera", known).images[0].mean()
    assert found.images[1].mean() - left == 20


def test_by_camera_every_image_must_name_one() -> None:
    with pytest.raises(DataError, match="no camera is named of: image 1, image 2"):
        brightness.refuse_unnamed(filmed([60, 80, 150], "left,,", [0, 1, 0]), "camera")
    with pytest.raises(DataError, match="no camera is named of: image 0, image 1, image 2"):
        brightness.refuse_unnamed(grey([60, 80, 150], [0, 1, 0]), "camera")
    brightness.refuse_unnamed(grey([60, 80, 150], [0, 1, 0]), "image")
