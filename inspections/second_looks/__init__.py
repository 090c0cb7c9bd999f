"""Judging beside the verdict in force, without effect: the shadow on live captures, and the recall of stored ones."""

from inspections.second_looks.recalling import ask, cancel, fail_all, fill
from inspections.second_looks.shadowing import Progress, note_fresh, progress, start_shadow, stop_shadow

__all__ = ["Progress", "ask", "cancel", "fail_all", "fill", "note_fresh", "progress", "start_shadow", "stop_shadow"]
