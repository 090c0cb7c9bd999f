"""Learning curves drawn by the server: a line for each part of a training, as integers of an SVG's own coordinates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from inspections.pages.periods import rounded

WIDTH, HEIGHT = 1000, 1000
TOPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """One part of the training: a fold, or the network that is kept. `end`: where its latest epoch lies."""

    part: str
    line: str
    end: str
    is_last: bool


@dataclass(frozen=True)
class CurveChart:
    """One figure over the epochs, from 0 to `top`. `first`: what the left end of the axis is called."""

    name: str
    curves: tuple[Curve, ...]
    top: str
    epochs: int
    latest: str
    words: str
    first: str

    view_box = f"0 0 {WIDTH} {HEIGHT}"
    width, full, half = WIDTH, HEIGHT, HEIGHT // 2


def charts(history: Sequence[Entry], epochs: int, *, of_tries: bool = False) -> list[CurveChart]:
    """Loss and macro-F1, where they were told. `epochs`: how many are planned; the line grows into its place.

    `of_tries`: what was fitted is a last layer, again and again and each time anew; that has no epochs.
    """
    names = (("loss", _("Loss"), None), ("macro_f1", _("Macro-F1 on the validation side"), 1.0))
    found = (_chart(history, key, str(name), top, epochs, of_tries) for key, name, top in names)
    return [chart for chart in found if chart]


def _chart(
    history: Sequence[Entry], key: str, name: str, top: float | None, epochs: int, of_tries: bool
) -> CurveChart | None:
    told = [entry for entry in history if isinstance(entry.get(key), int | float)]
    if not told:
        return None
    highest = max(float(entry[key]) for entry in told)
    limit = top or next((one for one in TOPS if highest <= one), highest)
    longest = max(epochs, *(int(entry["epoch"]) for entry in told))
    parts = [(part, list(entries)) for part, entries in groupby(told, key=lambda entry: str(entry.get("run", "")))]
    curves = [_curve(part, entries, key, limit, longest, part == parts[-1][0]) for part, entries in parts]
    latest = rounded(float(told[-1][key]), 3)
    over = _("%(name)s over %(n)d epochs; the latest is %(latest)s.")
    if of_tries:
        over = _("%(name)s over %(n)d tries; the latest is %(latest)s.")
    words = over % {"name": name, "n": len(told), "latest": latest}
    first = _("try 1") if of_tries else _("epoch 1")
    return CurveChart(name, tuple(curves), f"{limit:g}", longest, latest, words, first)


def _curve(part: str, entries: Iterable[Entry], key: str, top: float, epochs: int, is_last: bool) -> Curve:
    points = [(_x(int(entry["epoch"]), epochs), _y(float(entry[key]), top)) for entry in entries]
    line = "M" + "L".join(f"{x} {y}" for x, y in points)
    return Curve(part, line, f"M{points[-1][0]} {points[-1][1]}h0", is_last)


def _x(epoch: int, epochs: int) -> int:
    """The first epoch at the left edge, the last planned one at the right."""
    return 0 if epochs <= 1 else round(WIDTH * (epoch - 1) / (epochs - 1))


def _y(value: float, top: float) -> int:
    return round(HEIGHT * (1 - min(max(value / top, 0.0), 1.0)))
