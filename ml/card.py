"""The card of a bundle: what it is and what was measured, for people."""

from __future__ import annotations

from typing import Any

from ml.bundle import Spec


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
        f"unknown beyond distance {spec.unknown.limit:.4f} (its {spec.unknown.quantile:.1%} point on validation).",
        f"- Trained by preset `{spec.training.get('preset', '?')}`, seed {spec.training.get('seed', '?')}, "
        f"best epoch {spec.training.get('best_epoch', '?')}, {spec.training.get('seconds', '?')} s.",
        "",
        *_figures(spec.metrics.get("held_out")),
    ]
    return "\n".join(lines) + "\n"


def _figures(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return ["No held-out images."]
    names = (
        "macro_f1",
        "accuracy",
        "auroc",
        "average_precision",
        "ece",
        "brier",
        "escape_rate",
        "overkill",
        "unknown_rate",
    )
    rows = [f"| {name.replace('_', ' ')} | {_number(found[name])} |" for name in names]
    classes = [
        f"| {name} | {part['precision']:.3f} | {part['recall']:.3f} | {part['f1']:.3f} | {part['support']} |"
        for name, part in found["per_class"].items()
    ]
    return [
        f"## On {found['images']} held-out images", "", "| figure | value |", "| --- | --- |", *rows, "",
        "| class | precision | recall | F1 | images |", "| --- | --- | --- | --- | --- |", *classes,
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
