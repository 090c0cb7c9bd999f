"""The classes as an operator chooses them: their numbers, icons, definitions and pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from inspections.models import Capture, DefectClass, Label, Person
from inspections.models.defect_class import GOOD
from inspections.models.label import UNSURE

CLASS_KEYS = 9
ICONS = frozenset({"good", "color", "cut", "hole", "thread", "metal_contamination"})
LOOKED_AT = 200  # labels read back for a picture of a class that has none of its own


@dataclass(frozen=True)
class Choice:
    """One class as a button: `action` is what a key calls it, empty beyond the ninth defect."""

    code: str
    name: str
    action: str
    number: int
    critical: bool
    definition: str
    example_id: UUID | None = None
    pk: int = 0

    @property
    def icon(self) -> str:
        return self.code if self.code in ICONS else "defect"


def numbered() -> Iterator[tuple[int, DefectClass]]:
    """The active defects and their numbers; 0 where the digits are used up."""
    active = DefectClass.objects.filter(active=True).exclude(code=GOOD)
    for number, one in enumerate(active, 1):
        yield (number if number <= CLASS_KEYS else 0), one


def choices() -> list[Choice]:
    """Good first, then the defects in their order."""
    good = DefectClass.objects.filter(code=GOOD, active=True)
    return [
        *(_choice(one, "good", 0) for one in good),
        *(_choice(one, f"class_{number}" if number else "", number) for number, one in numbered()),
    ]


def _choice(one: DefectClass, action: str, number: int) -> Choice:
    return Choice(one.code, one.name, action, number, one.critical, one.definition, one.example_id, one.pk)


def answer_words(code: str, names: dict[str, str]) -> str:
    return _("Sent to a colleague") if code == UNSURE else names.get(code, code)


@dataclass(frozen=True)
class Meaning:
    """A class in words and a picture, where there is one."""

    choice: Choice
    picture: str


def meanings(person: Person, withheld: set[UUID]) -> list[Meaning]:
    """What the classes mean. No picture gives away what is being asked blind."""
    found = choices()
    wanted = {choice.example_id for choice in found if choice.example_id} - withheld
    seen = set(Capture.objects.seen_by(person).filter(pk__in=wanted).values_list("pk", flat=True))
    return [Meaning(choice, _picture(choice, seen, person, withheld)) for choice in found]


def _picture(choice: Choice, seen: set[UUID], person: Person, withheld: set[UUID]) -> str:
    if choice.example_id in seen:
        return reverse("capture-view", args=[choice.example_id])
    if drawn := _drawn(choice.code):
        return static(drawn)
    latest = _latest(choice, person, withheld)
    return reverse("capture-view", args=[latest]) if latest else ""


@lru_cache(maxsize=200)
def _drawn(code: str) -> str:
    """The drawn picture that comes with Selvedge."""
    name = f"inspections/classes/{code}.webp"
    return name if finders.find(name) else ""


def _latest(choice: Choice, person: Person, withheld: set[UUID]) -> UUID | None:
    """The newest capture that people called this, among the latest labels."""
    rows = Label.objects.order_by("-id").values_list("capture_id", "defect_class_id")[:LOOKED_AT]
    called = [capture for capture, defect_class in rows if defect_class == choice.pk and capture not in withheld]
    seen = Capture.objects.seen_by(person).filter(pk__in=called[:20])
    return seen.order_by("-id").values_list("pk", flat=True).first()
