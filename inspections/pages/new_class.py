"""`/classes/new-from-examples/`: captures are marked, look-alikes sorted, the effect is seen, the class confirmed."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from inspections import new_class
from inspections.models import Capture, Person, ProvisionalClass
from inspections.models.defect_class import titles
from inspections.new_class.confirming import Confirmed, objection_to_name
from inspections.new_class.drafts import MOST
from inspections.new_class.objections import FEWEST
from inspections.new_class.reckoned import Reckoned
from inspections.new_class.reckoning import LOOK_BACK
from inspections.pages.access import PersonRequest, deed, page
from inspections.pages.new_class_forms import Words, captures_of, roles_of
from inspections.review.blind import withheld
from inspections.snapshots import Refused

TEMPLATE = "inspections/new_class.html"


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest) -> HttpResponseBase:
    return _change(request) if request.method == "POST" else _show(request)


def for_makers(person: Person) -> None:
    """403 for whoever may not make classes."""
    if not person.may_make_classes:
        raise PermissionDenied


@page
def _show(request: PersonRequest) -> HttpResponseBase:
    for_makers(request.user)
    return _shown(request)


@deed
def mark(request: PersonRequest) -> HttpResponseBase:
    """Captures become examples of the draft; back to where the person was, if that was told."""
    for_makers(request.user)
    keys = captures_of(request.POST)
    if not keys:
        return _shown(request, _("No capture was picked. Pick at least one image first."), status=400)
    found = new_class.mark(request.user, keys, timezone.now())
    if isinstance(found, Refused):
        return _shown(request, found.reason, status=409)
    count = found.examples.count()
    words = ngettext("Marked: the draft holds %(n)s capture.", "Marked: the draft holds %(n)s captures.", count)
    messages.success(request, words % {"n": count})
    return HttpResponseRedirect(_back(request))


@deed
def _change(request: PersonRequest) -> HttpResponseBase:
    for_makers(request.user)
    now, there = timezone.now(), new_class.draft_of(request.user)
    if there is None:
        return _shown(
            request, _("There is no draft any more: it was confirmed or dropped in another window."), status=409
        )
    if request.POST.get("do") == "drop":
        new_class.drop(there, now)
        messages.success(request, _("The draft is dropped. No label was given."))
        return HttpResponseRedirect(reverse("new-class"))
    words = Words(there, request.POST)
    if not words.is_valid():
        return _shown(request, _("Something is wrong with its words. Nothing was kept."), words=words, status=400)
    if refused := new_class.keep(there, words.cleaned_data, roles_of(request.POST), now):
        return _shown(request, refused.reason, status=409)
    if request.POST.get("do") == "confirm":
        return _confirm(request, there, now)
    return HttpResponseRedirect(reverse("new-class"))


def _confirm(request: PersonRequest, there: ProvisionalClass, now: datetime) -> HttpResponseBase:
    """What is confirmed is what was on the page: where it has changed since, the new figures come first."""
    reckoned = new_class.reckon(there, request.user, now)
    if not reckoned.objection and request.POST.get("seen") != reckoned.stamp:
        changed = _("The figures have changed since this page was shown. Look at them, then confirm again.")
        return _shown(request, changed, reckoned=reckoned, status=409)
    done = new_class.confirm(there, request.user, reckoned, now)
    if isinstance(done, Refused):
        return _shown(request, done.reason, reckoned=reckoned, status=409)
    messages.success(request, _confirmed(done))
    return HttpResponseRedirect(f"{reverse('classes')}#class-{done.defect_class.code}")


def _confirmed(done: Confirmed) -> str:
    count = len(done.labels)
    words = ngettext(
        "“%(name)s” is provisional: %(n)s capture is labelled so, and new ones like it are found from now on.",
        "“%(name)s” is provisional: %(n)s captures are labelled so, and new ones like them are found from now on.",
        count,
    )
    return words % {"name": done.defect_class.name, "n": count}


def _shown(
    request: PersonRequest,
    objection: str = "",
    *,
    words: Words | None = None,
    reckoned: Reckoned | None = None,
    status: int = 200,
) -> HttpResponseBase:
    person = request.user
    there = new_class.draft_of(person)
    context: dict[str, Any] = {
        "draft": there,
        "objection": objection,
        "picked": _picked(request, there),
        "fewest": FEWEST,
        "most": MOST,
        "days": LOOK_BACK.days,
    }
    if there is not None:
        found = reckoned or new_class.reckon(there, person, timezone.now())
        context |= {"words": words or Words(there), "found": found, **_told(there, found)}
    return render(request, TEMPLATE, context, status=status)


def _told(there: ProvisionalClass, found: Reckoned) -> dict[str, Any]:
    names = titles()
    between = found.precision.between
    return {
        "effects": [
            (names.get(one.code, one.code), one.images, 100 * one.before, 100 * one.after, -100 * one.lost)
            for one in found.effects
        ],
        "swallowed": [(names.get(code, code), 100 * share) for code, share in found.swallowed.items() if share > 0],
        "spread": (min(found.spread), max(found.spread)) if found.spread else None,
        "percent": None if found.precision.share is None else 100 * found.precision.share,
        "between": (100 * between.low, 100 * between.high) if between else None,
        "sorted_of": found.precision.right + found.precision.wrong,
        "inside": sum(one.inside for one in found.alike),
        "name_objection": objection_to_name(there.name) if there.name else "",
    }


def _picked(request: PersonRequest, there: ProvisionalClass | None) -> list[Capture]:
    """Captures that the address names and that are not in the draft yet: one more touch marks them."""
    held = set(there.examples.values_list("capture_id", flat=True)) if there else set()
    wanted = [key for key in captures_of(request.GET)[:MOST] if key not in held | withheld(request.user)]
    rows = Capture.objects.seen_by(request.user).filter(pk__in=wanted).select_related("line", "defect_class", "roll")
    return list(rows.order_by("-id"))


def _back(request: PersonRequest) -> str:
    wanted = request.POST.get("next", "")
    here = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, here, require_https=request.is_secure())
    return wanted if wanted and is_ours else reverse("new-class")
