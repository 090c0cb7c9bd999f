"""Whether a bundle's weights are numbers. Read tensor by tensor, so that a large bundle costs no memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ml.bundle import BundleError


def not_finite(weights: Path) -> list[str]:
    """The tensors that hold a NaN or an infinity. BundleError if the file cannot be read."""
    try:
        with safe_open(weights, framework="numpy") as tensors:
            return [name for name in tensors.keys() if not _is_finite(tensors.get_tensor(name))]  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, AttributeError) as problem:  # a kind of number that numpy lacks
        raise BundleError(f"{weights.name} cannot be read: {problem}") from problem


def _is_finite(tensor: NDArray[Any]) -> bool:
    return not np.issubdtype(tensor.dtype, np.floating) or bool(np.isfinite(tensor).all())
