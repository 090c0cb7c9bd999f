"""Wiring only. Loading the Celery app here makes it the current one, so that others ring by a task's name."""

from workers.app import app as celery_app

__all__ = ["celery_app"]
