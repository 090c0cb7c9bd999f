"""`/classes/`: what the classes mean, for everybody; managers and admins change them and add new ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import new_class
from inspections.just_now import did
from inspections.models import AuditEvent, DefectClass, Person, ProvisionalClass, Role
from inspections.models.defect_class import GOOD
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.class_forms import FAMILIES, Change, New, stamp
from inspections.pages.class_makers import operators
from inspections.pages.classes import ClassCard, definitions
from inspections.pages.history import name_of


@dataclass(frozen=True)
class Row:
    """One class on the page, with the form to change it where the reader may."""

    card: ClassCard
    family: str
    form: Change | None
    stamp: str
    is_open: bool
    objection: str
    provisionally: ProvisionalClass | None = None


@require_http_methods(["GET", "HEAD", "POST"])
def classes(request: HttpRequest) -> HttpResponseBase:
    return _add(request) if request.method == "POST" else _list(request)


@page
def _list(request: PersonRequest) -> HttpResponseBase:
    return _shown(request, New(), {})


def _shown(
    request: PersonRequest, new: New, changed: Mapping[str, tuple[Change, str]], status: int = 200
) -> HttpResponseBase:
    """`changed`: by code, the form that somebody sent and what stood in its way."""
    rows = _rows(request.user, changed)
    context = {
        "rows": [row for row in rows if row.card.active],
        "retired": [row for row in rows if not row.card.active],
        "new": new,
        "is_new_open": new.is_bound,
        "may_change": request.user.sees_every_line,
        "may_make": request.user.may_make_classes,
        "draft": new_class.draft_of(request.user),
        "operators": operators() if request.user.role == Role.ADMIN else None,
    }
    return render(request, "inspections/classes.html", context, status=status)


def _rows(person: Person, changed: Mapping[str, tuple[Change, str]]) -> list[Row]:
    families = dict(FAMILIES)
    models = {one.code: one for one in DefectClass.objects.all()} if person.sees_every_line else {}
    cards = definitions(person)
    from_examples = _from_examples() if any(card.provisional for card in cards) else {}
    rows = []
    for card in cards:
        one = models.get(card.code)
        form, objection = changed.get(card.code, (Change(one) if one else None, ""))
        family = str(families.get(card.family, card.family))
        seen = stamp(one) if one else ""
        rows.append(Row(card, family, form, seen, card.code in changed, objection, from_examples.get(card.code)))
    return rows


def _from_examples() -> dict[str, ProvisionalClass]:
    """By code, the provisional classes that stand, with what their cards tell."""
    rows = ProvisionalClass.objects.standing().select_related("defect_class", "confirmed_by")
    return {
        one.defect_class.code: one for one in rows.prefetch_related("lines", "prototypes__version") if one.defect_class
    }


@deed
def _add(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    form = New(request.POST)
    if not form.is_valid():
        code, name = (request.POST.get(field, "").strip() for field in ("code_", "name"))
        done = did(request.user, "new-class", f"class {code}", timezone.now())
        if done and done.detail["name"] == name:  # by a press just before
            return _added(request, code, name)
        return _shown(request, form, {}, status=400)
    said = dict(form.cleaned_data)
    code = said.pop("code_")
    try:
        with transaction.atomic():
            DefectClass.objects.create(code=code, **said)
            AuditEvent.note(request.user, "new-class", f"class {code}", timezone.now(), **said)
    except IntegrityError:
        form.add_error("code_", _("There is a class with this code already."))
        return _shown(request, form, {}, status=400)
    return _added(request, code, said["name"])


def _added(request: PersonRequest, code: str, name: str) -> HttpResponseBase:
    messages.success(request, _("“%(name)s” can be chosen from now on.") % {"name": name})
    return _to_class(code)


@deed
def change(request: PersonRequest, code: str) -> HttpResponseBase:
    """Keep what a form says of a class, unless somebody else changed it since the form was opened."""
    for_managers(request.user)
    with transaction.atomic():
        one = DefectClass.objects.select_for_update(of=("self",)).filter(code=code).first()
        if one is None:
            raise Http404
        form = Change(one, request.POST)
        is_valid = form.is_valid()
        is_so = is_valid and _is_so(one, form.cleaned_data)
        objection = "" if is_so or request.POST.get("seen") == stamp(one) else _changed_meanwhile(one)
        if is_valid and not objection and not is_so:
            _keep(request.user, one, form.cleaned_data)
    if not is_valid or objection:
        return _shown(request, New(), {code: (form, objection)}, status=409 if objection else 400)
    messages.success(request, _("“%(name)s” is kept.") % {"name": one.name})
    return _to_class(code)


def _is_so(one: DefectClass, said: dict[str, Any]) -> bool:
    """It says already what was sent: by a press before, or nothing was changed."""
    names = ("name", "definition") if one.code == GOOD else ("name", "definition", "critical", "active")
    return all(getattr(one, name) == said[name] for name in names) and not (said.get("back") and one.example_id)


def _keep(person: Person, one: DefectClass, said: dict[str, Any]) -> None:
    before = _as_audited(one)
    one.name, one.definition = said["name"], said["definition"]
    if one.code != GOOD:
        one.critical, one.active = said["critical"], said["active"]
    if said.get("back"):
        one.example = None
    one.save()
    after = _as_audited(one)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    AuditEvent.note(person, "definition", f"class {one.code}", timezone.now(), **changes)


def _as_audited(one: DefectClass) -> dict[str, Any]:
    names = ("name", "definition", "critical", "active")
    return {**{name: getattr(one, name) for name in names}, "example": str(one.example_id or "")}


def _changed_meanwhile(one: DefectClass) -> str:
    last = AuditEvent.objects.filter(subject=f"class {one.code}").select_related("person").order_by("-id").first()
    if last is None or last.person is None:
        return _("Somebody changed this class meanwhile. What you wrote stands here; look again and save.")
    return _("%(person)s changed this class meanwhile. What you wrote stands here; look again and save.") % {
        "person": name_of(last.person)
    }


def _to_class(code: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('classes')}#class-{code}")
