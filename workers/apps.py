"""The workers app: only its management commands need Django's registry."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
