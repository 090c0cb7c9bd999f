"""The audit log, to be read: newest first, narrowed by person, action and subject in the address. Nobody edits it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inspections.models import AuditEvent, Person
from inspections.pages.access import PersonRequest, page
from inspections.review.blind import withheld

PAGE = 100
MOST_SHOWN = 200  # characters of one value
ACTIONS = {
    "sign-in": _("Signed in"),
    "sign-out": _("Signed out"),
    "change-user": _("Took over the terminal"),
    "unlock": _("Gave the password"),
    "unlock-failed": _("Gave a wrong password"),
    "upload": _("Uploaded a picture"),
    "label": _("Labelled"),
    "undo": _("Took a label back"),
    "skip": _("Put aside"),
    "known-answer": _("Set a known answer"),
    "keys": _("Changed the keys"),
    "example": _("Chose the example of a class"),
    "definition": _("Changed a class"),
    "new-class": _("Added a class"),
    "class-draft": _("Drafted a class from examples"),
    "class-from-examples": _("Made a class from examples"),
    "class-taken-back": _("Took a class back"),
    "class-removed": _("What a class gave was taken back"),
    "class-trained": _("A model has learnt a class"),
    "class-provisional": _("A class is provisional again"),
    "may-make-classes": _("Changed who may make classes"),
    "new-shift": _("Added a shift"),
    "new-shifts": _("Made three shifts"),
    "shift": _("Changed a shift"),
    "delete-shift": _("Deleted a shift"),
    "roll-style": _("Set the style of a roll"),
    "new-model": _("Added a model"),
    "gate": _("Held a model against the golden set"),
    "gate-override": _("Overrode the gate"),
    "promote": _("Promoted a model"),
    "rollback": _("Rolled back"),
    "fallback": _("Fell back to the model before"),
    "reject": _("Rejected a model"),
    "model-download": _("Downloaded a model"),
    "train": _("Started a training"),
    "cancel-training": _("Cancelled a training"),
    "shadow-start": _("Let a version judge in shadow"),
    "shadow-stop": _("Ended a shadow"),
    "recall": _("Asked for a recall"),
    "recall-cancel": _("Ended a recall"),
    "export": _("Took a table away"),
    "import": _("Imported images"),
    "snapshot": _("Made a snapshot"),
    "golden-set": _("Made a golden set"),
    "golden-sources": _("Gave rolls to the golden set"),
    "quarantine": _("Quarantined labels"),
    "lift-quarantine": _("Lifted a quarantine"),
    "threshold": _("Moved a threshold"),
    "chart": _("Changed a control chart"),
    "baseline": _("Confirmed a baseline"),
    "reckon": _("Asked what to label"),
    "acknowledge-alarm": _("Acknowledged an alarm"),
    "resolve-alarm": _("Resolved an alarm"),
    "note-alarm": _("Wrote a note on an alarm"),
    "tell-again": _("Had an alarm told again"),
    "make-rule": _("Made an alarm rule"),
    "change-rule": _("Changed an alarm rule"),
    "make-channel": _("Made a channel"),
    "change-channel": _("Changed a channel"),
    "test-channel": _("Tested a channel"),
}


class Filters(forms.Form):
    """What may stand in the address."""

    person = forms.CharField(label=_("Person"), required=False, max_length=150)
    action = forms.CharField(label=_("Action"), required=False, max_length=40)
    subject = forms.CharField(label=_("Subject"), required=False, max_length=80)
    after = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, label_suffix="")
        for name, hint in (("person", "people"), ("action", "actions")):
            self.fields[name].widget.attrs.update({"list": hint, "autocapitalize": "none"})

    @property
    def shown(self) -> list[forms.BoundField]:
        return [self["person"], self["action"], self["subject"]]

    def address(self, **changes: str) -> str:
        """This choice with something changed, from its first page."""
        chosen = {name: self.cleaned_data.get(name) or "" for name in ("person", "action", "subject")}
        wanted = {name: value for name, value in {**chosen, **changes}.items() if value}
        return f"{reverse('audit')}?{urlencode(wanted)}" if wanted else reverse("audit")


@dataclass(frozen=True)
class Row:
    """One event as the page shows it."""

    event: AuditEvent
    action: str
    details: list[tuple[str, str]]
    url: str  # of what it is about, where that has a page
    more: str  # the log of this subject alone


@page
def audit(request: PersonRequest) -> HttpResponseBase:
    """A page of the log, for managers and admins."""
    if not request.user.sees_every_line:
        raise PermissionDenied
    form = Filters(request.GET)
    is_valid = form.is_valid()
    events = wanted(request.user, form.cleaned_data) if is_valid else []
    shown = events[:PAGE]
    context = {
        "form": form,
        "rows": [row_of(event, form) for event in shown],
        "older": form.address(after=str(shown[-1].pk)) if len(events) > PAGE else "",
        "is_first": not request.GET.get("after"),
        "is_narrowed": any(request.GET.get(name) for name in ("person", "action", "subject")),
        "people": Person.objects.order_by("username").values_list("username", flat=True)[:500],
        "actions": ACTIONS,
    }
    return render(request, "inspections/audit.html", context, status=200 if is_valid else 400)


def wanted(reader: Person, chosen: dict[str, Any]) -> list[AuditEvent]:
    """One page and one more, newest first: a seek from where the last page ended. What the reader is being asked
    blind is left out, as its history is everywhere."""
    secret = [f"capture {key}" for key in withheld(reader)]
    rows = AuditEvent.objects.select_related("person").exclude(subject__in=secret).order_by("-id")
    if chosen["person"]:
        rows = rows.filter(person__username=chosen["person"])
    if chosen["action"]:
        rows = rows.filter(action=chosen["action"])
    if chosen["subject"]:
        rows = rows.filter(subject=subject_of(chosen["subject"]))
    if chosen["after"]:
        rows = rows.filter(id__lt=chosen["after"])
    return list(rows[: PAGE + 1])


def subject_of(text: str) -> str:
    """An id alone means the capture of that id."""
    text = text.strip()
    return f"capture {key}" if (key := _uuid(text)) else text


def row_of(event: AuditEvent, form: Filters) -> Row:
    return Row(
        event=event,
        action=str(ACTIONS.get(event.action, event.action)),
        details=list(details_of(event.detail)),
        url=url_of(event.subject),
        more=form.address(subject=event.subject) if event.subject else "",
    )


def details_of(detail: Any) -> Iterator[tuple[str, str]]:
    """Names and values in words, in the order in which they were written."""
    for name, value in detail.items() if isinstance(detail, dict) else [("", detail)]:
        text = words_of(value)
        yield str(name).replace("_", " "), text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def words_of(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, dict):
        return ", ".join(f"{name}: {words_of(one)}" for name, one in value.items())
    return ", ".join(map(words_of, value)) if isinstance(value, list) else str(value)


def url_of(subject: str) -> str:
    """The page of a capture, a line or an alarm; other subjects have none."""
    kind, _space, name = subject.partition(" ")
    if kind == "alarm" and name.isascii() and name.isdigit():
        return reverse("alarm", args=[name])
    if kind == "capture" and (key := _uuid(name)):
        return reverse("capture", args=[key])
    if kind == "line" and name.replace("-", "").replace("_", "").isalnum() and name.isascii():
        return reverse("line", args=[name])
    return ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
