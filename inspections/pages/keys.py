"""What each key of the operator's page does: one table, from which page, sheet and tests are made; kept per person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inspections.models import AuditEvent, Person
from inspections.pages.access import PersonRequest, deed, page
from inspections.pages.queue_choices import CLASS_KEYS, numbered

LONGEST = 12
NAMED = (
    *("Space", "Enter", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown"),
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"),
)


@dataclass(frozen=True)
class Action:
    """Something that a key does. `keys` can be changed, `fixed` ones always stay."""

    name: str
    words: Any
    keys: tuple[str, ...]
    fixed: tuple[str, ...] = ()


ACTIONS = (
    Action("agree", gettext_lazy("Agree with the model"), ("Space", "Enter")),
    Action("good", gettext_lazy("Good: no defect"), ("g",)),
    *(
        Action(f"class_{number}", gettext_lazy("Class %(number)d") % {"number": number}, (str(number),))
        for number in range(1, CLASS_KEYS + 1)
    ),
    Action("skip", gettext_lazy("Skip: somebody else decides"), ("s",)),
    Action("unsure", gettext_lazy("Send to a colleague: I am unsure"), ("f",)),
    Action("undo", gettext_lazy("Undo, as many steps as you like"), ("u",), ("Ctrl+z",)),
    Action("back", gettext_lazy("Back to what was decided"), ("ArrowLeft",)),
    Action("next", gettext_lazy("Forward again"), ("ArrowRight",)),
    Action("zoom", gettext_lazy("Zoom in, or all of it"), ("z",)),
    Action("heat", gettext_lazy("Heat-map"), ("h",)),
    Action("alike", gettext_lazy("Look-alikes, open until closed"), ("l",)),
    Action("rotate", gettext_lazy("Rotate by a quarter"), ("r",)),
    Action("definition", gettext_lazy("What the classes mean"), ("d",)),
    Action("history", gettext_lazy("Details and history"), ("i",)),
    Action("note", gettext_lazy("Write a note"), ("n",)),
    Action("sheet", gettext_lazy("This sheet"), ("?",)),
    Action("close", gettext_lazy("Close what is open"), (), ("Escape",)),
)
BY_NAME = {action.name: action for action in ACTIONS}


def changed_of(person: Person) -> dict[str, str]:
    """What this person changed, as far as it still makes sense."""
    kept = person.preferences.get("keys")
    kept = kept if isinstance(kept, dict) else {}
    return {name: key for name, key in kept.items() if name in BY_NAME and isinstance(key, str) and is_key(key)}


def are_off(person: Person) -> bool:
    return person.preferences.get("keys_off") is True


def bindings(changed: Mapping[str, str]) -> dict[str, list[str]]:
    """Every action's keys, the main one first."""
    return {
        action.name: [*((changed[action.name],) if action.name in changed else action.keys), *action.fixed]
        for action in ACTIONS
    }


def is_key(text: str) -> bool:
    """One printable character, or a key that has a name."""
    return text in NAMED or (len(text) == 1 and text.isprintable() and not text.isspace())


def canonical(text: str) -> str:
    """As the page writes it: letters small, named keys by their name, whatever their case."""
    if len(text) == 1:
        return "Space" if text == " " else text.lower()[:1]
    return next((name for name in NAMED if name.lower() == text.lower()), text)


@dataclass(frozen=True)
class Wanted:
    """Keys as somebody wants them, and what is wrong with them, in words by action."""

    changed: dict[str, str]
    off: bool
    errors: dict[str, str]


def read(sent: Mapping[str, Any], off: bool) -> Wanted:
    """Check what was sent. An empty key is the usual one; so is one that is the usual one anyway."""
    changed: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, key in list(sent.items())[: 2 * len(ACTIONS)]:
        if not isinstance(name, str) or name not in BY_NAME or not BY_NAME[name].keys:
            errors[str(name)[:LONGEST]] = _("There is no such action.")
        elif not isinstance(key, str) or len(key) > LONGEST or not (key == "" or is_key(canonical(key))):
            errors[name] = _("This is no key: one character, or a name like Enter.")
        elif key and canonical(key) not in BY_NAME[name].keys:
            changed[name] = canonical(key)
    return Wanted(changed, off, {**_twice(changed), **errors})


def _twice(changed: Mapping[str, str]) -> dict[str, str]:
    """No key may do two things."""
    errors = {}
    for name, key in changed.items():
        others = [other for other, keys in bindings(changed).items() if other != name and key in keys]
        if others:
            errors[name] = _("“%(key)s” already does: %(action)s") % {"key": key, "action": BY_NAME[others[0]].words}
    return errors


def save(person: Person, wanted: Wanted) -> None:
    now = timezone.now()
    with transaction.atomic():
        row = Person.objects.select_for_update().get(pk=person.pk)
        row.preferences = {**row.preferences, "keys": wanted.changed, "keys_off": wanted.off}
        row.save(update_fields=["preferences"])
        subject = f"person {row.get_username()}"[:80]
        AuditEvent.note(row, "keys", subject, now, keys=wanted.changed, keys_off=wanted.off)
    person.preferences = row.preferences


def settings_of(person: Person) -> dict[str, Any]:
    """What the page's script needs to know."""
    return {"keys": _first_come(changed_of(person)), "off": are_off(person)}


def _first_come(changed: Mapping[str, str]) -> dict[str, list[str]]:
    """A key that somebody chose stays theirs when a newer action comes with the same one."""
    chosen = set(changed.values())
    return {
        name: [key for key in keys if key not in chosen or changed.get(name) == key]
        for name, keys in bindings(changed).items()
    }


@dataclass(frozen=True)
class Row:
    """One line of the sheet."""

    action: Action
    words: str
    key: str
    usual: str
    fixed: tuple[str, ...]
    error: str

    @property
    def can_change(self) -> bool:
        return bool(self.action.keys)


def rows(changed: Mapping[str, str], class_words: Mapping[str, str], errors: Mapping[str, str]) -> list[Row]:
    """The sheet. A class key is named after its class; a number without a class is left out."""
    return [
        Row(
            action=action,
            words=class_words.get(action.name, str(action.words)),
            key=changed.get(action.name, action.keys[0] if action.keys else ""),
            usual=action.keys[0] if action.keys else "",
            fixed=(*(() if action.name in changed else action.keys[1:]), *action.fixed),
            error=errors.get(action.name, ""),
        )
        for action in ACTIONS
        if not action.name.startswith("class_") or action.name in class_words
    ]


def sheet(person: Person, class_words: Mapping[str, str]) -> dict[str, Any]:
    """What the sheet's template needs."""
    return {"key_rows": rows(changed_of(person), class_words, {}), "keys_off": are_off(person)}


@page
def show(request: PersonRequest) -> HttpResponseBase:
    """The sheet as a page of its own."""
    return render(request, "inspections/_keys_page.html", sheet(request.user, class_words()))


def class_words() -> dict[str, str]:
    """Which class stands behind `class_1` and the others."""
    return {f"class_{number}": one.title for number, one in numbered() if number}


@deed
def keep(request: PersonRequest) -> HttpResponseBase:
    """Keep the keys, from the form or, as JSON, from the page's script."""
    is_json = request.content_type == "application/json"
    wanted = _from_json(request) if is_json else _from_form(request)
    if not wanted.errors:
        save(request.user, wanted)
    if is_json:
        said = {"errors": wanted.errors} if wanted.errors else settings_of(request.user)
        return JsonResponse(said, status=400 if wanted.errors else 200)
    if not wanted.errors:
        return HttpResponseRedirect(f"{reverse('keys')}?kept=1")
    return _form_again(request, wanted)


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponseBase:
    return keep(request) if request.method == "POST" else show(request)


def _from_json(request: PersonRequest) -> Wanted:
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict) or not isinstance(sent.get("keys", {}), dict):
        return Wanted({}, False, {"": _("This is no JSON object with keys.")})
    return read(sent.get("keys", {}), sent.get("keys_off") is True)


def _from_form(request: PersonRequest) -> Wanted:
    if "usual" in request.POST:
        return Wanted({}, False, {})
    sent = {name.removeprefix("key-"): value for name, value in request.POST.items() if name.startswith("key-")}
    return read(sent, "keys_off" in request.POST)


def _form_again(request: PersonRequest, wanted: Wanted) -> HttpResponse:
    sent = {name.removeprefix("key-"): str(value) for name, value in request.POST.items() if name.startswith("key-")}
    shown = rows(sent, class_words(), wanted.errors)
    context = {"key_rows": shown, "keys_off": wanted.off, "errors": wanted.errors}
    return render(request, "inspections/_keys_page.html", context, status=400)
