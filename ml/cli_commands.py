"""What each command does. Each imports its engine itself, so that `--help` is quick and drawing needs no torch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.refusal import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.data import Row
    from ml.order import Order
    from ml.spec import Spec


def train(options: argparse.Namespace) -> None:
    from ml.learn import learn

    _refuse_curves_without_log(options)
    _refuse_nowhere(options.log, options.curves, options.progress)
    spec = learn(_order(options), print)
    if spec is None:
        return
    if options.curves:
        from ml import curves

        curves.draw(options.log, options.curves)
    print(f"{spec.name}: written to {options.out}")
    if "held_out" in spec.metrics:
        print_figures(spec.metrics["held_out"])


def head(options: argparse.Namespace) -> None:
    from ml.flagging import Flag
    from ml.head import learn
    from ml.head_data import HeadOrder
    from ml.progress import Progress

    _refuse_nowhere(options.log, options.progress)
    values = {key: value for key, value in vars(options).items() if key in HeadOrder.__dataclass_fields__}
    values |= {"merge": tuple(options.merge), "progress": Progress(options.progress)}
    spec = learn(HeadOrder(**values, flag=Flag(options.threshold, options.cost, options.overkill)))
    print(f"{spec.name}: written to {options.out} in {spec.training['seconds']} s")
    print_figures(spec.metrics["held_out"])


def crossval(options: argparse.Namespace) -> None:
    from ml.learn import cross_validate

    _refuse_nowhere(options.log, options.json, options.html, options.progress)
    order = _order(options)
    held, found = cross_validate(order, print)
    print_figures(found)
    for name, over in found["over_folds"].items():
        if over["mean"] is not None:
            print(f"  over folds {name:20} {over['mean']:.4f}  {_interval(over['interval'])}")
    _save(options.json, found)
    if options.html:
        from ml.report_crossval import of_crossval

        options.html.write_text(of_crossval(held, order, found), encoding="utf-8")


def teaching_experiment(options: argparse.Namespace) -> None:
    from ml import trial_command

    _refuse_nowhere(options.json, options.svg)
    print(trial_command.run(options))


def pretrain(options: argparse.Namespace) -> None:
    from ml.network_names import objection
    from ml.pretext import trunk

    _refuse_nowhere(options.log)
    reason = objection(options.network, options.stem)
    if reason:
        raise DataError(reason)
    net, _ = trunk.learn(options.network, options.stem, options.patches, options.seed, options.threads, options.log)
    trunk.keep(net, options.out or trunk.place(options.network, options.stem))


def _refuse_curves_without_log(options: argparse.Namespace) -> None:
    if options.curves and not options.log:
        raise DataError("--curves draws what --log holds: give both")


def _refuse_nowhere(*places: Path | None) -> None:
    """DataError on a file that could not be written in the end, before the hours that lead there."""
    nowhere = [str(place) for place in places if place and (place.is_dir() or not place.parent.is_dir())]
    if nowhere:
        raise DataError(f"no file can be written to {', '.join(nowhere)}: its folder must be there")


def _order(options: argparse.Namespace) -> Order:
    """The order that the options give."""
    from ml.flagging import Flag
    from ml.order import Order
    from ml.presets import knobs
    from ml.progress import Progress

    given = vars(options)
    turned = {name: given[name] for name, _ in knobs() if given[name] is not None}
    values = {key: value for key, value in given.items() if key in Order.__dataclass_fields__}
    values |= {"merge": tuple(options.merge), "knobs": turned, "progress": Progress(options.progress)}
    return Order(**values, flag=Flag(options.threshold, options.cost, options.overkill))


def _interval(ends: list[float] | None) -> str:
    return f"[{ends[0]:.4f}, {ends[1]:.4f}]" if ends else ""


def evaluate(options: argparse.Namespace) -> None:
    from ml.data import check_files, parse_merge, read_rows
    from ml.evaluate import evaluate_rows
    from ml.inspector import Inspector
    from ml.report_bundle import of_bundle, split_of
    from ml.splits import rows_on

    _refuse_nowhere(options.json, options.html)
    rows = read_rows(options.manifest, parse_merge(options.merge), options.source_file)
    check_files(rows)
    inspector = Inspector.load(options.bundle, options.device, options.threads)
    if options.side:
        rows = rows_on(options.side, rows, tuple(sorted({row.label for row in rows})), inspector.spec.input)
    if not rows:
        raise DataError(f"no rows on the side {options.side}")
    found = evaluate_rows(inspector, rows, _strange(options.as_unknown, rows, inspector.spec.classes))
    split = split_of(rows) + _seen(inspector.spec, options.side)
    told = found.figures | {"side": options.side or "all", "split": split}
    print_figures(told)
    _save(options.json, told)
    if options.html:
        options.html.write_text(of_bundle(inspector.spec, found, told), encoding="utf-8")


def _seen(spec: Spec, side: str | None) -> str:
    """A word of warning where a side is asked for that training did not hold back, as when folds calibrated."""
    counts = spec.data.get("counts", {})
    return "; but the bundle trained on every side" if side and counts and side not in counts else ""


def _strange(wanted: str | None, rows: Sequence[Row], classes: Sequence[str]) -> set[str]:
    """The labels that should be called unknown: none, those named, all, or those that the bundle does not know."""
    found = {row.label for row in rows}
    if wanted is None:
        return set()
    if wanted == "foreign":
        return found - set(classes)
    if wanted == "all":
        return found
    named = set(wanted.split(","))
    if named - found:
        raise DataError(f"--as-unknown: no row is of class {', '.join(sorted(named - found))}")
    return named


def bench(options: argparse.Namespace) -> None:
    from ml import bench as benching

    networks = options.network or ["textile_resnet", "resnet18"]
    found = benching.bench(networks, options.size, options.channels, options.batch, options.rounds)
    print(json.dumps(found, indent=1))
    _save(options.json, found)


def draw(options: argparse.Namespace) -> None:
    from ml.draw import contact_sheet, folder

    make = contact_sheet if options.sheet else folder
    make(options.out, range(options.seed, options.seed + options.rolls), options.frames, options.size)
    print(f"drawn to {options.out}")


def print_figures(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if not isinstance(value, (dict, list)):
            print(f"{name:18} {value:.4f}" if isinstance(value, float) else f"{name:18} {value}")
    for name, part in found["per_class"].items():
        values = "  ".join(f"{key} {part[key]:.3f}" for key in ("precision", "recall", "f1") if part["support"])
        print(f"  {name:22} {values}  of {part['support']}" if values else f"  {name:22} not measured")


def _save(place: Path | None, found: dict[str, Any]) -> None:
    if place:
        place.write_text(json.dumps(found, indent=1) + "\n")
