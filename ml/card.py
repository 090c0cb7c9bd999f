"""The card of a bundle: what it is and what was measured, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml.bundle import Spec

FIGURES = (
    "macro_f1", "accuracy", "auroc", "average_precision", "ece", "brier", "escape_rate", "overkill", "unknown_rate",
)  # fmt: skip


def text(spec: Spec) -> str:
    """Markdown, made from the spec alone, so that it cannot say anything else."""
    shape = spec.input
    lines = [
        f"# {spec.name}",
        "",
        f"`{spec.network}`, input {shape.width} x {shape.height} x {shape.channels}.",
        f"Classes: {', '.join(spec.classes)}.",
        f"Larger images are {'resized' if shape.large == 'resize' else f'judged as at most {shape.max_tiles} tiles'}.",
        "",
        f"- Data: {spec.data.get('about', 'not stated')}; licence: {spec.data.get('licence', 'not stated')}.",
        f"- Split: {spec.data.get('split', 'not stated')}. Digest `{str(spec.data.get('digest', ''))[:16]}`.",
        f"- Temperature {spec.temperature:.3f}, threshold {spec.threshold:.4f}, "
        f"unknown beyond distance {spec.unknown.limit:.4f} (its {spec.unknown.quantile:.1%} point on validation)"
        f"{_looks(spec)}.",
        _trained(spec.training),
        "",
        *_figures(spec.metrics.get("held_out")),
    ]
    return "\n".join(lines) + "\n"


def _trained(training: Mapping[str, Any]) -> str:
    seconds = f"{training.get('seconds', '?')} s"
    if "strength" in training:
        held = f"held to {training['held_to']} with strength {training['strength']:g}"
        return f"- The last layer alone, {held}, on the {training.get('began', '?')}, {seconds}."
    known = f"seed {training.get('seed', '?')}, best epoch {training.get('best_epoch', '?')}"
    return f"- Trained by preset `{training.get('preset', '?')}`, {known}, {seconds}."


def _figures(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return ["No held-out images."]
    ends = found.get("interval", {})
    rows = [f"| {name.replace('_', ' ')} | {_number(found.get(name))} | {_span(ends.get(name))} |" for name in FIGURES]
    classes = [
        f"| {name} | {' | '.join(_short(part[key]) for key in ('precision', 'recall', 'f1'))} | "
        f"{_span(part.get('interval', {}).get('f1'))} | {part['support']} |"
        for name, part in found["per_class"].items()
    ]
    sources = f" of {found['sources']} sources" if found.get("sources") else ""
    return [
        f"## On {found['images']} held-out images{sources}", "",
        "| figure | value | 95 % interval over sources |", "| --- | --- | --- |", *rows, "",
        "| class | precision | recall | F1 | its interval | images |",
        "| --- | --- | --- | --- | --- | --- |", *classes,
    ]  # fmt: skip


def _looks(spec: Spec) -> str:
    """The limit of looks, where they count."""
    limit, share = spec.unknown.look_limit, spec.unknown.look_quantile
    return "" if limit is None else f" or beyond look {limit:.3f} (the {share:.1%} point of sources held out)"


def _short(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _span(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
