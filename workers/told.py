"""A version in words and as JSON, for the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspections import gate
from inspections.models import GateReport, Line, ModelVersion


def in_short(version: ModelVersion) -> dict[str, Any]:
    report = gate.standing(version)
    found = version.spec.get("metrics", {}).get("held_out") or {}
    return {
        "name": version.name,
        "state": version.state,
        "in_force": _where(version),
        "gate": word_of(report),
        "macro_f1": found.get("macro_f1"),
        "origin": version.origin,
        "parent": version.parent.name if version.parent else None,
        "snapshot": version.snapshot.name if version.snapshot else None,
        "installed_at": version.installed_at.isoformat(),
    }


def in_full(version: ModelVersion) -> dict[str, Any]:
    report = gate.standing(version)
    spec = version.spec
    kept = {name: spec.get(name) for name in ("network", "input", "threshold", "metrics", "data", "training", "engine")}
    return {
        **in_short(version),
        "digest": version.digest,
        "classes": version.classes,
        "class_map": version.class_map,
        "broken": version.broken,
        "rejected_for": version.rejected_for,
        **kept,
        "report": of_report(report) if report else None,
        "objection": gate.objection(version),
    }


def of_report(report: GateReport) -> dict[str, Any]:
    return {
        "state": report.state,
        "passed": report.passed,
        "overridden": report.overridden_at is not None,
        "champion": report.champion.name if report.champion else None,
        "golden": report.golden.name if report.golden else None,
        "reason": report.reason,
        "rules": report.rules,
        "measured": report.measured,
    }


def word_of(report: GateReport | None) -> str:
    if report is None:
        return "not measured"
    if report.passed is None:
        return str(report.state)
    return "passed" if report.passed else "overridden" if report.overridden_at else "not passed"


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "There is no version. `manage.py install_model ml/starter` installs the one that comes with Selvedge."
    heads = ("name", "state", "in_force", "gate", "macro_f1", "origin")
    lines = [heads, *(tuple(_cell(row[head]) for head in heads) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def as_lines(found: Mapping[str, Any]) -> str:
    """The plain facts; the nested ones are for --json."""
    plain = {name: value for name, value in found.items() if not isinstance(value, dict)}
    return "\n".join(f"{name}: {_cell(value)}" for name, value in plain.items())


def rules_as_lines(report: GateReport) -> str:
    marks = {True: "passed", False: "FAILED", None: "not measured"}
    return "\n".join(f"{marks[rule['passed']]:<13} {rule['name']:<12} {rule['words']}" for rule in report.rules)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)


def _where(version: ModelVersion) -> list[str]:
    lines = list(Line.objects.filter(version=version).order_by("slug").values_list("slug", flat=True))
    return [*(["the mill"] if version.is_default else []), *lines]
