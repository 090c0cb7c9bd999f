"""Labels become a model: a training is asked for, refused in words before anything is spent, or cancelled."""

from inspections.retraining.asking import ask, cancel
from inspections.retraining.drifting import told as drift_told
from inspections.retraining.policy import Suggestion, due, start_when_due, suggestions
from inspections.retraining.preview import Images, enough, preview
from inspections.retraining.wish import EXTRAS, NETWORKS, Wish, usual

__all__ = [
    "EXTRAS", "NETWORKS", "Images", "Suggestion", "Wish", "ask", "cancel", "drift_told", "due", "enough", "preview",
    "start_when_due", "suggestions", "usual",
]  # fmt: skip
