"""What an import would bring in: the rows of a labelled place, the sources chosen of it, the classes they need."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from inspections.models import DefectClass
from inspections.models.defect_class import UNKNOWN
from inspections.models.label import UNSURE
from ml.places import place
from ml.refusal import DataError, refuse
from ml.rows import Row

LEAST = 3  # sources of each class in a part, so that each can train, validate and stand in the golden set
LONGEST_ROLL = 64
CODE = re.compile(r"[-a-z0-9_]{1,40}")
ANSWERS = frozenset({UNKNOWN, UNSURE, "undo"})


def parse_map(texts: Iterable[str]) -> dict[str, str]:
    """`old=new` to {old: new}."""
    found = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise DataError(f"--map wants OLD=NEW, not {text!r}")
        found[old] = new
    return found


def some_sources(rows: Sequence[Row], count: int, seed: int, least: int = LEAST) -> list[Row]:
    """The rows of about so many sources, drawn by a hash of their names: the same for the same seed.

    Each class, the rarest first, gets `least` of its sources before the others are drawn.
    """
    of_class: dict[str, set[str]] = {}
    for row in rows:
        of_class.setdefault(row.label, set()).add(row.group)
    drawn: set[str] = set()
    for label in sorted(of_class, key=lambda label: (len(of_class[label]), label)):
        lacking = max(0, least - len(of_class[label] & drawn))
        drawn |= set(_ranked(of_class[label] - drawn, seed)[:lacking])
    rest = _ranked({row.group for row in rows} - drawn, seed)
    drawn |= set(rest[: max(0, count - len(drawn))])
    return [row for row in rows if row.group in drawn]


def _ranked(groups: Iterable[str], seed: int) -> list[str]:
    return sorted(groups, key=lambda group: place(f"{seed}/{group}"))


def listed_sources(rows: Sequence[Row], file: Path) -> list[Row]:
    """The rows of the sources in a file, one a line. DataError on one that has no rows."""
    try:
        wanted = {line.strip() for line in file.read_text(encoding="utf-8").splitlines()} - {""}
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{file} cannot be read: {problem}") from problem
    refuse("no image is of source", sorted(wanted - {row.group for row in rows}))
    return [row for row in rows if row.group in wanted]


def renamed(rows: Sequence[Row], names: Mapping[str, str]) -> list[Row]:
    refuse("no image is labelled", sorted(names.keys() - {row.label for row in rows}))
    return [replace(row, label=names.get(row.label, row.label)) for row in rows]


def lacking_classes(labels: Collection[str]) -> list[str]:
    """Those that the mill does not have. DataError on what can be no class, and on retired ones."""
    wanted = set(labels)
    refuse("these are answers and can be no class; use --map", sorted(wanted & ANSWERS))
    refuse("no code of a class (small letters, digits, - and _); use --map", sorted(filter(_is_odd, wanted)))
    known = dict(DefectClass.objects.filter(code__in=wanted).values_list("code", "active"))
    refuse("retired classes take no labels", sorted(code for code, active in known.items() if not active))
    return sorted(wanted - known.keys())


def _is_odd(label: str) -> bool:
    return CODE.fullmatch(label) is None


def roll_code(group: str) -> str:
    """The roll that stands for a source; a long name is cut and told from others by its hash."""
    if len(group) <= LONGEST_ROLL:
        return group
    return f"{group[: LONGEST_ROLL - 17]}~{sha256(group.encode()).hexdigest()[:16]}"
