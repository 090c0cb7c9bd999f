"""Kinds of figure on the command line, and the options that say where the threshold lies."""

from __future__ import annotations

import argparse
import math


def add_flag(made: argparse.ArgumentParser) -> None:
    made.add_argument("--threshold", type=share, help="flag from this anomaly score, instead of by cost")
    made.add_argument("--cost", type=cost, default=20.0, help="what an escape costs, in overkills (20)")
    made.add_argument(
        "--overkill", type=share, default=0.05, help="raise the threshold until it flags at most this of good"
    )


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def cost(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must lie in 0..1")
    return number
