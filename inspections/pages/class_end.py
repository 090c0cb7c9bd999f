"""`/classes/<code>/take-back/`: a provisional class is taken back, with what that means said before."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import new_class
from inspections.models import Label, ProvisionalClass
from inspections.new_class.ending import left_of
from inspections.pages.access import PersonRequest, deed, page
from inspections.pages.new_class import for_makers
from inspections.snapshots import Refused

LONGEST = 500


@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest, code: str) -> HttpResponseBase:
    return _take(request, code) if request.method == "POST" else _ask(request, code)


@page
def _ask(request: PersonRequest, code: str) -> HttpResponseBase:
    return _shown(request, _found(request, code))


@deed
def _take(request: PersonRequest, code: str) -> HttpResponseBase:
    one = _found(request, code)
    done = new_class.take_back(one, request.user, timezone.now(), request.POST.get("reason", "")[:LONGEST])
    if isinstance(done, Refused):
        return _shown(request, one, done.reason, status=409)
    messages.success(request, _("“%(name)s” is taken back; what it gave follows in a moment.") % {"name": one})
    return HttpResponseRedirect(f"{reverse('classes')}#class-{code}")


def _found(request: PersonRequest, code: str) -> ProvisionalClass:
    """404 where the class did not come from examples; 403 for whoever may not make such."""
    for_makers(request.user)
    rows = ProvisionalClass.objects.select_related("defect_class", "confirmed_by").prefetch_related("lines")
    one = rows.filter(defect_class__code=code).first()
    if one is None:
        raise Http404
    return one


def _shown(request: PersonRequest, one: ProvisionalClass, objection: str = "", status: int = 200) -> HttpResponseBase:
    labels = Label.objects.standing().filter(defect_class=one.defect_class_id)
    context = {
        "one": one,
        "objection": objection,
        "refused": new_class.objection_to_taking_back(one, request.user),
        "labels": labels.count(),
        "verdicts": left_of(one),
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "inspections/class_take_back.html", context, status=status)
