"""Reckonings over kept embeddings: what to label next, and what the labels tell."""


def work() -> None:
    """Work off what waits."""
