"""Every knob of a recipe as an option of a command."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def add_knobs(
    made: argparse.ArgumentParser, knobs: Iterable[tuple[str, Any]], choices: Mapping[str, Sequence[str]], place: str
) -> None:
    """`knobs` are names and types; one that is not given is None, and the preset's holds. `place` explains them."""
    group = made.add_argument_group("knobs", f"instead of the preset's; {place}")
    for name, kind in knobs:
        flag = f"--{name.replace('_', '-')}"
        if kind is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            group.add_argument(flag, type=kind, default=None, choices=choices.get(name))
