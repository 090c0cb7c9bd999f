"""The first administrator of a real installation: asked for on a terminal, or taken from the environment."""

import getpass
import sys
from collections.abc import Mapping

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from inspections.models import Person, Role

HOW = (
    "There is no administrator yet. Start once on a terminal to be asked for one, or give one in the environment:\n"
    "  ADMIN_USERNAME=ada ADMIN_PASSWORD=… make run"
)


def ensure_admin(environment: Mapping[str, str]) -> str:
    """Empty once there is an administrator; else in words why not and what to do."""
    if Person.objects.filter(role=Role.ADMIN, is_active=True).exists():
        return ""
    username, password = environment.get("ADMIN_USERNAME", ""), environment.get("ADMIN_PASSWORD", "")
    if not (username and password):
        if not sys.stdin.isatty():
            return HOW
        username, password = _asked()
    return _make(username, password)


def _make(username: str, password: str) -> str:
    person = Person(username=username, role=Role.ADMIN)
    try:
        validate_password(password, person)
        person.set_password(password)
        person.full_clean()
    except ValidationError as error:
        return "The administrator was not made: " + " ".join(error.messages)
    person.save()
    return ""


def _asked() -> tuple[str, str]:
    sys.stdout.write("The first administrator of this installation.\n")
    username = input("  username: ").strip()
    password = getpass.getpass("  password: ")
    while getpass.getpass("  once more: ") != password:
        sys.stdout.write("  They differ; again.\n")
        password = getpass.getpass("  password: ")
    return username, password
