"""`/classes/makers/`: which operators may make a class from examples. Admins say so."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Person, Role
from inspections.pages.access import PersonRequest, deed, for_admins


def operators() -> list[Person]:
    rows = Person.objects.filter(role=Role.OPERATOR, is_active=True).order_by("username")
    return list(rows)


@deed
def makers(request: PersonRequest) -> HttpResponseBase:
    """The chosen operators may, the others may not."""
    for_admins(request.user)
    chosen, now = set(request.POST.getlist("may")), timezone.now()
    with transaction.atomic():
        for one in Person.objects.select_for_update(of=("self",)).filter(role=Role.OPERATOR, is_active=True):
            may = one.get_username() in chosen
            if may != one.makes_classes:
                Person.objects.filter(pk=one.pk).update(makes_classes=may)
                AuditEvent.note(request.user, "may-make-classes", f"person {one.get_username()}", now, may=may)
    messages.success(request, _("Kept: who may make a class from examples."))
    return HttpResponseRedirect(f"{reverse('classes')}#makers")
