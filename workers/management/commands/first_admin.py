"""`manage.py first_admin`: make the first administrator, for an installation that `make run` does not start."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workers.first_admin import ensure_admin


class Command(BaseCommand):
    help = (
        "Make the first administrator: asks on a terminal, or takes ADMIN_USERNAME and ADMIN_PASSWORD from the "
        "environment. Does nothing where there is one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        trouble = ensure_admin(os.environ)
        if trouble:
            raise CommandError(trouble)
        self.stdout.write("There is an administrator.")
