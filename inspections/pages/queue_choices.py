"""The classes as an operator chooses them: their numbers, icons, definitions and pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from inspections.models import DefectClass, Person
from inspections.models.defect_class import GOOD
from inspections.models.label import UNSURE
from inspections.pages.classes import definitions

CLASS_KEYS = 9
ICONS = frozenset({"good", "color", "cut", "hole", "thread", "metal_contamination"})


@dataclass(frozen=True)
class Choice:
    """One class as a button: `action` is what a key calls it, empty beyond the ninth defect."""

    code: str
    name: str
    action: str
    number: int
    critical: bool
    definition: str

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
    return Choice(one.code, one.title, action, number, one.critical, one.definition)


def answer_words(code: str, names: dict[str, str]) -> str:
    return _("Sent to a colleague") if code == UNSURE else names.get(code, code)


@dataclass(frozen=True)
class Meaning:
    """A class in words and a picture, where there is one."""

    choice: Choice
    picture: str


def meanings(person: Person) -> list[Meaning]:
    """What the classes mean, in the order of the buttons."""
    cards = {card.code: card for card in definitions(person)}
    return [Meaning(choice, cards[choice.code].picture_url) for choice in choices()]
