"""Alarms: the rules that raise them, each alarm's life, and the ways by which people hear of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inspections.models.person import Person
from inspections.models.plant import Line


class RuleKind(models.TextChoices):
    SIGNAL = "signal", _("the control chart signals")
    LIMIT = "limit", _("the rate is above a fixed limit")
    CLASS_SEEN = "class", _("a class was seen at all")
    SILENT = "silent", _("a camera is silent")
    QUEUE = "queue", _("the review queue grows")
    STALE = "stale", _("the model is stale")  # or none loads, or what is judged lags behind


class ChannelKind(models.TextChoices):
    EMAIL = "email", _("e-mail")
    WEBHOOK = "webhook", _("webhook")
    MQTT = "mqtt", _("MQTT")


class Channel(models.Model):
    """Where alarms are told besides the pages."""

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=7, choices=ChannelKind.choices)
    target = models.CharField(max_length=500)  # addresses, separated by commas; an URL; a topic's beginning
    secret = models.CharField(max_length=200, blank=True)  # the webhook's HMAC key
    dry_run = models.BooleanField(default=False)  # written down, not sent
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class AlarmRule(models.Model):
    """What raises an alarm. `line` null: every line, each on its own."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=RuleKind.choices)
    line = models.ForeignKey(Line, null=True, blank=True, on_delete=models.CASCADE, related_name="alarm_rules")
    defect_class = models.CharField(max_length=40, blank=True)  # of a class seen, a limit or a chart
    limit = models.FloatField(null=True, blank=True)  # a rate, a count or seconds, by kind
    minutes = models.PositiveIntegerField(default=10)  # over which a limit is looked at
    at_least = models.PositiveIntegerField(default=20)  # judged captures below which a rate says nothing
    k = models.PositiveSmallIntegerField(default=1)  # k of the last n looks must be over it: debounce
    n = models.PositiveSmallIntegerField(default=1)
    cool_down_s = models.PositiveIntegerField(default=900)  # no second alarm of the same sort within it
    critical = models.BooleanField(default=False)  # with sound, and first in every list
    channels = models.ManyToManyField(Channel, blank=True, related_name="rules")
    enabled = models.BooleanField(default=True)
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class AlarmState(models.TextChoices):
    RAISED = "raised", _("raised")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    RESOLVED = "resolved", _("resolved")


OPEN = (AlarmState.RAISED, AlarmState.ACKNOWLEDGED)


class Alarm(models.Model):
    """One trouble of one line, from its first sign to its end. While it is open, further signs count on it."""

    rule = models.ForeignKey(AlarmRule, on_delete=models.PROTECT, related_name="alarms")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="alarms", db_index=False)
    key = models.CharField(max_length=80, blank=True)  # what it is about besides: a camera, a class
    state = models.CharField(max_length=12, choices=AlarmState.choices, default=AlarmState.RAISED)
    words = models.CharField(max_length=300)  # what was seen, as told
    figures = models.JSONField(default=dict)  # rate, limit, judged, leading class …
    since = models.DateTimeField()  # the first defect or other sign: where the trouble began
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()  # the latest sign
    signs = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    note = models.CharField(max_length=500, blank=True)
    acted_at = models.DateTimeField(null=True)  # the first action: acknowledged, or a defect of its run labelled
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # null: the signs ended
    outcome = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-raised_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("rule", "line", "key"), condition=Q(state__in=OPEN), name="one_open_alarm_a_trouble"
            ),
        )
        indexes = (
            models.Index(fields=("line", "-raised_at"), name="alarm_line_time"),
            models.Index(fields=("state", "-raised_at"), name="alarm_state_time"),
        )

    def __str__(self) -> str:
        return f"{self.rule} on {self.line_id}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("given up")


class Delivery(models.Model):
    """One telling of one alarm by one channel: tried again until it arrives or is given up, and said so."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=12)  # raised, acknowledged, resolved
    state = models.CharField(max_length=7, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()  # also a lease while it is being sent
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    took = models.TextField(blank=True)  # addresses that took it while others were refused: they are not told again

    class Meta:
        constraints = (models.UniqueConstraint(fields=("alarm", "channel", "event"), name="told_once"),)
        indexes = (models.Index(fields=("next_at",), condition=Q(state="waiting"), name="delivery_waiting"),)

    def __str__(self) -> str:
        return f"{self.event} of {self.alarm_id} by {self.channel_id}"
