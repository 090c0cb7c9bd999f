"""Shadow and recall: captures judged beside the verdict in force, while nothing else waits."""


def work() -> None:
    """Work off what waits."""
