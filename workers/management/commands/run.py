"""`manage.py run`: the whole product on this machine, for real cameras."""

import os

from django.conf import settings
from django.db import connections

from inspections.models import CameraKey
from workers.demo_cast import CastFile
from workers.first_admin import ensure_admin
from workers.one_box import OneBox
from workers.options import Options

CONNECT = "  No camera yet. Connect one:  .venv/bin/python manage.py camera_key LINE CAMERA\n"


class Command(OneBox):
    help = (
        "Runs Selvedge until Ctrl-C. The first start asks for an administrator, or takes ADMIN_USERNAME and "
        "ADMIN_PASSWORD from the environment. Takes HOST, PORT and DATA too: docs/configuration.md."
    )

    def people(self, options: Options) -> str:
        if CastFile(settings.DATA).read() is not None:
            self.say("  careful: this folder has the demo's users, whose passwords stand in demo.json")
        return ensure_admin(os.environ)

    def welcome(self, options: Options) -> None:
        connect = "" if CameraKey.objects.exists() else CONNECT
        connections.close_all()
        self.say(
            f"\n  Selvedge runs at {options.url}/\n{connect}"
            f"  Logs: {settings.DATA / 'logs'}. Ctrl-C stops everything.\n"
        )
