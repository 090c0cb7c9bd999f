"""`python -m ml metric train|evaluate|plot|pack`: what the words mean, and what each does."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ml.cli_commands import print_figures
from ml.cli_kinds import add_flag, names
from ml.cli_knobs import add_knobs
from ml.metric.recipes import CHOICES, PRESETS, knobs
from ml.network_names import STEMS
from ml.refusal import DataError

FIGURES = "figures.json"
EXAMPLES = """examples:
  python -m ml metric train --manifest steel/manifest.csv --preset siamese --out study
  python -m ml metric evaluate study --json figures.json
  python -m ml metric plot study --out pictures --kind svg
  python -m ml metric pack --manifest steel/manifest.csv --preset siamese --out steel-1
"""


def add(commands: Any) -> None:
    about = "Learn, measure and draw a metric: embeddings in which images of one class lie close together."
    form = argparse.RawDescriptionHelpFormatter
    top = commands.add_parser("metric", help=about, description=about, epilog=EXAMPLES, formatter_class=form)
    verbs = top.add_subparsers(dest="verb", required=True)
    _add_train(verbs)
    made = verbs.add_parser("evaluate", help="Measure a study: retrieval, few shots, a class that nobody trained.")
    made.add_argument("study", type=Path, help="the folder that `metric train` left")
    made.add_argument("--json", type=Path, help=f"write the figures here (STUDY/{FIGURES})")
    made.set_defaults(run=evaluate)
    made = verbs.add_parser("plot", help="Draw loss, brightness before and after, and distances with their overlap.")
    made.add_argument("study", type=Path, help="the folder that `metric train` left")
    made.add_argument("--out", type=Path, help="folder of the pictures (the study)")
    made.add_argument("--kind", default="png", choices=("png", "svg"))
    made.set_defaults(run=plot)
    _add_pack(verbs)


def _add_train(verbs: Any) -> None:
    made = verbs.add_parser("train", help="Train one metric for each fold by source and one for each class left out.")
    made.add_argument("--out", type=Path, required=True, help="folder of the study; the same command goes on with it")
    made.add_argument("--network", default="resnet18")
    made.add_argument("--folds", type=int, default=3)
    made.add_argument(
        "--leave-out", type=names, default=("all",), metavar="a,b", help="classes that a further training never sees,"
        " one at a time: named, all, or none (all)",
    )  # fmt: skip
    made.add_argument("--leave-out-folds", type=int, default=1, help="in how many folds (1)")
    _add_learning(made)
    made.set_defaults(run=train)


def _add_pack(verbs: Any) -> None:
    """Of the head's presets, which compare what a bundle can hold."""
    about = "Train one metric on the training side, and leave a bundle that judges by the nearest prototype."
    made = verbs.add_parser("pack", help=about, description=about)
    made.add_argument("--out", type=Path, required=True, help="folder of the bundle; must not exist")
    made.add_argument("--name", default="", help="name of the model (the folder's)")
    made.add_argument("--licence", default="", help="of the images, where the manifest does not say")
    made.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "int8"))
    made.add_argument("--large", default="resize", choices=("resize", "tiles"), help="what to do with larger images")
    made.add_argument("--max-tiles", type=int, default=64)
    add_flag(made)
    made.add_argument("--work", type=Path, help="folder of a checkpoint: the same command goes on after a kill")
    _add_learning(made)
    made.set_defaults(run=pack)


def _add_learning(made: Any) -> None:
    """What train and pack share: the data, the start, the recipe and its knobs."""
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--manifest", type=Path, help="labelled images, as `train` takes them")
    source.add_argument("--drawn", type=int, default=0, metavar="N", help="N frames of cloth drawn by ml.fabric")
    made.add_argument("--preset", default="siamese", help=f"one of {', '.join(PRESETS)}")
    made.add_argument("--stem", default=STEMS[0], choices=STEMS)
    made.add_argument("--weights", type=Path, help="ImageNet weights as a file, instead of the trunk of drawn cloth")
    made.add_argument("--classes", type=names, default=(), help="exactly these classes, comma-separated")
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b", help="take classes a and b as NAME")
    made.add_argument("--source-file", type=Path, help="CSV that names the source of each image of an array")
    made.add_argument("--size", type=int, default=64, help="input side in pixels (64)")
    made.add_argument("--channels", type=int, default=1, choices=(1, 3))
    made.add_argument("--resize-mixed", action="store_true", help="take images of several sizes, all resized")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--log", type=Path, help="append a JSON line for each epoch to this file")
    add_knobs(made, knobs(), CHOICES, "docs/metric-learning.md says what they do")


def train(options: argparse.Namespace) -> None:
    from ml.metric.order import MetricOrder
    from ml.metric.study import learn

    _refuse_senseless(options)
    study = learn(MetricOrder(**_values(options, MetricOrder), knobs=_turned(options)), print)
    print(f"{len(study['parts'])} parts in {options.out}; now: python -m ml metric evaluate {options.out}")


def pack(options: argparse.Namespace) -> None:
    from ml.flagging import Flag
    from ml.metric import packing
    from ml.order import Order

    _refuse_senseless(options)
    flag = Flag(options.threshold, options.cost, options.overkill)
    bundle = Order(**{**_values(options, Order), "preset": Order.preset, "weights": None}, flag=flag)
    spec = packing.pack(packing.PackOrder(bundle, options.preset, _turned(options), options.weights), print)
    print(f"{spec.name}: a {spec.network}, written to {options.out}")
    if "held_out" in spec.metrics:
        print_figures(spec.metrics["held_out"])


def _values(options: argparse.Namespace, order: type[Any]) -> dict[str, Any]:
    """The options that an order asks for."""
    values = {key: value for key, value in vars(options).items() if key in order.__dataclass_fields__}
    return values | {"merge": tuple(options.merge)}


def _turned(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name, _ in knobs() if getattr(options, name) is not None}


def _refuse_senseless(options: argparse.Namespace) -> None:
    least = {"size": 8, "folds": 2, "leave_out_folds": 1, "threads": 1, "seed": 0, "drawn": 0, "max_tiles": 1}
    low = [name for name, bound in least.items() if getattr(options, name, bound) < bound]
    if low:
        raise DataError("; ".join(f"--{name.replace('_', '-')} must be {least[name]} or more" for name in low))
    if options.log and (options.log.is_dir() or not options.log.parent.is_dir()):
        raise DataError(f"no file can be written to {options.log}: its folder must be there")


def evaluate(options: argparse.Namespace) -> None:
    found = _measured(options.study)
    place = options.json or options.study / FIGURES
    place.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for line in _table(found):
        print(line)
    print(f"written to {place}")


def plot(options: argparse.Namespace) -> None:
    from ml.metric import kept, plots

    for place in plots.draw(
        kept.read(options.study), _measured(options.study), options.out or options.study, options.kind
    ):
        print(f"drawn to {place}")


def _measured(folder: Path) -> dict[str, Any]:
    from ml.metric import evaluate as measuring
    from ml.metric import kept

    return measuring.figures(folder, kept.read(folder))


def _table(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['preset']}, {found['network']} at {found['size']} px, {found['folds']} folds, {found['split']}"]
    for of in ("held", "labelled"):
        part = found[of]
        lines.append(
            f"against {of + ' images':16} recall@1 {_told(part['recall_at_1'])}  mAP@R {_told(part['map_at_r'])}"
        )
    for shots, part in found["shots"].items():
        told = "  ".join(f"{of} {_told(part[of]['balanced'])}" for of in part)
        lines.append(f"{shots:>2} examples a class      {told}")
    for name, part in found["unseen"]["classes"].items():
        told = "  ".join(f"{key} {_told(part[key])}" for key in ("recall", "precision"))
        lines.append(f"never seen: {name:16} {told}  unknown AUROC {part['auroc']:.3f}")
    if found["unseen"]["mean"]:
        told = "  ".join(f"{key} {value:.3f}" for key, value in found["unseen"]["mean"].items())
        lines.append(f"never seen, mean:            {told}")
    return lines


def _told(figure: dict[str, Any]) -> str:
    if figure["mean"] is None:
        return "not measured"
    ends = figure["interval"]
    return f"{figure['mean']:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
