"""Trainings: claimed, run in a process of their own, followed and ended."""


def work() -> None:
    """Work off what waits."""
