from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest

from ml.fabric import CLASSES, Roll
from ml.fabric.weaves import WEAVES, satin, twill

DEFECTS = CLASSES[1:]


def test_the_same_roll_and_frame_is_the_same_picture() -> None:
    first, again = Roll(11).frame(4, "cut"), Roll(11).frame(4, "cut")
    assert np.array_equal(first.image, again.image) and np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.image, Roll(11).frame(5, "cut").image)
    assert not np.array_equal(first.image, Roll(12).frame(4, "cut").image)


def test_the_order_of_drawing_changes_nothing() -> None:
    roll = Roll(3)
    roll.frame(1, "hole")
    assert np.array_equal(roll.frame(0, "good").image, Roll(3).frame(0, "good").image)


@pytest.mark.parametrize("size", [64, 256, 320])
def test_a_frame_has_its_size(size: int) -> None:
    frame = Roll(5, size).frame(0, "thread")
    assert frame.image.shape == (size, size, 3) and frame.image.dtype == np.uint8
    assert frame.mask.shape == (size, size) and frame.mask.dtype == bool


@pytest.mark.parametrize("label", DEFECTS)
def test_a_defect_has_a_mask_and_a_box_around_it(label: str) -> None:
    for seed in range(30):
        frame = Roll(seed).frame(seed, label)
        assert frame.label == label and frame.box is not None
        x, y, width, height = frame.box
        inside = frame.mask[y : y + height, x : x + width]
        assert inside.sum() == frame.mask.sum() >= 40
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


@pytest.mark.parametrize("label", DEFECTS)
def test_a_defect_is_where_its_mask_says(label: str) -> None:
    """Against the same cloth without it, far more changes inside the box than outside."""
    ratios = []
    for seed in range(12):
        frame = Roll(seed).frame(7, label)
        assert frame.box is not None
        x, y, width, height = frame.box
        near = np.zeros_like(frame.mask)
        near[max(0, y - 12) : y + height + 12, max(0, x - 12) : x + width + 12] = True
        grey = frame.image.mean(axis=2)
        inside, outside = grey[frame.mask].mean(), np.median(grey[~near]) if (~near).any() else grey.mean()
        ratios.append(abs(inside - outside))
    assert np.median(ratios) > 10


def test_good_cloth_has_no_mask() -> None:
    frame = Roll(1).frame(0, "good")
    assert not frame.mask.any() and frame.box is None


def test_a_label_nobody_can_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="no way to draw 'crease'"):
        Roll(1).frame(0, "crease")


def test_frames_of_a_roll_are_alike_and_rolls_are_not() -> None:
    def colour(seed: int, index: int) -> np.ndarray:
        return Roll(seed).frame(index, "good").image.mean(axis=(0, 1))

    within = np.mean([np.abs(colour(seed, 0) - colour(seed, 1)).max() for seed in range(12)])
    between = np.mean([np.abs(colour(seed, 0) - colour(seed + 1, 0)).max() for seed in range(12)])
    assert between > 4 * within


def test_the_mill_runs_every_weave_and_dark_and_light_cloth() -> None:
    styles = [Roll(seed, 64).style for seed in range(160)]
    assert {style.weave for style in styles} == set(WEAVES)
    assert {style.pattern for style in styles} == {"solid", "stripe", "check"}
    light = [Roll(seed, 64).frame(0).image.mean() for seed in range(60)]
    assert min(light) < 75 and max(light) > 150


def test_weaves_are_what_weavers_call_them() -> None:
    assert twill(3, 1).sum(axis=1).tolist() == [3, 3, 3, 3]
    assert (~satin(5, 2)).sum(axis=0).tolist() == [1] * 5  # each warp end is tied once a repeat
    for make in WEAVES.values():
        assert make().any(axis=0).all() and (~make()).any(axis=1).all()  # no yarn floats for ever


def test_drawing_is_the_same_on_every_machine() -> None:
    """A coarse fingerprint: means of 8 x 8 cells, rounded, so that the last bit of a sine does not matter."""
    image = Roll(2026).frame(3, "hole").image
    cells = image.reshape(8, 32, 8, 32, 3).mean(axis=(1, 3))
    assert hashlib.sha256(np.rint(cells / 4).astype(np.uint8).tobytes()).hexdigest()[:12] == FINGERPRINT


FINGERPRINT = "205378e360bc"


def test_drawing_is_fast_enough_for_a_camera() -> None:
    roll = Roll(0)
    start = time.process_time()
    for index in range(40):
        roll.frame(index, "good")
    assert (time.process_time() - start) / 40 < 0.025  # 5 ms on a quiet core; a loaded one is slower
