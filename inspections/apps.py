"""The inspections app."""

import sys

import structlog
from django.apps import AppConfig


class InspectionsConfig(AppConfig):
    name = "inspections"

    def ready(self) -> None:
        from inspections import checks  # noqa: F401  registers the system checks

        # What a command prints belongs to whoever reads it, so the log goes beside it.
        structlog.configure(logger_factory=lambda *_args: structlog.PrintLogger(sys.stderr))
