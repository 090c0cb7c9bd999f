"""Training: what a recipe does, what a kill costs, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ml import curves  # noqa: E402
from ml.data import Dataset  # noqa: E402
from ml.drawn import draw  # noqa: E402
from ml.networks import build  # noqa: E402
from ml.order import Order  # noqa: E402
from ml.presets import PRESETS, Recipe, recipe  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.schedule import pace  # noqa: E402
from ml.standardise import Standardise  # noqa: E402
from ml.train import Course, _lengths, _order, train  # noqa: E402

ROOT = Path(__file__).parents[2]
SHORT = Recipe(epochs=3, batch=16, augment="cloth", mixup=0.2, cutmix=0.5, ema=0.9, smoothing=0.1, clip=1.0)


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    return draw(60, 5, (32, 32), 1)


def run(cloth: Dataset, how: Recipe, course: Course, check: bool = True):  # type: ignore[no-untyped-def]
    torch.manual_seed(3)
    net = build("resnet8v1", 1, len(cloth.classes))
    outcome = train(net, cloth, cloth if check else None, how, Standardise((0.5,), (0.25,), how.contrast), course)
    return net, outcome


def same(one, other) -> bool:  # type: ignore[no-untyped-def]
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(cloth: Dataset) -> None:
    first, again, other = (run(cloth, SHORT, Course(seed=seed))[0] for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.parametrize("schedule", ["cosine", "steps", "plateau", "constant"])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_training_that_goes_on_from_its_checkpoint_ends_where_one_without_a_break_ends(
    cloth: Dataset, tmp_path: Path, schedule: str, keep: str
) -> None:
    how = replace(SHORT, schedule=schedule, keep=keep)
    whole, told = run(cloth, how, Course(seed=1))
    broken = Course(seed=1, checkpoint=tmp_path / "part.pt", identity="x", log=tmp_path / "log")

    class Killed(Exception):
        pass

    def note_then_die(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        saved: list[int] = []
        from ml import checkpoint
        from ml import train as training

        def save(path: Path, state: dict[str, object]) -> None:
            real(path, state)
            saved.append(1)
            if len(saved) == 2:
                note_then_die()

        real = checkpoint.save
        patch.setattr(training.checkpoint, "save", save)
        with pytest.raises(Killed):
            run(cloth, how, broken)
    resumed, again = run(cloth, how, broken)
    assert same(whole, resumed)
    assert [epoch["loss"] for epoch in again.epochs] == [epoch["loss"] for epoch in told.epochs]
    assert again.best_epoch == told.best_epoch


def test_a_checkpoint_of_another_training_is_refused(cloth: Dataset, tmp_path: Path) -> None:
    place = tmp_path / "part.pt"
    run(cloth, replace(SHORT, epochs=1), Course(checkpoint=place, identity="one"))
    with pytest.raises(DataError, match="belongs to another training"):
        run(cloth, replace(SHORT, epochs=1), Course(checkpoint=place, identity="two"))


def test_a_checkpoint_that_is_no_checkpoint_is_refused_and_nothing_in_it_is_run(cloth: Dataset, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return os.mkdir, (str(tmp_path / "owned"),)

    place = tmp_path / "part.pt"
    for content in (b"not a checkpoint", pickle.dumps(Evil())):
        place.write_bytes(content)
        with pytest.raises(DataError, match="no checkpoint"):
            run(cloth, replace(SHORT, epochs=1), Course(checkpoint=place, identity="one"))
    assert not (tmp_path / "owned").exists()


def test_a_loss_that_is_no_number_ends_the_training_and_says_so(cloth: Dataset) -> None:
    how = Recipe("sgd", 1e30, 0.0, "constant", 0.0, 3, 16, balance=0.0, augment="none")
    with pytest.raises(DataError, match="no number any more"):
        run(cloth, how, Course())


def test_patience_ends_a_training_that_does_not_get_better(cloth: Dataset) -> None:
    frozen = Recipe("sgd", 1e-12, 0.0, "constant", 0.0, 30, 64, balance=0.0, augment="none", patience=2)
    _, told = run(cloth, frozen, Course())
    assert len(told.epochs) < 10


def test_patience_without_a_validation_side_ends_nothing(cloth: Dataset) -> None:
    _, told = run(cloth, replace(SHORT, patience=1), Course(), check=False)
    assert len(told.epochs) == 3


def test_a_last_batch_too_small_for_batch_norm_or_for_the_team_joins_the_one_before(cloth: Dataset) -> None:
    assert _lengths(17, 16, 1) == [17] and _lengths(18, 16, 1) == [16, 2] and _lengths(32, 16, 1) == [16, 16]
    assert _lengths(35, 16, 2) == [16, 19] and _lengths(3, 16, 2) == [3] and _lengths(3, 1, 1) == [1, 1, 1]
    odd = cloth.take(np.arange(17))
    net = build("resnet18", 1, len(cloth.classes))  # its map of 32 px is one pixel
    train(net, odd, None, replace(SHORT, epochs=1), Standardise((0.5,), (0.25,)), Course())


def test_a_checkpoint_is_known_by_all_that_changes_what_is_learnt() -> None:
    plain = Order(manifest=Path("m.csv"))
    others = (
        {"classes": ("hole", "good")}, {"large": "tiles"}, {"homogenise": True}, {"weights": Path("other")},
        {"large": "tiles", "max_tiles": 4}, {"knobs": {"rate": 0.1}}, {"seed": 1},
    )  # fmt: skip
    told = {replace(plain, **changes).identity("d", "train") for changes in ({}, *others)}
    assert len(told) == 1 + len(others)


def test_the_kept_epoch_is_the_best_by_macro_f1_or_the_last(cloth: Dataset) -> None:
    scores = [epoch["macro_f1"] for epoch in run(cloth, SHORT, Course(seed=4))[1].epochs]
    best = run(cloth, SHORT, Course(seed=4))[1]
    assert best.best_macro_f1 == max(scores) and best.best_epoch == scores.index(max(scores)) + 1
    assert run(cloth, replace(SHORT, keep="last"), Course(seed=4))[1].best_epoch == 3
    assert run(cloth, SHORT, Course(seed=4), check=False)[1].best_macro_f1 is None


def rates(how: Recipe, steps: int = 1) -> list[float]:
    """The learning rate that each epoch ends with."""
    net = torch.nn.Linear(2, 2)
    made = pace(net, how, steps)
    found = []
    for _ in range(how.epochs):
        found.append(made.optimiser.param_groups[0]["lr"])
        for _ in range(steps):
            made.optimiser.step()
            made.batch()
        made.epoch(0.5 + len(found) * 0.001)
    return found


def test_the_cifar_preset_falls_where_it_was_published_to_fall() -> None:
    found = rates(PRESETS["cifar"])
    expected = {
        0: 1e-3,
        79: 1e-3,
        80: 1e-4,
        119: 1e-4,
        120: 1e-5,
        159: 1e-5,
        160: 1e-6,
        179: 1e-6,
        180: 5e-7,
        199: 5e-7,
    }
    assert {epoch: found[epoch] for epoch in expected} == pytest.approx(expected)


def test_a_plateau_cuts_the_rate_by_the_root_of_ten_after_five_epochs_without_a_better_score() -> None:
    net = torch.nn.Linear(2, 2)
    made = pace(net, Recipe("adam", 1e-3, 0.0, "plateau", 0.0, 40), 1)
    seen = []
    for _ in range(40):
        made.epoch(0.5)
        seen.append(made.optimiser.param_groups[0]["lr"])
    assert seen[4] == 1e-3
    assert seen[6] == pytest.approx(1e-3 * 0.1**0.5)
    assert min(seen) >= 0.5e-6


def test_a_plateau_without_a_validation_side_goes_by_the_loss() -> None:
    made = pace(torch.nn.Linear(2, 2), Recipe("adam", 1e-3, 0.0, "plateau", 0.0, 40), 1)
    for epoch in range(8):
        made.epoch(-0.5 - epoch * 1e-5)
    assert made.optimiser.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.1**0.5)


def test_the_cosine_warms_up_and_ends_near_nothing() -> None:
    found = rates(Recipe(rate=1e-2, epochs=20, warmup=0.25), steps=5)
    assert found[0] < 1e-2 / 10
    assert max(found) == pytest.approx(1e-2, rel=0.05) and found.index(max(found)) in (4, 5)
    assert found[-1] < 1e-3


def test_balance_draws_rare_classes_as_often_as_it_says(cloth: Dataset) -> None:
    rare = cloth.take(np.concatenate([np.flatnonzero(cloth.targets == 0), np.flatnonzero(cloth.targets == 1)[:2]]))
    rng = np.random.default_rng(0)
    share = {
        b: np.mean([(rare.targets[_order(rare, b, rng)] == 1).mean() for _ in range(200)]) for b in (0.0, 0.5, 1.0)
    }
    n, m = int((rare.targets == 0).sum()), 2
    assert share[0.0] == pytest.approx(m / (n + m))
    assert share[0.5] == pytest.approx(m**0.5 / (n**0.5 + m**0.5), abs=0.03)
    assert share[1.0] == pytest.approx(0.5, abs=0.03)


def test_senseless_knobs_are_refused_by_name() -> None:
    for changes, word in (
        ({"rate": 0.0}, "rate"), ({"epochs": 0}, "epochs"), ({"mixup": -1.0}, "negative"), ({"ema": 1.0}, "ema"),
        ({"optimiser": "magic"}, "optimiser"), ({"schedule": "up"}, "schedule"), ({"balance": 2.0}, "balance"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=word):
            recipe("cloth", changes)
    with pytest.raises(DataError, match="no preset"):
        recipe("nothing", {})


def test_each_image_is_normalised_by_its_own_contrast_where_the_recipe_says_so() -> None:
    images = torch.randint(0, 128, (4, 1, 16, 16), dtype=torch.uint8) // 2 * 2
    dim = images // 2 + 90
    by_image, by_set = Standardise((0.5,), (0.2,), "image"), Standardise((0.5,), (0.2,))
    assert torch.allclose(by_image(images), by_image(dim), atol=0.02)
    assert not torch.allclose(by_set(images), by_set(dim), atol=0.5)
    assert by_image(images).std() == pytest.approx(1, abs=0.1)
    assert torch.equal(by_image(torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)), torch.zeros(1, 1, 8, 8))


def test_the_log_has_a_line_an_epoch_and_becomes_a_picture(cloth: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = tmp_path / "log.jsonl"
    run(cloth, SHORT, Course(log=log, title="fold-1"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {"run", "loss", "macro_f1", "rate", "seconds"} <= set(lines[0])
    curves.draw(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    log.write_text("no log\n")
    with pytest.raises(DataError, match="no log of a training"):
        curves.draw(log, tmp_path / "curves.png")


def ml(*words: str, wait: bool = True, torchrun: bool = False):  # type: ignore[no-untyped-def]
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if torchrun else []
    command = [sys.executable, *many, "-m", "ml", *words]
    started = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True,
    )  # fmt: skip
    if wait:
        out, err = started.communicate(timeout=300)
        assert started.returncode == 0, err
        return out
    return started


SMALL = (
    "train", "--drawn", "80", "--network", "resnet8v1", "--preset", "quick", "--size", "32", "--channels", "1",
    "--epochs", "4", "--precision", "fp32",
)  # fmt: skip


def test_a_training_killed_with_no_warning_goes_on_and_gives_the_very_same_weights(tmp_path: Path) -> None:
    ml(*SMALL, "--out", str(tmp_path / "whole"))
    words = (
        *SMALL,
        "--out",
        str(tmp_path / "broken"),
        "--work",
        str(tmp_path / "work"),
        "--log",
        str(tmp_path / "log"),
    )
    victim = ml(*words, wait=False)
    log, patience = tmp_path / "log", time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n")) and time.monotonic() < patience:
        time.sleep(0.02)
    os.killpg(victim.pid, 9)
    victim.communicate()
    assert not (tmp_path / "broken").exists()
    ml(*words)
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "broken")]
    assert weights[0] == weights[1]


def test_two_processes_train_one_network_and_write_one_bundle(tmp_path: Path) -> None:
    out = ml(*SMALL, "--out", str(tmp_path / "both"), torchrun=True)
    assert out.count("written to") == 1
    assert (tmp_path / "both" / "spec.json").is_file()
