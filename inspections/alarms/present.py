"""The rules about how it is now: silent cameras, the review queue, the model in force."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.alarms.words import moment
from inspections.models import AlarmRule, Camera, Capture, Kind, Line, ModelVersion, ReviewItem, RuleKind, Status

MODEL, WAITING, AGE = "model", "waiting", "age"  # what of a stale model an alarm is about


@dataclass(frozen=True)
class Sign:
    """A rule's condition holds on this line now. `since`: for how long, as far as it is known."""

    line_id: int
    key: str
    since: datetime
    words: str
    figures: dict[str, Any] = field(default_factory=dict)


def signs(rule: AlarmRule, lines: Collection[Line], now: datetime) -> list[Sign]:
    read = {RuleKind.SILENT: _silent, RuleKind.QUEUE: _queue, RuleKind.STALE: _stale}[RuleKind(rule.kind)]
    return list(read(rule, {line.pk: line for line in lines}, now))


def _silent(rule: AlarmRule, lines: dict[int, Line], now: datetime) -> Iterator[Sign]:
    for camera in Camera.objects.filter(line__in=lines, enabled=True).order_by("pk"):
        if camera.is_silent(now):
            words = silent_words(camera.slug, camera.heard_at) if camera.seen_at else never_words(camera)
            yield Sign(camera.line_id, camera.slug, camera.heard_at, words, {"camera": camera.slug})


def silent_words(slug: str, heard: datetime) -> str:
    return _("Camera %(camera)s is silent: last heard %(when)s.") % {"camera": slug, "when": moment(heard)}


def never_words(camera: Camera) -> str:
    told = {"camera": camera.slug, "when": moment(camera.created_at)}
    return _("Camera %(camera)s was never heard: it was made %(when)s.") % told


def _queue(rule: AlarmRule, lines: dict[int, Line], now: datetime) -> Iterator[Sign]:
    """Flagged images that wait for a person; hidden questions are not counted, their number tells nothing."""
    limit = int(rule.limit or 0)
    waiting = ReviewItem.objects.open().filter(line__in=lines, kind=Kind.FLAGGED)
    rows = waiting.values("line_id").annotate(n=Count("pk")).filter(n__gt=limit).order_by("line_id")
    for row in rows.values_list("line_id", "n"):
        line_id, count = row
        oldest = waiting.filter(line=line_id).order_by("id")  # ids rise with time: the end of an index
        since = oldest.values_list("created_at", flat=True).first() or now
        yield Sign(line_id, "", since, queue_words(count, limit), {"waiting": count})


def queue_words(count: int, limit: int) -> str:
    words = ngettext(
        "%(n)s flagged image waits for an answer: more than %(limit)s.",
        "%(n)s flagged images wait for an answer: more than %(limit)s.",
        count,
    )
    return words % {"n": count, "limit": limit}


def _stale(rule: AlarmRule, lines: dict[int, Line], now: datetime) -> Iterator[Sign]:
    yield from _models(rule, lines, now)
    limit = timedelta(seconds=rule.limit or 0)
    for line_id, since in _waiting(lines):
        if since and now - since > limit:
            seconds = round((now - since).total_seconds())
            yield Sign(line_id, WAITING, since, waiting_words(since), {"seconds": seconds})


def waiting_words(since: datetime) -> str:
    return _("Images wait for their verdict since %(when)s.") % {"when": moment(since)}


def _models(rule: AlarmRule, lines: dict[int, Line], now: datetime) -> Iterator[Sign]:
    """The version in force on each line: none, one that does not load, or an old one."""
    used = {line.version_id for line in lines.values() if line.version_id}
    rows = ModelVersion.objects.filter(Q(pk__in=used) | Q(is_default=True))
    versions = {row.pk: row for row in rows.defer("spec", "class_map")}
    mills = next((row for row in versions.values() if row.is_default), None)
    oldest = now - timedelta(minutes=rule.minutes)
    for line in lines.values():
        version = versions.get(line.version_id) if line.version_id else mills
        if version is None:
            yield Sign(line.pk, MODEL, now, none_words())
        elif version.broken:
            told = {"version": version.name, "reason": version.broken}
            yield Sign(line.pk, MODEL, now, _("%(version)s is in force and does not load: %(reason)s") % told)
        elif rule.minutes and version.installed_at < oldest:
            yield Sign(line.pk, AGE, version.installed_at + timedelta(minutes=rule.minutes), old_words(version))


def none_words() -> str:
    return _("No model is in force: nothing is judged.")


def old_words(version: ModelVersion) -> str:
    told = {"version": version.name, "when": moment(version.installed_at)}
    return _("%(version)s is in force and was installed %(when)s.") % told


def _waiting(lines: dict[int, Line]) -> Iterator[tuple[int, datetime | None]]:
    """When each line's oldest waiting capture arrived, from the end of an index."""
    waiting = Capture.objects.filter(line=OuterRef("pk"), status=Status.PENDING).order_by("attempts", "id")
    rows = Line.objects.filter(pk__in=lines).annotate(since=Subquery(waiting.values("received_at")[:1]))
    yield from rows.order_by("pk").values_list("pk", "since")
