"""The classes and what they mean: a definition in the mill's words, and a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse

from inspections.models import Capture, DefectClass, Label, Person
from inspections.review.blind import withheld

LOOKED_AT = 200  # labels read back for a picture of a class that has none of its own


@dataclass(frozen=True)
class ClassCard:
    """One class as a person may see it. `capture` is behind the picture, None where it was drawn or there is none."""

    pk: int
    code: str
    name: str
    definition: str
    family: str
    critical: bool
    active: bool
    example: UUID | None  # chosen by somebody; shown only to those who may see it
    provisional: bool = False
    picture_url: str = ""
    capture: UUID | None = None


def definitions(person: Person) -> list[ClassCard]:
    """Every class with its picture: the chosen example, else the drawn one, else the latest that was called so.

    No picture is of another line than this person's, and none gives away what they are being asked blind.
    """
    cards = [_card(one) for one in DefectClass.objects.all()]
    secret = withheld(person)
    may_see = _visible(person, [card.example for card in cards if card.example], secret)
    shown = [_with_picture(card, may_see) for card in cards]
    latest = _latest(person, [card.pk for card in shown if not card.picture_url], secret)
    return [_of_capture(card, latest.get(card.pk)) if not card.picture_url else card for card in shown]


def _card(one: DefectClass) -> ClassCard:
    return ClassCard(
        one.pk,
        one.code,
        one.name,
        one.definition,
        one.family,
        one.critical,
        one.active,
        one.example_id,
        one.provisional,
    )


def _visible(person: Person, keys: Iterable[UUID], secret: set[UUID]) -> set[UUID]:
    wanted = set(keys) - secret
    return set(Capture.objects.seen_by(person).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()


def _with_picture(card: ClassCard, may_see: set[UUID]) -> ClassCard:
    if card.example in may_see:
        return _of_capture(card, card.example)
    name = drawn(card.code)
    return replace(card, picture_url=static(name) if name else "")


def _of_capture(card: ClassCard, key: UUID | None) -> ClassCard:
    if key is None:
        return card
    return replace(card, picture_url=reverse("capture-view", args=[key]), capture=key)


@lru_cache(maxsize=200)
def drawn(code: str) -> str:
    """The static name of the picture that comes with Selvedge; empty for a mill's own class."""
    name = f"inspections/classes/{code}.webp"
    return name if finders.find(name) else ""


def _latest(person: Person, classes: Sequence[int], secret: set[UUID]) -> dict[int, UUID]:
    """By class, the newest capture that people called so, among the latest labels."""
    if not classes:
        return {}
    rows = Label.objects.standing().order_by("-id").values_list("capture_id", "defect_class_id")[:LOOKED_AT]
    pairs = [(capture, one) for capture, one in rows if one in classes]
    may_see = _visible(person, [capture for capture, _ in pairs], secret)
    found: dict[int, UUID] = {}
    for capture, one in pairs:
        if capture in may_see:
            found.setdefault(one, capture)
    return found
