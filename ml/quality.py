"""How dark, bright and blurred an image may be before it is not judged, by the pictures a model learnt from."""

from __future__ import annotations

import numpy as np

from ml.data import Dataset
from ml.spec import Quality


def quality_limits(data: Dataset) -> Quality:
    """Well outside anything the training pictures show: half of their darkest and dullest, near white."""
    raw = data.measured()
    bright = 255 - 0.5 * (255 - float(np.quantile(raw.light, 0.9995)))
    return Quality(float(0.5 * np.quantile(raw.light, 0.0005)), bright, float(0.5 * np.quantile(raw.sharp, 0.0005)))
