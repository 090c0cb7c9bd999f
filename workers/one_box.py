"""What `demo` and `run` share: check, claim, prepare, supervise."""

import os
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from workers.data_lock import claim
from workers.options import Options, port_is_taken, read_options
from workers.prepare import prepare
from workers.stack import children, then
from workers.supervisor import Supervisor

USAGE = 2


class OneBox(BaseCommand):
    """Runs all of Selvedge on this machine until Ctrl-C or SIGTERM."""

    simulate = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sys.exit(self._run())
        except KeyboardInterrupt:
            self.stderr.write("stopped before anything was started")
            sys.exit(130)

    def _run(self) -> int:
        options, complaints = read_options(os.environ)
        taken = "" if complaints else port_is_taken(options.host, options.port)
        if taken:
            complaints.append(f"{taken}. Stop what listens there, or choose another port with PORT=…")
        if complaints:
            return self._refuse(*complaints)
        os.umask(0o077)  # what is made from here on is for this user alone
        settings.DATA.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = claim(settings.DATA)
        if isinstance(held, str):
            return self._refuse(held)
        self.say(f"Selvedge in {settings.DATA}")
        trouble = prepare(self.say) or self.people(options)
        if trouble:
            return self._refuse(trouble)
        return self._supervise(options)

    def _supervise(self, options: Options) -> int:
        self.say("  starting the processes")
        connections.close_all()
        plan = [
            then(child, lambda: self.welcome(options)) if child.name == "web" else child
            for child in children(options, simulate=self.simulate)
        ]
        code = Supervisor(plan, settings.DATA / "logs", self.say).run()
        self.say("stopped" if code == 0 else "gave up")
        return code

    def people(self, options: Options) -> str:
        """Make who is needed; the text says what stands in the way."""
        raise NotImplementedError

    def welcome(self, options: Options) -> None:
        """The web answers: say where."""
        raise NotImplementedError

    @property
    def say(self) -> Callable[[str], None]:
        def say(text: str) -> None:
            self.stdout.write(text)
            self.stdout.flush()

        return say

    def _refuse(self, *reasons: str) -> int:
        for reason in reasons:
            self.stderr.write(reason)
        return USAGE
