"""What the GPU engine decides, with a feigned device; on a real one only where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from ml import bundle, probe
from ml.engines import CpuEngine
from ml.gpu import DeviceLost, GpuEngine, load_network, open_gpu
from ml.halving import CALM, Halving

STARTER = Path(bundle.__file__).parent / "starter"
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


class Feigned:
    """A device with room for `room` images; image i answers i. `fails` is raised instead of the first answers."""

    def __init__(self, room: int = 128, fails: list[RuntimeError] | None = None) -> None:
        self.room, self.fails, self.sizes, self.forgot = room, fails or [], [], 0

    def run(self, images: np.ndarray, size: int) -> probe.Answer:
        self.sizes.append(size)
        if self.fails:
            raise self.fails.pop(0)
        if size > self.room:
            raise torch.OutOfMemoryError(FULL)
        assert len(images) <= size
        rows = images[:, 0, 0, 0].astype(np.float32)
        return probe.Answer.of([rows[:, None], rows[:, None, None, None], rows[:, None]])

    def forget(self) -> None:
        self.forgot += 1


def numbered(count: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 1)).copy()


def test_batches_have_few_sizes_and_answers_keep_their_order() -> None:
    device = Feigned()
    answers = GpuEngine(device).run(numbered(200))
    assert device.sizes == [128, 128]  # 72 left over run as 128: a size more would be a recording more
    assert [part[:, 0].ravel().tolist() for part in (answers[0], answers[2])] == [list(range(200))] * 2
    device.sizes.clear()
    GpuEngine(device).run(numbered(5))
    assert device.sizes == [8]


def test_a_full_memory_halves_the_batch_and_loses_no_image() -> None:
    device = Feigned(room=20)
    engine = GpuEngine(device)
    assert engine.run(numbered(100))[0].ravel().tolist() == list(range(100))
    assert device.sizes[:4] == [128, 64, 32, 16] and set(device.sizes[3:]) <= {16, 4}
    assert device.forgot == 3
    device.sizes.clear()
    engine.run(numbered(100))
    assert max(device.sizes) == 16


def test_after_a_long_calm_twice_as_many_are_tried_again() -> None:
    sizes = Halving()
    assert sizes.ran_out(64) and sizes.size(128) == 32
    for _ in range(CALM):
        sizes.went_well()
    assert sizes.size(128) == 64
    for _ in range(CALM - 1):
        sizes.went_well()
    assert sizes.size(128) == 64


def test_no_room_for_one_image_is_a_lost_device() -> None:
    with pytest.raises(DeviceLost, match="out of memory"):
        GpuEngine(Feigned(room=0)).run(numbered(1))


@pytest.mark.parametrize(
    "problem",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: unspecified launch failure"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
    ids=["accelerator", "cuda", "cudnn"],
)
def test_a_lost_device_ends_the_process(problem: RuntimeError) -> None:
    """Whoever handles errors on the way up does not handle this one: it leaves with exit code 1."""
    with pytest.raises(SystemExit) as ended:
        try:
            GpuEngine(Feigned(fails=[problem])).run(numbered(3))
        except Exception:  # noqa: BLE001
            pytest.fail("a lost device was taken for an ordinary error")
    assert ended.type is DeviceLost and ended.value.code not in (0, None)


def test_a_fault_of_ours_is_not_taken_for_a_lost_device() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        GpuEngine(Feigned(fails=[RuntimeError("mat1 and mat2 shapes cannot be multiplied")])).run(numbered(3))


def test_the_starter_models_weights_fit_its_network() -> None:
    spec = bundle.verify(STARTER)
    net, texture = load_network(STARTER, spec)
    assert net.embedding_size == spec.embedding_size and (texture.size if texture else 0) == spec.texture_size


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NOT RUN: no GPU here, so the GPU engine was never seen to run"
)
def test_a_real_gpu_answers_what_the_cpu_answers() -> None:
    spec = bundle.verify(STARTER)
    engine = open_gpu(STARTER, spec)
    probe.check(engine, spec, tolerance=0.05)
    images = np.random.default_rng(0).integers(0, 256, (150, 64, 64, 3), dtype=np.uint8)
    for one, other in zip(engine.run(images), CpuEngine(STARTER / bundle.GRAPH).run(images), strict=True):
        assert np.abs(one - other).max() <= 0.05 * max(1.0, np.abs(other).max())
