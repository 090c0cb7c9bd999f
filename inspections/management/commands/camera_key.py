"""`manage.py camera_key LINE CAMERA`: make, rotate or revoke a camera's key. Prints the key and nothing else."""

from argparse import RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inspections.models import Camera, Line
from inspections.models.plant import MANUAL

EXAMPLES = """
A line and camera that do not exist are made. The key is shown once; only its hash is kept.

  manage.py camera_key line-1 cam-1              make the first key
  manage.py camera_key line-1 cam-1 --rotate     a new key; the old one works for another hour
  manage.py camera_key line-1 cam-1 --revoke     no key of this camera works any more
"""


class Command(BaseCommand):
    help = "Make, rotate or revoke the key of a line camera."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("line", help="the line's slug")
        parser.add_argument("camera", help="the camera's slug")
        parser.add_argument("--overlap", type=int, default=60, metavar="MINUTES", help="of a rotation (60)")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--rotate", action="store_true", help="a new key; the old one ends after the overlap")
        either.add_argument("--revoke", action="store_true", help="end every key of this camera now")

    def handle(self, *args: Any, **options: Any) -> None:
        for word in (options["line"], options["camera"]):
            _check(word)
        if options["camera"] == MANUAL:
            raise CommandError(f"{MANUAL!r} is the name for pictures that people upload: it has no key.")
        if options["revoke"]:
            self._revoke(options["line"], options["camera"])
            return
        with transaction.atomic():
            line, _ = Line.objects.get_or_create(slug=options["line"])
            camera, _ = Camera.objects.get_or_create(line=line, slug=options["camera"])
            now = timezone.now()
            usable = camera.keys.usable(now)
            if usable.exists() and not options["rotate"]:
                raise CommandError("This camera has a key. Use --rotate for a new one.")
            end = now + timedelta(minutes=options["overlap"])
            usable.filter(Q(expires_at=None) | Q(expires_at__gt=end)).update(expires_at=end)  # never lengthens a life
            self.stdout.write(camera.issue_key())

    def _revoke(self, line: str, slug: str) -> None:
        camera = Camera.objects.filter(line__slug=line, slug=slug).first()
        if camera is None:
            raise CommandError(f"There is no camera {slug} on line {line}.")
        ended = camera.keys.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.stderr.write(f"{ended} keys revoked.")


def _check(word: str) -> None:
    try:
        validate_slug(word)
    except ValidationError:
        raise CommandError(f"{word!r} is no slug: use letters, digits, - and _.") from None
    if len(word) > 50:
        raise CommandError(f"{word!r} has more than 50 characters.")
