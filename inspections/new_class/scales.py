"""Of what scale captures are: one flaw has another size in pixels where a camera stands farther away."""

from collections.abc import Sequence

from inspections.models import Capture

APART = 1.1  # times: beyond, one flaw has another size in pixels


def scale_of(one: Capture) -> float | None:
    """Millimetres a pixel: the capture's, else its camera's; None where neither says."""
    return one.mm_per_px or one.camera.mm_per_px


def scales_of(chosen: Sequence[Capture]) -> list[float]:
    """Those that are known, each once, the finest first."""
    return sorted({mm for one in chosen if (mm := scale_of(one)) is not None})


def same_scale(one: float | None, other: float | None) -> bool:
    """Where one is not known nothing speaks against it."""
    return one is None or other is None or max(one, other) <= APART * min(one, other)
