"""`/queue/grid/`: many images at once, for runs of alike ones. Its script picks; what it may send is signed here."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inspections.models import Line
from inspections.pages import keys
from inspections.pages.access import PersonRequest, page
from inspections.pages.grid_items import Mark, Tile
from inspections.pages.grid_items import page as page_of
from inspections.pages.grid_words import words
from inspections.pages.overview import class_names
from inspections.pages.queue_choices import ICONS, choices
from inspections.review import screen
from inspections.review.blind import withheld
from inspections.review.queue import Order, Wanted

SIZE_COOKIE = "grid_size"
A_YEAR = 365 * 24 * 60 * 60
CHOICE = {"invalid_choice": _("There is no “%(value)s” here to choose.")}


class Size(TextChoices):
    SMALL = "s", _("Small")
    MIDDLE = "m", _("Middle")
    LARGE = "l", _("Large")


class Filters(forms.Form):
    """What may stand in the address. Choices come from what this person may see, so that others' lines do not exist."""

    order = forms.ChoiceField(
        label=_("Order"), choices=Order.choices, required=False, error_messages=CHOICE, widget=forms.RadioSelect
    )
    size = forms.ChoiceField(label=_("Size"), choices=Size.choices, required=False, error_messages=CHOICE)
    after = forms.CharField(label=_("Page"), required=False, max_length=100)

    def __init__(self, data: QueryDict, lines: Sequence[Line], names: dict[str, str]) -> None:
        data = data.copy()
        data.setdefault("order", Order.WORST)
        super().__init__(data, label_suffix="", auto_id="g-%s")
        self.lines = lines
        self.fields["line"] = _select(_("Line"), [("", _("All lines")), *((one.slug, str(one)) for one in lines)])
        self.fields["class"] = _select(_("Class"), [("", _("All classes")), *names.items()])

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self["line"], self["class"]]

    def clean_after(self) -> Mark | None:
        text = self.cleaned_data["after"]
        try:
            return Mark.parse(text) if text else None
        except ValueError:
            raise forms.ValidationError(_("This address is damaged. Start again at the first page.")) from None

    @property
    def wanted(self) -> Wanted:
        found = self.cleaned_data
        lines = tuple(line for line in self.lines if found["line"] in ("", line.slug))
        return Wanted(lines, Order(found["order"] or Order.WORST), found["class"])


def _select(label: Any, options: list[tuple[str, Any]]) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=options, required=False, error_messages=CHOICE, widget=widget)


@page
def grid(request: PersonRequest) -> HttpResponseBase:
    """A page of undecided images. One that is asked blind is never among them: here, the model's answer is in sight."""
    lines = list(Line.objects.seen_by(request.user))
    form = Filters(request.GET, lines, class_names())
    is_valid = form.is_valid()
    size = _size(request)
    context = {
        "form": form,
        "lines": lines,
        "is_valid": is_valid,
        "is_first": not request.GET.get("after"),
        "is_narrowed": any(request.GET.get(name) for name in ("line", "class")),
        "size": size,
        "sizes": Size.choices,
        "choices": choices(),
        "keys": json.dumps(keys.settings_of(request.user)),
        "words": json.dumps(words()),
        **(_shown(request, form) if is_valid else {}),
    }
    response = render(request, "inspections/grid.html", context, status=200 if is_valid else 400)
    if request.GET.get("size") == size:
        response.set_cookie(SIZE_COOKIE, size, max_age=A_YEAR, path=request.path, samesite="Lax")
    return response


def _size(request: PersonRequest) -> str:
    """Of the address, else as this browser had it last."""
    for wanted in (request.GET.get("size"), request.COOKIES.get(SIZE_COOKIE)):
        if wanted in Size.values:
            return wanted
    return Size.MIDDLE


def _shown(request: PersonRequest, form: Filters) -> dict[str, Any]:
    now, person = timezone.now(), request.user
    found = page_of(person, form.wanted, form.cleaned_data["after"], withheld(person))
    icons = {*ICONS, "unknown"}
    return {
        "tiles": [Tile.of(item, person, now, icons) for item in found.items],
        "next": found.next,
        "screen": screen.sign(person, [item.capture_id for item in found.items]),
    }
