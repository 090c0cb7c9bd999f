"""`manage.py install_model BUNDLE`: load a bundle, ask its probe, keep it, and put it in force."""

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections import changes, registry
from inspections.models import ModelVersion, State
from ml.bundle import BundleError
from workers import installing

EXAMPLES = """
Classes that the mill lacks are made, out of use. A bundle that has other names for the mill's classes is mapped.

  manage.py install_model bundles/2026-11                          install, and put in force
  manage.py install_model --if-none ml/starter                     only where nothing is in force
  manage.py install_model --map nep=spot --map ok=good bundles/x   its `nep` is the mill's `spot`
"""


class Command(BaseCommand):
    help = "Install a model bundle (a folder with spec.json) and put it in force for the mill. Prints its version."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bundle", type=Path, help="the bundle's folder")
        parser.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="the mill's code of a class")
        parser.add_argument(
            "--if-none", action="store_true", help="leave the version in force alone where there is one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        in_force = ModelVersion.objects.filter(is_default=True).first()
        if options["if_none"] and in_force and registry.bundle_is_there(in_force):
            self.stdout.write(in_force.name)
            return
        try:
            found = installing.install(options["bundle"], installing.class_map(options["map"]))
        except (BundleError, OSError) as error:
            raise CommandError(f"The bundle was refused: {error}") from error
        if found.version.state == State.REJECTED:
            raise CommandError(f"{found.version} was rejected and judges nothing: {found.version.rejected_for}")
        if found.was_here:
            self.stderr.write(f"This bundle is here already, as {found.version}.")
        if found.version == in_force:
            registry.put_in_force(found.version)  # its files are whole again
        elif not (options["if_none"] and in_force):
            changes.install(found.version, None, timezone.now())
        self.stdout.write(found.version.name)
