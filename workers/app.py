"""The Celery app: queues, limits and what beats. The row is the queue of record, so a message is only a bell."""

import os

from celery import Celery
from celery.signals import worker_shutting_down

from workers import stopping  # before the pool is forked

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qc_site.settings")

app = Celery("selvedge")


class Config:
    """JSON only, no results. Time limits stand far below the visibility timeout, so nothing runs twice by that."""

    task_serializer = "json"
    accept_content = ("json",)
    task_ignore_result = True
    task_store_errors_even_if_ignored = False
    task_publish_retry = False
    task_time_limit = 60
    task_soft_time_limit = None
    task_acks_late = False
    worker_prefetch_multiplier = 1
    worker_hijack_root_logger = False
    worker_cancel_long_running_tasks_on_connection_loss = False
    broker_connection_retry_on_startup = True
    broker_connection_max_retries = None
    broker_transport_options = {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
        "visibility_timeout": 600,
    }
    task_default_queue = "chores"
    task_routes = {
        "workers.judge_pending": {"queue": "judge"},
        "workers.look_again": {"queue": "judge"},
        "workers.train": {"queue": "train"},
        "workers.assess": {"queue": "train"},
        "workers.reckon": {"queue": "train"},
        "workers.index_look_alikes": {"queue": "train"},
    }
    timezone = "UTC"


app.config_from_object(Config)


worker_shutting_down.connect(stopping.ask)


@app.on_configure.connect  # settings are read when the app is first used, not when it is imported
def _from_settings(sender: Celery, **_: object) -> None:
    from django.conf import settings

    schedule = {
        "sweep": {
            "task": "workers.sweep",
            "schedule": settings.SWEEP_EVERY_S,
            "options": {"expires": settings.SWEEP_EVERY_S * 2},
        },
        "watch-alarms": {
            "task": "workers.watch_alarms",
            "schedule": settings.ALARMS_EVERY_S,
            "options": {"expires": settings.ALARMS_EVERY_S},
        },
        "remove-orphans": {"task": "workers.remove_orphans", "schedule": 3600.0},
        "count-labels": {"task": "workers.count_labels", "schedule": 300.0},
        "look-for-drift": {"task": "workers.look_for_drift", "schedule": 900.0},
        "index-look-alikes": {
            "task": "workers.index_look_alikes",
            "schedule": settings.LOOK_ALIKE_EVERY_S,
            "options": {"expires": settings.LOOK_ALIKE_EVERY_S},
        },
        "look-at-broken": {"task": "workers.look_at_broken", "schedule": 120.0},
    }
    if settings.TRAIN_AFTER_LABELS > 0:
        schedule["train-when-due"] = {"task": "workers.train_when_due", "schedule": 300.0}
    sender.conf.update(
        broker_url=settings.BROKER_URL,
        beat_schedule=schedule,
        beat_schedule_filename=str(settings.DATA / "beat-schedule"),
    )


app.autodiscover_tasks(["workers"])
