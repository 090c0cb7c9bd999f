"""Changes of the version in force: checked here, where an engine is, then made or refused."""


def work() -> None:
    """Work off what waits."""
