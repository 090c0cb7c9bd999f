"""What a page says in words above everything else: judging stands still, a model is broken, training is not here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.changes import fallen_back
from inspections.models import Capture, ModelVersion, Person, Status, VersionChange
from inspections.watching import WatchedLine, waits_long

MOST_COUNTED = 1000


@dataclass(frozen=True)
class Notice:
    """`alert`: somebody must act. `note`: good to know."""

    kind: str
    title: str
    text: str


def notices(person: Person, lines: Sequence[WatchedLine], now: datetime) -> list[Notice]:
    """What is wrong with judging on these lines; nothing, on a good day."""
    default = ModelVersion.objects.filter(is_default=True).defer("spec").first()
    fallen = fallen_back([line.pk for line in lines])
    told = [_fallback_notice(change) for change in fallen]
    return [*_model_notices(lines, default), *told, *_waiting_notices(lines, now), *_training_notices(person)]


def _model_notices(lines: Sequence[WatchedLine], default: ModelVersion | None) -> list[Notice]:
    in_force = {line.slug: line.version or default for line in lines}
    without = [slug for slug, version in in_force.items() if version is None]
    broken = {version.pk: version for version in in_force.values() if version is not None and version.broken}
    found = [_broken_notice(version) for version in broken.values()]
    if without:
        found.insert(0, _no_model_notice(without))
    return found


def _no_model_notice(slugs: list[str]) -> Notice:
    return Notice(
        "alert",
        _("No model is in force"),
        _("Captures of %(lines)s are kept and wait. Install a model: manage.py install_model BUNDLE.")
        % {"lines": ", ".join(slugs)},
    )


def _broken_notice(version: ModelVersion) -> Notice:
    return Notice(
        "alert",
        _("Model %(name)s could not be loaded") % {"name": version.name},
        _("%(reason)s Captures are kept and wait until a model loads.") % {"reason": _sentence(version.broken)},
    )


def _fallback_notice(change: VersionChange) -> Notice:
    """Until somebody promotes or rolls back: the one that should judge does not."""
    assert change.decided_at
    values = {"version": change.version, "previous": change.previous, "where": change.line or _("the mill")}
    since = {"since": f"{timezone.localtime(change.decided_at):%H:%M:%S}", "reason": _sentence(change.reason)}
    if change.previous and not change.previous.broken:  # it was looked at again
        return Notice(
            "alert",
            _("%(previous)s did not load, and %(version)s judges %(where)s instead") % values,
            _("Since %(since)s. %(reason)s It loads again: promote it, or leave the other one in force.") % since,
        )
    return Notice(
        "alert",
        _("%(previous)s is spoilt, and %(version)s judges %(where)s instead") % values,
        _("Since %(since)s. %(reason)s Install or promote another version; nothing was lost.") % since,
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _waiting_notices(lines: Sequence[WatchedLine], now: datetime) -> list[Notice]:
    late = [line for line in lines if waits_long(line, now)]
    since = min((line.waiting_since for line in late if line.waiting_since), default=None)
    if since is None:
        return []
    return [
        Notice(
            "alert",
            _waiting_words(_count_waiting(late)),
            _("The oldest arrived at %(since)s. Judging is behind or stands still; nothing is lost.")
            % {"since": f"{timezone.localtime(since):%H:%M:%S}"},
        )
    ]


def _count_waiting(lines: Sequence[WatchedLine]) -> int:
    """How many wait, counted no further than one past MOST_COUNTED: a page must not count a backlog."""
    waiting = Capture.objects.filter(status=Status.PENDING, line__in=lines)
    return waiting.order_by()[: MOST_COUNTED + 1].count()


def _waiting_words(count: int) -> str:
    if count > MOST_COUNTED:
        return _("More than %(count)d captures wait to be judged") % {"count": MOST_COUNTED}
    text = ngettext("%(count)d capture waits to be judged", "%(count)d captures wait to be judged", count)
    return text % {"count": count}


def _training_notices(person: Person) -> list[Notice]:
    """Said to those who could train: this host has no torch. It is looked for, never imported: the web needs none."""
    if not person.sees_every_line or find_spec("torch") is not None:
        return []
    return [
        Notice(
            "note",
            _("Training is not installed here"),
            _("Judging needs nothing more. For training: make demo without LEAN, or requirements/train.txt."),
        )
    ]
