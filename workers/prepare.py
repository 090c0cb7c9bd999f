"""What must be true of a data folder before the processes start. Every step may be repeated."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from inspections.models import ModelVersion
from inspections.registry import bundle_is_there

Say = Callable[[str], None]


def prepare(say: Say) -> str:
    """Schema, static files and the starter model. The text says what stands in the way."""
    say("  database: migrating")
    call_command("migrate", interactive=False, verbosity=0)
    collect_static(say)
    return install_starter(say)


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


def install_starter(say: Say) -> str:
    """The starter model, where no model is in force. In a process of its own: this one shall stay small."""
    in_force = ModelVersion.objects.filter(is_default=True).first()
    if in_force and bundle_is_there(in_force):
        return ""
    if not settings.STARTER_BUNDLE.exists():
        say("  model: there is no starter model in this copy, so images stay pending until one is installed")
        return ""
    command = (sys.executable, "manage.py", "install_model", "--if-none", str(settings.STARTER_BUNDLE))
    ran = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True)
    if ran.returncode:
        return f"The starter model could not be installed.\n{ran.stderr.strip()}"
    say(f"  model: {ran.stdout.strip()} is in force")
    return ""
