"""The command line: `python -m ml train|head|crossval|pretrain|…`. Exit codes: 0 done, 2 bad input or a full disk."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ml import cli_commands, cli_metric, cli_texture
from ml.bundle import BundleError
from ml.cli_kinds import add_flag, count, names, seed
from ml.cli_knobs import add_knobs
from ml.network_names import STEMS
from ml.presets import CHOICES, PRESETS, knobs
from ml.refusal import DataError

# What writing meets where the disk, a quota or a limit leaves no room, or nobody may write.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)

STARTER = Path(__file__).parent / "starter"
EXAMPLES = """examples:
  python -m ml train --drawn 24000 --preset starter --seed 1 --overkill 0.005 --out starter
  python -m ml train --manifest cloth/manifest.csv --network textile_resnet --merge spot=nep,fuzzyball --out mill-1
  python -m ml head --base mill-1 --embeddings kept.npz --out mill-2
  python -m ml crossval --manifest cloth/manifest.csv --preset best --folds 3 --json figures.json --html report.html
  python -m ml evaluate mill-1 --manifest cloth/manifest.csv --json figures.json
  python -m ml bench --network textile_resnet --size 64 --json bench.json
  python -m ml draw --out cloth --rolls 20 --frames 10
  python -m ml metric train --manifest steel/manifest.csv --preset siamese --out study
"""


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (DataError, BundleError) as problem:
        print(f"ml {options.command}: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise
        where = f": {problem.filename}" if problem.filename else ""
        print(f"ml {options.command}: nothing more can be written ({problem.strerror}){where}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m ml", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    own = (_add_train, _add_head, _add_crossval, _add_pretrain, _add_evaluate, _add_bench, _add_draw, _add_trial)
    for add in (*own, cli_metric.add, cli_texture.add):
        add(commands)
    return top


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], about: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.set_defaults(run=run)
    return made


def _add_train(commands: Any) -> None:
    made = _command(
        commands, "train", cli_commands.train, "Train a network on labelled or drawn images; leaves a bundle."
    )
    made.add_argument("--out", type=Path, required=True, help="folder of the bundle; must not exist")
    made.add_argument("--name", default="", help="name of the model (the folder's)")
    made.add_argument(
        "--precision", default="auto", choices=("auto", "fp32", "bf16", "int8"),
        help="of judging on a CPU; auto takes the fastest that the export check finds to agree with fp32",
    )  # fmt: skip
    made.add_argument(
        "--texture", default="auto", choices=("auto", "yes", "no"),
        help="whether captures are compared by textures; auto: if they find known classes about as well as embeddings",
    )  # fmt: skip
    made.add_argument("--curves", type=Path, help="draw the curves of loss and macro-F1 to this PNG or SVG file")
    _add_learning(made)


def _add_head(commands: Any) -> None:
    made = _command(
        commands,
        "head",
        cli_commands.head,
        "Fit a new last layer to a bundle's embeddings; leaves a bundle, in seconds.",
    )
    made.add_argument("--base", type=Path, required=True, help="the bundle whose trunk stays")
    made.add_argument("--out", type=Path, required=True, help="folder of the bundle; must not exist")
    made.add_argument(
        "--embeddings", type=Path, help="an .npz of embedding, label, source, side (train, val) and perhaps weight"
    )
    made.add_argument(
        "--manifest", type=Path,
        help="labelled images: they renew what known cloth looks like and prove fewer bits again; without --embeddings "
        "the base looks at them first",
    )  # fmt: skip
    made.add_argument("--classes", type=names, default=(), help="exactly these classes, comma-separated")
    made.add_argument(
        "--base-classes", type=names, default=(), help="what the labels call the base's classes, in its order"
    )
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b", help="judge classes a and b as NAME")
    made.add_argument("--resize-mixed", action="store_true", help="take images of several sizes, all resized")
    made.add_argument(
        "--leave-twins", action="store_true",
        help="of a given split, leave out what nearly equals a training image, instead of refusing it",
    )  # fmt: skip
    made.add_argument("--name", default="", help="name of the model (the folder's)")
    made.add_argument("--licence", default="", help="of the images")
    made.add_argument("--threads", type=count, default=1)
    made.add_argument("--log", type=Path, help="append a JSON line for each strength tried to this file")
    made.add_argument("--progress", type=Path, help="keep this JSON file telling how far the work is")
    add_flag(made)


def _add_crossval(commands: Any) -> None:
    made = _command(
        commands, "crossval", cli_commands.crossval,
        "Train once a fold and judge each image by a network that never saw its source.",
    )  # fmt: skip
    made.add_argument("--json", type=Path, help="write the figures here as well")
    made.add_argument("--html", type=Path, help="write a report to look at, in one file")
    _add_learning(made)


def _add_pretrain(commands: Any) -> None:
    made = _command(
        commands, "pretrain", cli_commands.pretrain,
        "Learn a trunk on drawn cloth with planted faults, from which `--start drawn` begins.",
    )  # fmt: skip
    made.add_argument("--network", default="textile_resnet")
    made.add_argument("--stem", default="standard", choices=STEMS)
    made.add_argument("--patches", type=count, default=100_000, help="how many patches, each seen once (100000)")
    made.add_argument("--out", type=Path, help="a safetensors file; the place where the other commands look for it")
    made.add_argument("--seed", type=seed, default=0)
    made.add_argument("--threads", type=count, default=1)
    made.add_argument("--log", type=Path, help="append a JSON line for each epoch to this file")


def _add_learning(made: argparse.ArgumentParser) -> None:
    """What train and crossval share: the data, the network, the recipe and its knobs."""
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--manifest", type=Path, help="CSV of path,label,source[,roll][,split][,licence], class folders, or arrays"
    )
    source.add_argument(
        "--drawn", type=count, default=0, metavar="N", help="train on N frames of cloth drawn by ml.fabric"
    )
    made.add_argument("--network", default="textile_resnet", help="for example textile_resnet, resnet18, resnet20v1")
    made.add_argument("--preset", default="cloth", help=f"one of {', '.join(PRESETS)}")
    made.add_argument(
        "--classes", type=names, default=(), help="exactly these classes, comma-separated; another label is refused"
    )
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b", help="judge classes a and b as NAME")
    made.add_argument("--source-file", type=Path, help="CSV that names the source of each image of an array")
    made.add_argument("--size", type=count, default=64, help="input side in pixels (64)")
    made.add_argument("--channels", type=int, default=3, choices=(1, 3))
    made.add_argument("--large", default="resize", choices=("resize", "tiles"), help="what to do with larger images")
    made.add_argument("--max-tiles", type=count, default=64)
    made.add_argument("--resize-mixed", action="store_true", help="take images of several sizes, all resized")
    made.add_argument(
        "--leave-twins", action="store_true",
        help="of a given split, leave out what nearly equals a training image, instead of refusing it",
    )  # fmt: skip
    made.add_argument("--homogenise", action="store_true", help="move every image to the set's mean brightness")
    made.add_argument(
        "--stem", default=STEMS[0], choices=STEMS, help="of resnet18, 34 and 50; small sees finer, slower"
    )
    made.add_argument("--turns", type=names, default=(), help="classes that stay themselves when turned by a quarter")
    made.add_argument("--fixed", type=names, default=(), help="classes that change when mirrored: never flipped")
    made.add_argument("--folds", type=count, default=3)
    add_flag(made)
    made.add_argument("--seed", type=seed, default=0)
    made.add_argument("--threads", type=count, default=1)
    made.add_argument("--weights", type=Path, help="ImageNet weights as a file, or a bundle to take the trunk of")
    made.add_argument("--licence", default="", help="of the images, where the manifest does not say")
    made.add_argument("--log", type=Path, help="append a JSON line for each epoch to this file")
    made.add_argument("--progress", type=Path, help="keep this JSON file telling how far the work is")
    made.add_argument("--work", type=Path, help="folder of checkpoints: the same command goes on after a kill")
    add_knobs(made, knobs(), CHOICES, "ml/README.md says what each does")


def _add_evaluate(commands: Any) -> None:
    made = _command(
        commands, "evaluate", cli_commands.evaluate, "Judge labelled images with a bundle and print the figures."
    )
    made.add_argument("bundle", type=Path)
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b")
    made.add_argument("--source-file", type=Path, help="CSV that names the source of each image of an array")
    made.add_argument(
        "--side", choices=("train", "val", "test"), help="only the rows on this side of the split by hash"
    )
    made.add_argument(
        "--as-unknown", nargs="?", const="foreign", metavar="a,b",
        help="images of these classes should be called unknown: named, `all`, or without names those it lacks",
    )  # fmt: skip
    made.add_argument("--json", type=Path, help="write the figures here as well")
    made.add_argument("--html", type=Path, help="write a report to look at, in one file")
    made.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    made.add_argument("--threads", type=count, default=1)


def _add_bench(commands: Any) -> None:
    made = _command(commands, "bench", cli_commands.bench, "Compare the CPU engine with torch eager, both in one run.")
    made.add_argument(
        "--network", action="append", help="may be repeated; textile_resnet and resnet18 if none is named"
    )
    made.add_argument("--size", type=count, default=64)
    made.add_argument("--channels", type=int, default=3, choices=(1, 3))
    made.add_argument("--batch", type=count, default=32)
    made.add_argument("--rounds", type=count, default=7, help="interleaved rounds; the median is reported")
    made.add_argument("--json", type=Path)


def _add_draw(commands: Any) -> None:
    made = _command(
        commands, "draw", cli_commands.draw, "Draw cloth with planted defects: images, masks and a manifest."
    )
    made.add_argument("--out", type=Path, required=True)
    made.add_argument("--rolls", type=count, default=6)
    made.add_argument("--frames", type=count, default=12, help="frames of each roll")
    made.add_argument("--seed", type=seed, default=0, help="of the first roll")
    made.add_argument("--size", type=count, default=256)
    made.add_argument("--sheet", action="store_true", help="one contact sheet (sheet.png) instead: a row for each roll")


def _add_trial(commands: Any) -> None:
    made = _command(
        commands, "teaching-experiment", cli_commands.teaching_experiment,
        "Buy labels in the order that teaches most and at random; compare what a head learns of each.",
    )  # fmt: skip
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b")
    made.add_argument("--bundle", type=Path, default=STARTER, help="whose embeddings (the starter's)")
    made.add_argument("--seeds", type=count, default=5)
    made.add_argument("--start", type=count, default=40, help="random labels that both begin with (40)")
    made.add_argument("--batch", type=count, default=20)
    made.add_argument("--budget", type=count, default=400, help="labels in the end (400)")
    made.add_argument("--threads", type=count, default=1)
    made.add_argument("--json", type=Path, help="write the figures here as well")
    made.add_argument("--svg", type=Path, help="draw both curves here")
