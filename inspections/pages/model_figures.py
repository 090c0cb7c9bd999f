"""What a version's card and the gate's page say in numbers: figures with intervals, matrices, a reliability diagram."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections.escape import Interval
from inspections.models import GateReport, ModelVersion
from inspections.models.defect_class import UNKNOWN
from inspections.pages.dots import Whisker, lying
from inspections.pages.periods import rounded

Figures = Mapping[str, Any]
BINS = 10
SIDE = 1000


@dataclass(frozen=True)
class Row:
    """One figure between 0 and 1, its interval and its picture."""

    name: str
    value: str
    between: str
    whisker: Whisker
    support: int | None = None
    precision: str = ""
    recall: str = ""
    is_challenger: bool = False


@dataclass(frozen=True)
class Cell:
    count: int
    is_same: bool
    url: str  # of its images, where there are any to open


@dataclass(frozen=True)
class Matrix:
    """Rows: what people say; columns: what the version says, `unknown` last."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Reliable:
    """A bin of a reliability diagram in its picture's coordinates; `radius` grows with the images in it."""

    x: int
    y: int
    radius: int
    words: str


def held_out(version: ModelVersion) -> Figures | None:
    """What the training's own held-out images gave, where it kept some."""
    found: Figures | None = version.spec.get("metrics", {}).get("held_out")
    return found


def summary(found: Figures | None) -> list[Row]:
    names = (
        ("macro_f1", _("Macro-F1, unknown is wrong")), ("macro_f1_top_class", _("Macro-F1 of the likeliest class")),
        ("auroc", _("AUROC, good against defect")), ("escape_rate", _("Escape rate")), ("overkill", _("Overkill")),
        ("unknown_rate", _("Called unknown")), ("ece", _("Calibration error")),
    )  # fmt: skip
    if not found:
        return []
    known = [(name, words) for name, words in names if found.get(name) is not None]
    return [row_of(words, found[name], found.get("interval", {}).get(name)) for name, words in known]


def per_class(found: Figures | None, names: Mapping[str, str], code_of: Any = str) -> list[Row]:
    """F1 of each class, with precision and recall beside it."""
    return [
        row_of(
            names.get(code_of(name), code_of(name)),
            part["f1"],
            part.get("interval", {}).get("f1"),
            support=part["support"],
            precision=rounded(part["precision"], 3),
            recall=rounded(part["recall"], 3),
        )
        for name, part in (found or {}).get("per_class", {}).items()
    ]


def row_of(name: str, value: float, ends: Sequence[float] | None, **more: Any) -> Row:
    between = Interval(*ends) if ends else None
    words = f"{rounded(between.low, 3)} – {rounded(between.high, 3)}" if between else "–"
    return Row(name, rounded(value, 3), words, lying(value, between), **more)


def matrix_of(version: ModelVersion, found: Figures | None, names: Mapping[str, str]) -> Matrix | None:
    """Of the held-out images; these are no captures of the mill, so nothing opens."""
    table = (found or {}).get("confusion")
    if not table:
        return None
    codes = [version.code_of(name) for name in table["rows"]]
    rows = tuple(
        (names.get(code, code), tuple(Cell(count, place == column, "") for column, count in enumerate(counts)))
        for place, (code, counts) in enumerate(zip(codes, table["counts"], strict=True))
    )
    columns = [version.code_of(name) for name in table["columns"]]
    return Matrix(_("Held-out images"), tuple(names.get(code, code) for code in columns), rows)


# --- of a report's answers: [capture, truth, champion, its confidence, challenger, its confidence] ---------------

SIDES = {"champion": (2, 3), "challenger": (4, 5)}


def golden_matrix(report: GateReport, side: str, title: str, names: Mapping[str, str]) -> Matrix | None:
    """Of the golden images; each cell opens them."""
    answers, place = report.answers or [], SIDES[side][0]
    if not answers or answers[0][place] is None:
        return None
    truths = _ordered(answer[1] for answer in answers)
    said = _ordered(answer[place] for answer in answers)
    columns = [*dict.fromkeys([*truths, *(code for code in said if code != UNKNOWN)]), UNKNOWN]
    counts: dict[tuple[str, str], int] = {}
    for answer in answers:
        key = (answer[1], answer[place])
        counts[key] = counts.get(key, 0) + 1
    rows = tuple(
        (names.get(truth, truth), tuple(_cell(counts.get((truth, code), 0), truth, code, side) for code in columns))
        for truth in truths
    )
    return Matrix(title, tuple(names.get(code, code) for code in columns), rows)


def _cell(count: int, truth: str, said: str, side: str) -> Cell:
    url = f"?{urlencode({'truth': truth, 'said': said, 'of': side})}#images" if count else ""
    return Cell(count, truth == said, url)


def _ordered(codes: Iterable[str]) -> list[str]:
    """`good` first."""
    return sorted(set(codes), key=lambda code: (code != "good", code))


def reliability(report: GateReport | None, side: str) -> list[Reliable]:
    """How often it was right, by how sure it was, on the golden images."""
    _said, place = SIDES[side]
    known = [answer for answer in (report.answers or [] if report else []) if answer[place] is not None]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for answer in known:
        sure, right = answer[place], answer[_said] == answer[1]
        bins.setdefault(min(int(sure * BINS), BINS - 1), []).append((sure, right))
    return [_point(found, len(known)) for _number, found in sorted(bins.items())]


def _point(found: Sequence[tuple[float, bool]], total: int) -> Reliable:
    sure = sum(one for one, _right in found) / len(found)
    right = sum(one for _sure, one in found) / len(found)
    words = _("%(n)d images of %(sure)s mean confidence: %(right)s right") % {
        "n": len(found), "sure": rounded(sure, 2), "right": rounded(right, 2),
    }  # fmt: skip
    radius = round(14 + 40 * (len(found) / total) ** 0.5)
    return Reliable(round(SIDE * sure), round(SIDE * (1 - right)), radius, words)
