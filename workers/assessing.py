"""The gate's measuring: challenger and champion on the golden set."""


def work() -> None:
    """Work off what waits."""
