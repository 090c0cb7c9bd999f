"""What people do with an alarm: they acknowledge it, add a note, resolve it, have it told again."""

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections import alarms
from inspections.alarms.again import send_again
from inspections.alarms.notes import MOST_WORDS, add_note
from inspections.just_now import did
from inspections.models import Alarm, Delivery, Person
from inspections.pages.access import PersonRequest, deed, for_managers
from inspections.pages.alarm import alarm_of, shown
from inspections.pages.ways_back import own_path


@deed
def acknowledge(request: PersonRequest, alarm: int) -> HttpResponseBase:
    """For whoever may see the line: an operator of it, and up."""
    found = alarm_of(request.user, alarm)
    done = alarms.acknowledge(found, request.user, request.POST.get("note", ""), timezone.now())
    if isinstance(done, alarms.Refused):
        now = alarm_of(request.user, alarm)
        if not _has_said(now.acknowledged_by, now.note, request, "note"):
            return shown(request, now, done.reason, status=409)
    messages.success(request, _("Acknowledged: %(words)s") % {"words": f"{found.line}, {found.words}"})
    return _back(request, found)


@deed
def resolve(request: PersonRequest, alarm: int) -> HttpResponseBase:
    found = alarm_of(request.user, alarm)
    done = alarms.resolve(found, request.user, request.POST.get("outcome", ""), timezone.now())
    if isinstance(done, alarms.Refused):
        now = alarm_of(request.user, alarm)
        if not _has_said(now.resolved_by, now.outcome, request, "outcome"):
            return shown(request, now, done.reason, status=409)
    messages.success(request, _("Resolved."))
    return _back(request, found)


@deed
def note(request: PersonRequest, alarm: int) -> HttpResponseBase:
    found, now = alarm_of(request.user, alarm), timezone.now()
    with transaction.atomic():
        Alarm.objects.select_for_update(of=("self",)).get(pk=found.pk)  # two presses, one after the other
        last = did(request.user, "note-alarm", f"alarm {found.pk}", now)
        if last and last.detail["note"] == _said(request, "note"):
            return _back(request, found)
        done = add_note(found, request.user, request.POST.get("note", ""), now)
    if isinstance(done, alarms.Refused):
        return shown(request, found, done.reason, status=400)
    return _back(request, found)


@deed
def again(request: PersonRequest, alarm: int) -> HttpResponseBase:
    """Tell what was given up once more."""
    found = alarm_of(request.user, alarm)
    for_managers(request.user)
    wanted = request.POST.get("delivery", "")
    key = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else 0
    delivery, now = get_object_or_404(Delivery, alarm=found, pk=key), timezone.now()
    done = send_again(delivery, request.user, now)
    if isinstance(done, alarms.Refused) and not _is_sent_again(delivery, request.user, now):
        return shown(request, found, done.reason, status=409)
    messages.info(request, _("It is sent again."))
    return _back(request, found)


def _said(request: PersonRequest, name: str) -> str:
    """As it is kept."""
    return request.POST.get(name, "").strip()[:MOST_WORDS]


def _has_said(person: Person | None, words: str, request: PersonRequest, name: str) -> bool:
    """This very thing, by a press before: whoever presses twice is told that it is done."""
    return person == request.user and words == _said(request, name)


def _is_sent_again(delivery: Delivery, person: Person, now: datetime) -> bool:
    """By a press just before."""
    last = did(person, "tell-again", f"alarm {delivery.alarm_id}", now)
    return last is not None and last.detail["channel"] == delivery.channel.name


def _back(request: PersonRequest, found: Alarm) -> HttpResponseRedirect:
    """To where the form stood: the first page, the list or the line's page; else to the alarm's own page."""
    wanted = request.POST.get("next", "")
    known = {reverse("lines"), reverse("alarms"), reverse("line", args=[found.line.slug])}
    where = own_path(wanted, request) if wanted.partition("?")[0] in known else reverse("alarm", args=[found.pk])
    return HttpResponseRedirect(where)
