"""Learning curves of classes, drawn by the server: F1 over labels, its band, and where the next labels would lead.

As in `charts`, integers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.pages.periods import rounded

WIDTH, HEIGHT = 1000, 1000
NEXT = 50  # labels; see ml.enough
LEAST_SOURCES, LEAST_LABELS = 3, 12  # see ml.enough
LITTLE = 0.005  # of F1; less is next to nothing


@dataclass(frozen=True)
class Row:
    """One measured point, for the table."""

    labels: int
    f1: str
    between: str


@dataclass(frozen=True)
class ClassCurve:
    """One class. `problem` in words where nothing could be measured; then nothing is drawn."""

    code: str
    name: str
    labels: int
    sources: int
    now: str = ""
    problem: str = ""
    gain: float = 0.0
    gain_words: str = ""
    words: str = ""
    line: str = ""
    band: str = ""
    dots: str = ""
    ahead: str = ""
    whisker: str = ""
    last: int = 0  # the right edge, in labels
    rows: Sequence[Row] = ()

    view_box = f"0 0 {WIDTH} {HEIGHT}"
    width, full, half = WIDTH, HEIGHT, HEIGHT // 2


def curves(body: Mapping[str, Any], names: Mapping[str, str]) -> list[ClassCurve]:
    """Those that the next labels help most come first; those of which nothing can be said come last."""
    found = [_curve(one, names.get(one["code"], one["code"])) for one in body["curves"]]
    return sorted(found, key=lambda one: (bool(one.problem), -one.gain))


def _curve(one: Mapping[str, Any], name: str) -> ClassCurve:
    if one["problem"] or one["next"] is None:
        return ClassCurve(one["code"], name, one["labels"], one["sources"], problem=_problem_words(one))
    points, ahead, labels = one["points"], one["next"], one["labels"]
    last = labels + NEXT
    there = _place(last, ahead["now"] + ahead["gain"], last)
    return ClassCurve(
        code=one["code"],
        name=name,
        labels=labels,
        sources=one["sources"],
        now=rounded(ahead["now"], 2),
        gain=ahead["gain"],
        gain_words=_gain_words(ahead),
        words=_("%(name)s: F1 from %(first)s with %(few)d labels to %(last)s with %(many)d.")
        % {
            "name": name, "first": rounded(points[0][1], 2), "few": round(points[0][0]),
            "last": rounded(points[-1][1], 2), "many": round(points[-1][0]),
        },
        line="M" + "L".join(_place(n, f1, last) for n, f1, _low, _high in points),
        band=_band(points, last),
        dots="".join(f"M{_place(n, f1, last)}h0" for n, f1, _low, _high in points),
        ahead=f"M{_place(points[-1][0], points[-1][1], last)}L{_place(labels, ahead['now'], last)}L{there}",
        whisker=_whisker(ahead, last),
        last=last,
        rows=[Row(round(n), rounded(f1, 2), f"{rounded(low, 2)} – {rounded(high, 2)}") for n, f1, low, high in points],
    )  # fmt: skip


def _place(labels: float, f1: float, last: int) -> str:
    return f"{round(WIDTH * labels / last)} {_y(f1)}"


def _y(f1: float) -> int:
    return round(HEIGHT * (1 - min(max(f1, 0.0), 1.0)))


def _band(points: Sequence[Sequence[float]], last: int) -> str:
    upper = [_place(n, high, last) for n, _f1, _low, high in points]
    lower = [_place(n, low, last) for n, _f1, low, _high in reversed(points)]
    return f"M{'L'.join(upper + lower)}Z"


def _whisker(ahead: Mapping[str, float], last: int) -> str:
    low, high = _y(ahead["now"] + ahead["low"]), _y(ahead["now"] + ahead["high"])
    return f"M{WIDTH} {low}V{high}"


def _gain_words(ahead: Mapping[str, float]) -> str:
    if ahead["high"] < LITTLE:
        return _("The next %(n)d labels would bring next to nothing.") % {"n": NEXT}
    return _("The next %(n)d labels: +%(gain)s of F1, 90 %% between +%(low)s and +%(high)s.") % {
        "n": NEXT,
        "gain": rounded(ahead["gain"], 2),
        "low": rounded(ahead["low"], 2),
        "high": rounded(ahead["high"], 2),
    }


def _problem_words(one: Mapping[str, Any]) -> str:
    if one["problem"] == "one-class":
        return _("Nothing is labelled as any other class, so there is nothing to tell it from.")
    if one["problem"] == "few-labels":
        words = _("Too few labels to measure: from %(least)d on it can be said; there are %(n)d.")
        return words % {"least": LEAST_LABELS, "n": one["labels"]}
    here = ngettext("there is %(n)d", "there are %(n)d", one["sources"]) % {"n": one["sources"]}
    words = _("Too few rolls or hours to measure: from %(least)d on it can be said; %(here)s.")
    return words % {"least": LEAST_SOURCES, "here": here}
