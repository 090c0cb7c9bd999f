"""`manage.py install_model BUNDLE`: load a bundle, ask its probe, keep it, and put it in force."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections import registry
from inspections.models import ModelVersion
from ml.bundle import BundleError
from ml.inspector import Inspector


class Command(BaseCommand):
    help = "Install a model bundle (a folder with spec.json) and put it in force for the mill. Prints its version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bundle", type=Path, help="the bundle's folder")
        parser.add_argument(
            "--if-none", action="store_true", help="leave the version in force alone where there is one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        in_force = ModelVersion.objects.filter(is_default=True).first()
        if options["if_none"] and in_force and registry.bundle_is_there(in_force):
            self.stdout.write(in_force.name)
            return
        try:
            Inspector.load(options["bundle"], device="cpu")
            version = registry.add(options["bundle"], timezone.now())
        except (BundleError, OSError) as error:
            raise CommandError(f"The bundle was refused: {error}") from error
        if not (options["if_none"] and in_force and in_force != version):
            registry.put_in_force(version)
        self.stdout.write(version.name)
