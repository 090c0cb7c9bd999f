"""`/queue/`: one image, one decision, the next one. The page works by forms alone; its script only makes it faster."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from inspections.api.problems import problem
from inspections.models import Kind, Label, Line, Person, ReviewItem
from inspections.pages import keys
from inspections.pages.access import PersonRequest, capture_of, deed, page
from inspections.pages.overview import class_names
from inspections.pages.queue_choices import answer_words, choices, meanings
from inspections.pages.queue_items import Desk, as_json, captures_of
from inspections.pages.queue_words import words
from inspections.review import answers, queue, undoing
from inspections.review.outcomes import Changed, Decided, Held, NotYours, Refused, Replayed
from inspections.review.reasons import reasons
from inspections.review.rows import was_shown
from inspections.review.shifts import shift_start

AHEAD = 3  # images that are loaded before they are asked about
CHOICE = {"invalid_choice": gettext_lazy("There is no “%(value)s” here to choose.")}


class Filters(forms.Form):
    """What may stand in the address."""

    def __init__(self, data: QueryDict, lines: Sequence[Line], names: dict[str, str]) -> None:
        super().__init__(data, label_suffix="", auto_id="q-%s")
        self.lines = lines
        self.fields["line"] = _select(_("Line"), [("", _("All lines")), *((one.slug, str(one)) for one in lines)])
        self.fields["order"] = _select(_("Order"), queue.Order.choices)
        self.fields["class"] = _select(_("Class"), [("", _("All classes")), *names.items()])

    @property
    def wanted(self) -> queue.Wanted:
        found = self.cleaned_data
        chosen = tuple(line for line in self.lines if found["line"] in ("", line.slug))
        return queue.Wanted(chosen, queue.Order(found["order"] or queue.Order.WORST), found["class"])

    @property
    def address(self) -> str:
        """The filters as they stand in an address."""
        kept = {name: value for name, value in self.data.items() if name in self.fields and value}
        return urlencode(kept)


def _select(label: str, choices: Any) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, required=False, error_messages=CHOICE, widget=widget)


def _filters(person: Person, data: QueryDict) -> Filters:
    form = Filters(data, list(Line.objects.seen_by(person)), class_names())
    form.is_valid()
    return form


@page
def show(request: PersonRequest) -> HttpResponseBase:
    """The page with its first image, and the next ones for its script."""
    now, person = timezone.now(), request.user
    form = _filters(person, request.GET)
    if form.errors:
        return render(request, "inspections/queue.html", {"form": form, "state": "damaged"}, status=400)
    if not form.lines:
        return render(request, "inspections/queue.html", {"form": form, "state": "no-lines"})
    desk = Desk(person, now)
    feed = _feed(desk, form.wanted, 1 + AHEAD, set())
    context = {
        "form": form,
        "state": "asking" if feed.shown else "empty",
        "feed": feed,
        "shown": feed.shown[0] if feed.shown else None,
        "choices": choices(),
        "meanings": meanings(person),
        "token": uuid4(),
        "last": _last(person, now) if "last" in request.GET else None,
        "config": _config(request, form, feed),
        "words": words(),
        **keys.sheet(person, keys.class_words()),
    }
    return render(request, "inspections/queue.html", context)


def _config(request: PersonRequest, form: Filters, feed: "Feed") -> dict[str, Any]:
    """What the script must know, beside the words."""
    return {
        "person": request.user.get_username(),
        "name": request.user.get_full_name() or request.user.get_username(),
        "ahead": AHEAD,
        "items_url": f"{reverse('queue-items')}?{form.address}",
        "api": reverse("api-queue").removesuffix("queue/"),
        "login_url": reverse("login"),
        "unlock_url": "/unlock/",
        "alike_url": reverse("capture-look-alikes", args=[UUID(int=0)]).replace(str(UUID(int=0)), "{capture}"),
        "keys_url": reverse("keys"),
        "answers": {one.code: one.name for one in choices()} | {"unsure": answer_words("unsure", {})},
        "codes": {one.action: one.code for one in choices() if one.action},
        **keys.settings_of(request.user),
        "feed": feed.as_json(),
    }


@dataclass(frozen=True)
class Feed:
    """What this person holds, and how much there is."""

    person: str
    shown: Sequence[Any]
    known: Sequence[ReviewItem]  # what the page has already; only their leases are told
    left: int
    done: int
    set_aside: int

    def as_json(self) -> dict[str, Any]:
        known = [
            {"item": str(item.pk), "capture": str(item.capture_id), "lease_until": _iso(item.lease_until)}
            for item in self.known
        ]
        counts = {"left": self.left, "done": self.done, "set_aside": self.set_aside}
        return {
            "person": self.person,
            "items": [as_json(one) for one in self.shown],
            "known": known,
            **counts,
        }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _feed(desk: Desk, wanted: queue.Wanted, most: int, have: set[str]) -> Feed:
    held = queue.take(desk.person, wanted, most, desk.now)
    desk.read_secrets()  # what was just leased may be blind
    new = [item for item in held if str(item.pk) not in have]
    captures = captures_of(new)
    desk.why = reasons(wanted.order, captures)
    return Feed(
        person=desk.person.get_username(),
        shown=[desk.show(captures[item.capture_id], item) for item in new],
        known=[item for item in held if str(item.pk) in have],
        left=queue.left(desk.person, wanted),
        done=queue.done_since(desk.person, shift_start(desk.now)),
        set_aside=queue.set_aside(desk.person, wanted),
    )


@page
def _items(request: PersonRequest) -> HttpResponseBase:
    now = timezone.now()
    form = _filters(request.user, request.GET)
    if form.errors:
        return problem(request, 400, "validation-error", _("This address is damaged."))
    if key := request.GET.get("capture"):
        return _one(request, key, form.wanted.order, now)
    have = set(request.GET.get("have", "")[:1000].split(","))
    most = request.GET.get("limit", "")
    return JsonResponse(
        _feed(
            Desk(request.user, now), form.wanted, int(most) if re.fullmatch("[0-9]{1,3}", most) else 1 + AHEAD, have
        ).as_json()
    )


@require_safe
def items(request: HttpRequest) -> HttpResponseBase:
    """The feed: what this person holds and the counters; or with `capture`, that image as it stands now."""
    if not request.user.is_authenticated and "text/html" not in request.headers.get("Accept", "text/html"):
        return problem(request, 401, "not-authenticated", _("Sign in to go on."))
    return _items(request)


def _one(request: PersonRequest, key: str, order: queue.Order, now: datetime) -> HttpResponseBase:
    """One image again, to look back or to decide again; with `hold`, leased where that can be."""
    try:
        found = capture_of(request.user, UUID(key), "line", "camera", "roll", "defect_class")
    except ValueError:
        return problem(request, 404, "not-found", _("There is nothing here, or it is not yours to see."))
    item = ReviewItem.objects.open().select_related("holder").filter(capture=found).first()
    if item and not _may_know(request.user, item):
        item = None
    if item and "hold" in request.GET and queue.take_back(request.user, item, now):
        item.refresh_from_db()
    desk = Desk(request.user, now)
    desk.read_secrets()
    desk.why = reasons(order, [found.pk])
    shown = as_json(desk.show(found, item))
    if item and not was_shown(request.user, item):
        shown["item"] = None
    return JsonResponse({"items": [shown]})


def _may_know(person: Person, item: ReviewItem) -> bool:
    """That a flagged image is asked about is no secret; of any other kind, only who was shown it may know."""
    return was_shown(person, item) or (item.kind == Kind.FLAGGED and not item.blind)


# --- by forms alone -----------------------------------------------------------------------------------------------


@deed
def decide(request: PersonRequest) -> HttpResponseBase:
    """One decision by a form; then the page again, with the next image and what came of the last."""
    now, person = timezone.now(), request.user
    form = _filters(person, request.POST)
    address = "" if form.errors else form.address
    if "undo" in request.POST:
        return _undo(request, address, now)
    if "again" in request.POST and not form.errors:
        queue.bring_back(person, form.wanted)
        return _to_queue(address)
    capture = capture_of(person, _uuid(request.POST.get("capture")) or UUID(int=0))
    if "skip" in request.POST:
        item = get_object_or_404(ReviewItem.objects.open(), capture=capture)
        queue.skip(person, item, now)
        return _to_queue(address)
    outcome = answers.decide(
        person,
        capture,
        request.POST.get("label", ""),
        now,
        expected=_uuid(request.POST.get("expected")),
        token=_uuid(request.POST.get("token")),
        note=request.POST.get("note", ""),
    )
    return _after(request, address, outcome)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _to_queue(address: str, last: bool = False) -> HttpResponse:
    query = "&".join(part for part in (address, "last" if last else "") if part)
    return HttpResponseRedirect(f"{reverse('queue')}{'?' if query else ''}{query}")


def _after(request: PersonRequest, address: str, outcome: Any) -> HttpResponse:
    if isinstance(outcome, Decided | Replayed):
        return _to_queue(address, last=True)
    messages.warning(request, objection_words(outcome))
    return _to_queue(address)


def _undo(request: PersonRequest, address: str, now: datetime) -> HttpResponse:
    key = _uuid(request.POST["undo"]) or UUID(int=0)
    label = Label.objects.filter(pk=key, capture__line__in=Line.objects.seen_by(request.user)).first()
    if label is None:
        messages.warning(request, _("There is nothing to undo."))
        return _to_queue(address)
    outcome = undoing.undo(request.user, label, now)
    if isinstance(outcome, NotYours | Refused):
        messages.warning(request, objection_words(outcome))
    return _to_queue(address)


def objection_words(outcome: Changed | Held | Refused | NotYours) -> str:
    """Why a decision did not count, in words for a person."""
    if isinstance(outcome, Held):
        return _("%(person)s decides this image now. Yours was not kept.") % {"person": outcome.by}
    if isinstance(outcome, NotYours):
        return _("This is %(person)s's label; a manager can undo it.") % {"person": outcome.by}
    if isinstance(outcome, Refused):
        return _refused_words(outcome)
    if outcome.by is None:
        return _("The label that you saw was undone meanwhile. Yours was not kept.")
    answer = answer_words(outcome.by.answer, class_names())
    return _("%(person)s said %(answer)s meanwhile. Yours was not kept.") % {
        "person": outcome.by.person,
        "answer": answer,
    }


def _refused_words(outcome: Refused) -> str:
    known = {
        "class-retired": _("This class was retired and takes no new labels. Choose another one."),
        "class-unknown": _("There is no such class. Choose another one."),
        "not-judged": _("This capture has not been judged; it takes no label."),
        "not-undoable": _("An undo cannot be undone; decide again instead."),
    }
    return known.get(outcome.kind, outcome.detail)


def _last(person: Person, now: datetime) -> dict[str, Any] | None:
    """This person's latest decision of the shift, to be undone."""
    rows = Label.objects.filter(person=person, at__gte=shift_start(now), undoes=None, undone_by=None)
    label = rows.select_related("defect_class").order_by("-at", "-id").first()
    if label is None:
        return None
    return {"label": label, "words": answer_words(label.answer, class_names())}
