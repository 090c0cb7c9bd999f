"""A disk that takes no more: one message, exit code 2, and nothing half-written under a name that counts.

The kernel refuses what goes beyond a limit on the size of a file, as it refuses what goes beyond a disk.
"""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ml import bundle, checkpoint  # noqa: E402
from ml.cli import main  # noqa: E402

STARTER = Path(bundle.__file__).parent / "starter"
WORDS = (
    "train", "--drawn", "40", "--network", "resnet8v1", "--preset", "quick", "--size", "32", "--channels", "1",
    "--epochs", "1", "--precision", "fp32",
)  # fmt: skip


@contextmanager
def room(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    place = tmp_path / "train.pt"
    checkpoint.save(place, {"identity": "x", "net": torch.zeros(1000)})
    with room(100_000), pytest.raises(OSError, match="train.pt.part") as problem:
        checkpoint.save(place, {"identity": "x", "net": torch.zeros(100_000)})
    assert problem.value.errno == errno.EFBIG
    found = checkpoint.load(place, "x")
    assert found is not None and len(found["net"]) == 1000
    assert [path.name for path in tmp_path.iterdir()] == ["train.pt"]


def test_a_disk_that_fills_while_a_bundle_is_written_leaves_nothing_of_it(tmp_path: Path) -> None:
    with room(100_000), pytest.raises(OSError, match=bundle.WEIGHTS):
        bundle.write(tmp_path / "out", bundle.read(STARTER), bytes(100_001), b"graph")
    assert not list(tmp_path.iterdir())


def test_a_training_that_meets_a_full_disk_says_so_in_one_line_and_leaves_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with room(100_000):
        code = main([*WORDS, "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")])
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1 and "nothing more can be written (File too large): " in said
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.rglob("*.pt*"))
