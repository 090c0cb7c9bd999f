"""The inspections app."""

import sys

import structlog
from django.apps import AppConfig


class InspectionsConfig(AppConfig):
    name = "inspections"

    def ready(self) -> None:
        from inspections import checks, pg_times  # noqa: F401  each registers what it has

        # What a command prints belongs to whoever reads it, so the log goes beside it.
        structlog.configure(logger_factory=lambda *_args: structlog.PrintLogger(sys.stderr))
