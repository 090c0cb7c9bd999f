"""Draws woven cloth with planted defects: `Roll(seed).frame(index, label)`. numpy and Pillow only."""

from ml.fabric.defects import CLASSES
from ml.fabric.roll import Frame, Roll

__all__ = ["CLASSES", "Frame", "Roll"]
