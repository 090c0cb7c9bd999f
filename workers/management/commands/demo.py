"""`manage.py demo`: the whole product on this machine, with demo users and simulated line cameras."""

import os
from typing import Any

from django.conf import settings

from workers.demo_cast import CastFile, holds_a_real_installation, make_cast
from workers.one_box import OneBox
from workers.options import Options


class Command(OneBox):
    help = (
        "Runs Selvedge with demo users and simulated cameras until Ctrl-C. Takes PORT, DATA, LINES, RATE, DEFECTS, "
        "IMAGES, LOOP and CAMERAS from the environment: docs/configuration.md."
    )
    simulate = True
    cast: dict[str, Any]

    @property
    def file(self) -> CastFile:
        return CastFile(settings.DATA)

    def people(self, options: Options) -> str:
        if holds_a_real_installation(self.file):
            return (
                f"{settings.DATA} holds a real installation (people that no demo made): "
                "start it with `make run`, or give the demo a folder of its own with DATA=…"
            )
        self.cast = make_cast(self.file, options.url, options.lines)
        return ""

    def welcome(self, options: Options) -> None:
        self.file.publish()
        rows = "\n".join(f"    {one['username']:9} {one['password']}" for one in self.cast["users"].values())
        self.say(
            f"\n  Selvedge runs at {options.url}/\n\n  Sign in as\n{rows}\n\n  {self._cameras(options)}\n"
            f"  Logs: {settings.DATA / 'logs'}. Users and camera keys: {self.file.final}\n"
            f"  Ctrl-C stops everything (process {os.getpid()}); the next start goes on from here.\n"
        )

    def _cameras(self, options: Options) -> str:
        if not options.cameras:
            return "No simulated cameras (CAMERAS=0)."
        what = f"pictures from {options.images}" if options.images else "drawn cloth"
        return f"{options.lines} simulated camera(s) post {what}, {options.rate:g} images a second each."
