"""What the page of a new class sends: its words, and what its maker says of each capture."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from inspections.models import ExampleRole, ProvisionalClass
from inspections.pages.class_forms import FAMILIES, LONGEST_DEFINITION

ROLE = "role-"  # begins the name of a field that holds one capture's role


class Words(forms.Form):
    """As a class has them; a draft may still lack all of it."""

    name = forms.CharField(label=_("Name"), max_length=80, required=False)
    family = forms.ChoiceField(label=_("Family"), choices=[("", "–"), *FAMILIES], required=False)
    definition = forms.CharField(
        label=_("How to tell it"),
        required=False,
        max_length=LONGEST_DEFINITION,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    critical = forms.BooleanField(label=_("Critical: it comes first in the queue"), required=False)

    def __init__(self, draft: ProvisionalClass, data: QueryDict | None = None) -> None:
        initial = {name: getattr(draft, name) for name in ("name", "family", "definition", "critical")}
        super().__init__(data, initial=initial, label_suffix="", auto_id="words-%s")
        self.fields["family"].widget.attrs["class"] = "form-select"
        self.fields["name"].widget.attrs["autocomplete"] = "off"


def roles_of(sent: QueryDict) -> dict[UUID, ExampleRole | None]:
    """What the form says of each capture; what is no id or no role says nothing."""
    found: dict[UUID, ExampleRole | None] = {}
    for name in sent:
        key = _uuid(name.removeprefix(ROLE)) if name.startswith(ROLE) else None
        role = sent.get(name, "")
        if key is not None and role in {"", *ExampleRole.values}:
            found[key] = ExampleRole(role) if role else None
    return found


def captures_of(sent: QueryDict) -> list[UUID]:
    """The captures that are named, once each: a field each, or many with commas in one, as the grid's script sends
    them, for a form takes a hundred fields."""
    texts = [*sent.getlist("capture"), *sent.get("captures", "").split(",")]
    return list(dict.fromkeys(_uuids(texts)))


def _uuids(texts: Sequence[str]) -> Iterable[UUID]:
    return (key for text in texts if (key := _uuid(text)) is not None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
