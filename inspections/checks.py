"""System checks: a wrong deployment says so before it serves."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection
from django.db.utils import OperationalError

from ml.hostile import MAX_PIXELS


@register(Tags.database)
def sqlite_is_safe(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """SQLite must run in WAL mode with IMMEDIATE transactions: a misplaced option does nothing, silently."""
    if connection.vendor != "sqlite" or not databases:
        return []
    try:
        with connection.cursor() as cursor:
            (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
    except OperationalError as error:
        return [Error(f"The database cannot be opened: {error}", id="selvedge.E001")]
    found: list[CheckMessage] = []
    if mode != "wal" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
        found.append(Error(f"SQLite's journal is {mode}, not WAL.", id="selvedge.E002"))
    if getattr(connection, "transaction_mode", None) != "IMMEDIATE":
        found.append(Error("SQLite transactions are not IMMEDIATE.", id="selvedge.E003"))
    return found


@register(Tags.security, deploy=True)
def production_is_whole(**_: Any) -> list[CheckMessage]:
    """In production the embedded defaults are a mistake."""
    found: list[CheckMessage] = []
    if settings.EMBEDDED_BROKER:
        found.append(Warning("BROKER_URL is the embedded broker's.", hint="Set it to Redis.", id="selvedge.W001"))
    if connection.vendor == "sqlite":
        found.append(Warning("DATABASE_URL is SQLite's.", hint="Set it to PostgreSQL.", id="selvedge.W002"))
    return found


@register()
def images_can_be_judged(**_: Any) -> list[CheckMessage]:
    """A larger limit here would take images that judging then refuses."""
    if settings.MAX_IMAGE_PIXELS <= MAX_PIXELS:
        return []
    hint = f"At most {MAX_PIXELS}."
    return [Error("MAX_IMAGE_PIXELS is more than judging takes.", hint=hint, id="selvedge.E005")]


@register()
def durability_is_known(**_: Any) -> list[CheckMessage]:
    if settings.DURABILITY in {"process", "power"}:
        return []
    return [Error(f"DURABILITY={settings.DURABILITY!r}", hint="Use process or power.", id="selvedge.E004")]


@register()
def labels_weigh_something(**_: Any) -> list[CheckMessage]:
    """A weight of 0 would be refused by the trainer, row by row, hours later."""
    if settings.LABEL_WEIGHT_BULK > 0:
        return []
    hint = "Above 0; 1 where a label in bulk is worth as much as any."
    return [Error(f"LABEL_WEIGHT_BULK={settings.LABEL_WEIGHT_BULK:g}", hint=hint, id="selvedge.E006")]
