"""`/alarms/channels/`: by which ways alarms are told besides the pages; for admins."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inspections.alarms.again import TEST, send_test
from inspections.alarms.channels import ChannelWish, save_channel
from inspections.just_now import did
from inspections.models import Channel, ChannelKind, Delivery, DeliveryState, Person
from inspections.pages.access import PersonRequest, deed, for_admins, page
from inspections.pages.flagged import CHOICE
from inspections.pages.live import live
from inspections.snapshots import Refused

HINTS = {
    ChannelKind.EMAIL: gettext_lazy("addresses, separated by commas"),
    ChannelKind.WEBHOOK: gettext_lazy("an address such as https://example.org/alarms"),
    ChannelKind.MQTT: gettext_lazy("the beginning of a topic, such as mill/selvedge"),
}


class ChannelForm(forms.Form):
    """A channel as it shall be. Its secret is made here and shown once."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    kind = forms.ChoiceField(
        label=gettext_lazy("Way"), choices=ChannelKind.choices, error_messages=CHOICE, widget=forms.RadioSelect
    )
    target = forms.CharField(label=gettext_lazy("To"), max_length=500)
    dry_run = forms.BooleanField(label=gettext_lazy("Dry run: written down, not sent"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("On"), required=False)

    def __init__(self, data: QueryDict | None = None, channel: Channel | None = None) -> None:
        self.channel = channel
        super().__init__(data, initial=_values(channel), label_suffix="", auto_id="channel-%s")

    @property
    def kinds(self) -> list[tuple[Any, str]]:
        return [(button, str(HINTS[ChannelKind(button.data["value"])])) for button in self["kind"]]

    @property
    def wish(self) -> ChannelWish:
        said = self.cleaned_data
        return ChannelWish(**{**said, "kind": ChannelKind(said["kind"])}, channel=self.channel)


def _values(channel: Channel | ChannelWish | None) -> dict[str, Any]:
    if channel is None:
        return {"kind": ChannelKind.EMAIL, "enabled": True}
    return {name: getattr(channel, name) for name in ("name", "kind", "target", "dry_run", "enabled")}


def channel_of(person: Person, key: int) -> Channel:
    for_admins(person)
    return get_object_or_404(Channel, pk=key)


@require_http_methods(["GET", "HEAD", "POST"])
def channels(request: HttpRequest) -> HttpResponseBase:
    return _make(request) if request.method == "POST" else _list(request)


@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: HttpRequest, channel: int) -> HttpResponseBase:
    return _change(request, channel) if request.method == "POST" else _one(request, channel)


@page
def _list(request: PersonRequest) -> HttpResponseBase:
    for_admins(request.user)
    return _shown(request, ChannelForm())


@page
def _one(request: PersonRequest, key: int) -> HttpResponseBase:
    return _shown(request, ChannelForm(channel=channel_of(request.user, key)))


@deed
def _make(request: PersonRequest) -> HttpResponseBase:
    for_admins(request.user)
    return _save(request, ChannelForm(request.POST))


@deed
def _change(request: PersonRequest, key: int) -> HttpResponseBase:
    return _save(request, ChannelForm(request.POST, channel_of(request.user, key)))


def _save(request: PersonRequest, form: ChannelForm) -> HttpResponseBase:
    """A new webhook's secret is on this answer alone, and on no page after it."""
    if not form.is_valid():
        return _shown(request, form, status=400)
    kept = _kept(form, request.user, timezone.now())
    if isinstance(kept, Refused):
        return _shown(request, form, refused=kept.reason, status=400)
    if form.channel is None and kept.secret:
        return _shown(request, ChannelForm(), made=kept)
    messages.success(request, _("“%(name)s” is kept.") % {"name": kept.name})
    return HttpResponseRedirect(reverse("channels"))


def _kept(form: ChannelForm, person: Person, now: datetime) -> Channel | Refused:
    """A second press finds what the first one made, with the secret that nobody has seen yet, or changed."""
    wish = form.wish
    if form.channel and _values(form.channel) == _values(wish):
        return form.channel
    try:
        with transaction.atomic():
            kept = save_channel(wish, person, now)
    except IntegrityError:  # both presses made it at once
        kept = Refused(_("There is a channel of this name already."))
    made = None if form.channel else Channel.objects.filter(name=wish.name.strip()).first()
    if isinstance(kept, Refused) and made and _values(made) == _values(wish):
        return made if did(person, "make-channel", f"channel {made.pk}", now) else kept
    return kept


def _shown(
    request: PersonRequest, form: ChannelForm, *, refused: str = "", made: Channel | None = None, status: int = 200
) -> HttpResponseBase:
    tests = Delivery.objects.filter(event=TEST).order_by("id")
    latest = {one.channel_id: one for one in tests}
    context = {
        "form": form,
        "channel": form.channel,
        "rows": [(one, latest.get(one.pk)) for one in Channel.objects.order_by("-enabled", "name")],
        "refused": refused,
        "made": made,
    }
    template, part = "inspections/channels.html", "inspections/_channels.html"
    return live(request, template, part, context, status=status, moving=status == 200)


@deed
def test(request: PersonRequest, channel: int) -> HttpResponseBase:
    """Ask for a test; the list says what came of it, by itself."""
    found, now = channel_of(request.user, channel), timezone.now()
    asked = None if _is_tested(found, request.user, now) else send_test(found, request.user, now)
    if isinstance(asked, Refused):
        return _shown(request, ChannelForm(), refused=asked.reason, status=409)
    messages.info(request, _("The test is on its way. What came of it appears beside the channel."))
    return HttpResponseRedirect(reverse("channels"))


def _is_tested(channel: Channel, person: Person, now: datetime) -> bool:
    """By a press just before, and it is not sent yet."""
    waits = Delivery.objects.filter(channel=channel, event=TEST, state=DeliveryState.WAITING).exists()
    return waits and did(person, "test-channel", f"channel {channel.pk}", now) is not None
