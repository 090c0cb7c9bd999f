"""What each command does. Each imports its engine itself, so that `--help` is quick and drawing needs no torch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ml.data import DataError


def train(options: argparse.Namespace) -> None:
    from ml.learn import Order, learn
    from ml.pack import Flag
    from ml.presets import PRESETS

    if options.preset not in PRESETS:
        raise DataError(f"there is no preset {options.preset!r}: use one of {', '.join(PRESETS)}")
    values = {key: value for key, value in vars(options).items() if key in Order.__dataclass_fields__}
    values |= {"classes": tuple(filter(None, options.classes.split(","))), "merge": tuple(options.merge)}
    spec = learn(Order(**values, flag=Flag(options.threshold, options.cost, options.overkill)))
    print(f"{spec.name}: written to {options.out}")
    if "held_out" in spec.metrics:
        _print_figures(spec.metrics["held_out"])


def evaluate(options: argparse.Namespace) -> None:
    from ml.data import check_files, parse_merge, read_rows
    from ml.evaluate import evaluate_rows
    from ml.inspector import Inspector
    from ml.splits import side_of

    rows = read_rows(options.manifest, parse_merge(options.merge))
    rows = [row for row in rows if options.side in (None, row.split or side_of(row.group))]
    check_files(rows)
    if not rows:
        raise DataError(f"no rows on the side {options.side}")
    found = evaluate_rows(Inspector.load(options.bundle, options.device, options.threads), rows)
    _print_figures(found)
    _save(options.json, found)


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


def _print_figures(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if not isinstance(value, dict):
            print(f"{name:18} {value:.4f}" if isinstance(value, float) else f"{name:18} {value}")
    for name, part in found["per_class"].items():
        values = "  ".join(f"{key} {part[key]:.3f}" for key in ("precision", "recall", "f1"))
        print(f"  {name:22} {values}  of {part['support']}")


def _save(place: Path | None, found: dict[str, Any]) -> None:
    if place:
        place.write_text(json.dumps(found, indent=1) + "\n")
