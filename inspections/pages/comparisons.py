"""What shadow and recall pages share: the filters in the address, the figures, and the list of disagreements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from inspections.models import Comparison, Line, ModelVersion, Recall
from inspections.models.defect_class import UNKNOWN
from inspections.pages.flagged import CHOICE, TIME, TimeField
from inspections.pages.periods import percent
from inspections.second_looks.figures import Group, Matrix, Total, matrix, split, total
from inspections.second_looks.reading import Flag, Mark, Page, Wanted

ANY = ("", _("All"))


class Filters(forms.Form):
    """What may stand in the address. A part that is empty narrows nothing."""

    since = TimeField(required=False, error_messages=TIME, label=_("From"), widget=forms.HiddenInput)
    until = TimeField(required=False, error_messages=TIME, label=_("To"), widget=forms.HiddenInput)
    roll = forms.CharField(required=False, max_length=64, label=_("Roll"), widget=forms.HiddenInput)
    after = forms.CharField(required=False, max_length=40, label=_("Page"))

    def __init__(
        self, data: QueryDict, lines: Sequence[Line], names: Mapping[str, str], labels: tuple[str, str]
    ) -> None:
        """`labels`: what the class before and the class after are called."""
        super().__init__(data, label_suffix="")
        self.lines = lines
        classes = [(code, str(name)) for code, name in names.items()]
        self.fields["line"] = _select(_("Line"), [(line.slug, str(line)) for line in lines])
        self.fields["was"] = _select(labels[0], classes)
        self.fields["would"] = _select(labels[1], classes)
        self.fields["flag"] = _select(_("Flag"), Flag.choices)

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self[name] for name in ("line", "was", "would", "flag")]

    @property
    def kept(self) -> list[forms.BoundField]:
        """What stands in the address and has no field to choose it in."""
        return [self[name] for name in ("since", "until", "roll") if self.data.get(name)]

    @property
    def is_narrowed(self) -> bool:
        return any(self.data.get(name) for name in ("line", "was", "would", "flag", "since", "until", "roll"))

    def clean_after(self) -> Mark | None:
        text = self.cleaned_data["after"]
        try:
            return Mark.parse(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("This address is damaged. Start again at the first page.")) from error

    def wanted(self, version: ModelVersion, recall: Recall | None, without: Iterable[UUID]) -> Wanted:
        found = self.cleaned_data
        return Wanted(
            version=version,
            recall=recall,
            line=next((line for line in self.lines if line.slug == found["line"]), None),
            before=found["was"],
            after=found["would"],
            flag=found["flag"],
            roll=found["roll"],
            since=found["since"],
            until=found["until"],
            without=frozenset(without),
        )


def _select(label: Any, choices: Iterable[tuple[str, Any]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[ANY, *choices],
        required=False,
        error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


@dataclass(frozen=True)
class Part:
    """One class, line or roll: its key in the address, its name, its sums."""

    key: str
    name: str
    total: Total
    groups: tuple[Group, ...]

    @property
    def agreement(self) -> str:
        return percent(self.total.agreement)


def by_class(groups: Iterable[Group], names: Mapping[str, str]) -> list[Part]:
    """By the class before, in the order of the taxonomy."""
    parts = split(groups, lambda one: one.before)
    order = list(names)
    codes = sorted(parts, key=lambda code: (order.index(code) if code in names else len(order), code))
    return [Part(code, names.get(code, code), total(parts[code]), tuple(parts[code])) for code in codes]


def by_line(groups: Iterable[Group], lines: Sequence[Line]) -> list[Part]:
    parts = split(groups, lambda one: one.line)
    return [
        Part(line.slug, str(line), total(parts[line.pk]), tuple(parts[line.pk])) for line in lines if line.pk in parts
    ]


@dataclass(frozen=True)
class Cell:
    code: str
    count: int
    is_same: bool


@dataclass(frozen=True)
class MatrixRow:
    code: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MatrixTable:
    names: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def matrix_table(groups: Iterable[Group], names: Mapping[str, str]) -> MatrixTable:
    found = matrix(groups, list(names))
    rows = tuple(_matrix_row(found, code, names) for code in found.codes)
    return MatrixTable(tuple(names.get(code, code) for code in found.codes), rows)


def _matrix_row(found: Matrix, code: str, names: Mapping[str, str]) -> MatrixRow:
    pairs = zip(found.codes, found.row(code), strict=True)
    return MatrixRow(code, names.get(code, code), tuple(Cell(other, count, other == code) for other, count in pairs))


@dataclass(frozen=True)
class Row:
    """One disagreement as the page shows it. `change`: newly, no-longer, or empty where the flag is the same."""

    comparison: Comparison
    before: str
    after: str
    change: str


def rows_of(page: Page, names: Mapping[str, str]) -> list[Row]:
    return [_row(one, names) for one in page.rows]


def _row(one: Comparison, names: Mapping[str, str]) -> Row:
    change = ""
    if one.before_flagged != one.after_flagged:
        change = Flag.NEWLY if one.after_flagged else Flag.NO_LONGER
    before = one.before.name if one.before else names[UNKNOWN]
    return Row(one, before, one.after.name if one.after else names[UNKNOWN], change)
