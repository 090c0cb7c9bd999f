"""What must be true of a data folder before the processes start. Every step may be repeated."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

Say = Callable[[str], None]


def prepare(say: Say) -> None:
    """Schema, static files and the starter model."""
    say("  database: migrating")
    call_command("migrate", interactive=False, verbosity=0)
    collect_static(say)
    install_starter(say)


def collect_static(say: Say) -> None:
    """Collect only when a file changed since: hashing and compressing takes seconds."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    now = _state_of_static()
    if stamp.exists() and stamp.read_text() == now:
        return
    say("  static files: collecting")
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(now)


def _state_of_static() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list(None), key=lambda found: str(found[0])):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def install_starter(say: Say) -> None:
    if not settings.STARTER_BUNDLE.exists():
        say("  model: there is no starter model in this copy, so images stay pending until one is installed")
        return
    say("  model: installing the starter model")
    call_command("install_model", str(settings.STARTER_BUNDLE))
