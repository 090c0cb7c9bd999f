"""The command line of textures: given to a bundle of before there were any, and measured. docs/metric-learning.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ml.cli_kinds import count, seed


def add(commands: Any) -> None:
    about = "Add a texture to a bundle that was packed without one: the same weights and answers; nothing is trained."
    made = commands.add_parser("retrofit", help=about, description=about)
    made.add_argument("--out", type=Path, required=True, help="folder of the new bundle; must not exist")
    made.add_argument(
        "--texture", default="auto", choices=("auto", "yes"), help="yes: even where its embeddings tell more"
    )
    _add_images(made, "what it was trained on")
    made.set_defaults(run=retrofit)
    about = "How well a few examples make a class that a bundle never learnt, by its embeddings and by its textures."
    made = commands.add_parser("unseen", help=about, description=about)
    made.add_argument("--examples", type=count, default=5)
    made.add_argument("--draws", type=count, default=20)
    made.add_argument("--json", type=Path, help="write the figures of every draw here")
    _add_images(made, "images of its classes and of others; of its own the training side is left out")
    made.set_defaults(run=unseen)


def _add_images(made: Any, what: str) -> None:
    made.add_argument("bundle", type=Path)
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--manifest", type=Path, help=what)
    source.add_argument("--drawn", type=count, default=0, metavar="N", help="N frames of drawn cloth instead")
    made.add_argument("--merge", action="append", default=[], metavar="NAME=a,b", help="take classes a and b as NAME")
    made.add_argument("--seed", type=seed, default=0, help="of what is drawn")
    made.add_argument("--threads", type=count, default=1)


def _values(options: argparse.Namespace, names: Any) -> dict[str, Any]:
    values = {key: value for key, value in vars(options).items() if key in names}
    return {**values, "merge": tuple(options.merge)}


def retrofit(options: argparse.Namespace) -> None:
    from ml.retrofit import RetrofitOrder, retrofit

    spec = retrofit(RetrofitOrder(**_values(options, RetrofitOrder.__dataclass_fields__)))
    print(f"{spec.name}: written to {options.out}, with textures of {spec.texture_size} figures")


def unseen(options: argparse.Namespace) -> None:
    from ml.metric.served import Order, lines, measure

    found = measure(Order(**_values(options, Order._fields)))
    for line in lines(found):
        print(line)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
