"""Can this installation serve? Database, storage, and a model version in force that loads."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.utils import InterfaceError, OperationalError

from inspections.changes import fallen_back
from inspections.models import ModelVersion
from ml.bundle import BundleError, read


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


def readiness() -> list[Check]:
    """Every check, in order; none of them raises."""
    database = _database()
    return [database, _storage(), _model() if database.ok else Check("model", False, "unknown")]


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError) as error:
        return Check("database", False, str(error))
    return Check("database", True, "answers")


def _storage() -> Check:
    root = Path(settings.MEDIA_ROOT)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            os.write(probe.fileno(), b"x")
    except OSError as error:
        return Check("storage", False, str(error))
    return Check("storage", True, "takes files")


def _model() -> Check:
    version = ModelVersion.objects.filter(is_default=True).first()
    if version is None:
        return Check("model", False, "no model version is in force")
    if version.broken:
        return Check("model", False, f"{version.name} does not load: {version.broken}")
    try:
        read(version.folder)
    except BundleError as error:
        return Check("model", False, f"{version.name}: {error}")
    fallen = [change for change in fallen_back([]) if change.version == version]
    words = f"{version.name}, fallen back to from {fallen[0].previous}: {fallen[0].reason}" if fallen else version.name
    return Check("model", True, words)
