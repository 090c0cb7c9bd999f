"""Changes of the version in force: asked for here, checked by a worker, then made in one move or refused in words.

The history of changes is the stack that a rollback takes from: a promotion lays down what was in force before it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from inspections import bell, gate, registry, turns
from inspections.models import (
    AuditEvent,
    ChangeKind,
    ChangeState,
    DefectClass,
    Line,
    ModelVersion,
    Person,
    State,
    VersionChange,
)
from inspections.models.defect_class import named
from inspections.snapshots import Refused

MOST_HISTORY = 200  # changes of one scope that are read back
UNDECIDED = timedelta(minutes=2)  # a check takes seconds: after so long it killed its workers, or there was none


def promote(
    version: ModelVersion, by: Person | None, now: datetime, reason: str, line: Line | None = None
) -> VersionChange | Refused:
    """Ask that this version judges the mill, or one line, from now on. Its gate must stand open."""
    objection = _nothing_to_do(version, reason, line) or objection_to(version, line)
    if objection:
        return Refused(objection)
    return _ask(ChangeKind.PROMOTE, version, by, now, reason, line)


def roll_back(by: Person | None, now: datetime, reason: str, line: Line | None = None) -> VersionChange | Refused:
    """Ask that the version judges again that was in force before, for the mill or for one line."""
    version = earlier(line)
    if version is None:
        return Refused(_("Nothing else was in force before."))
    objection = _nothing_to_do(version, reason, line) or _shares_left_over(version, line)
    return Refused(objection) if objection else _ask(ChangeKind.ROLLBACK, version, by, now, reason, line)


def install(version: ModelVersion, by: Person | None, now: datetime, line: Line | None = None) -> VersionChange:
    """Put a version in force that was loaded and asked its probe just now, by whoever may do without the gate."""
    with transaction.atomic():
        change = _written(ChangeKind.PROMOTE, version, by, now, _("installed by command"), line)
        change.freed = registry.put_in_force(version, line)
        return _settled(change, ChangeState.ACTIVE, now)


def settle(change: VersionChange, refusal: str, now: datetime) -> VersionChange:
    """With what a worker found, "" where the version loads: the pointer moves, or it is refused. Once only."""
    with transaction.atomic():
        found = VersionChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
        if found.state != ChangeState.CHECKING:
            return found
        registry.lock(found.version)
        refusal = refusal or _objection_now(found)
        if refusal:
            return _settled(found, ChangeState.REFUSED, now, refusal)
        found.previous = _own(found.line)
        found.freed = registry.put_in_force(found.version, found.line)
        return _settled(found, ChangeState.ACTIVE, now)


def _objection_now(change: VersionChange) -> str:
    """What came between the asking and the deciding: another change, a rejection, a gate that closed."""
    version = ModelVersion.objects.get(pk=change.version_id)
    if registry.in_force(change.line) == version:
        return _in_force_already(version)
    if change.kind == ChangeKind.PROMOTE:
        return objection_to(version, change.line)
    return _rejected(version) or _shares_left_over(version, change.line)


def give_up(now: datetime) -> None:
    """Refuse what nobody could decide, so that it stands in no other change's way."""
    late = VersionChange.objects.filter(state=ChangeState.CHECKING, asked_at__lt=now - UNDECIDED)
    for change in late.order_by("id"):
        settle(change, _("It was not decided in time: its check did not end, or no worker was there. Ask again."), now)


def fall_back(version: ModelVersion, reason: str, now: datetime) -> list[VersionChange]:
    """Wherever this version is in force and its bundle is spoilt, the one before takes over, if that one is whole."""
    scopes: list[Line | None] = list(Line.objects.filter(version=version))
    if ModelVersion.objects.filter(pk=version.pk, is_default=True).exists():
        scopes.append(None)
    return [change for line in scopes if (change := _fall_back(version, line, reason, now))]


def _fall_back(version: ModelVersion, line: Line | None, reason: str, now: datetime) -> VersionChange | None:
    better = _stand_in(version, line)
    if better is None:
        return None
    with transaction.atomic():
        registry.lock(version, better)
        if _own(line) != version:  # another process was first
            return None
        change = _written(ChangeKind.FALLBACK, better, None, now, reason, line)
        change.freed = registry.put_in_force(better, line)
        ModelVersion.objects.filter(pk=version.pk).update(broken=reason[:300])
        bell.ring_on_commit()  # what waits can be judged now
        return _settled(change, ChangeState.ACTIVE, now)


def _stand_in(version: ModelVersion, line: Line | None) -> ModelVersion | None:
    """The latest before it that is whole and that no line's class shares keep from judging. Where every one leaves some
    line waiting, the latest: the mill's other lines go on."""
    tried: set[int] = set()
    latest: ModelVersion | None = None
    for one in _before(line):
        if one == version or one.pk in tried or not registry.bundle_is_there(one):
            tried.add(one.pk)
            continue
        tried.add(one.pk)
        if not _shares_left_over(one, line):
            return one
        latest = latest or one
    return None if line else latest


def earlier(line: Line | None = None) -> ModelVersion | None:
    """What a rollback of this scope leads to."""
    return next((one for one in _before(line) if not one.broken), None)


def objection_to(version: ModelVersion, line: Line | None = None) -> str:
    """Why this version may not be promoted, in words; empty where it may."""
    return (
        _rejected(version)
        or _lost_classes(version)
        or _shares_left_over(version, line)
        or _measured_elsewhere(version, line)
        or gate.objection(version)
    )


def _measured_elsewhere(version: ModelVersion, line: Line | None) -> str:
    """A report is beside the mill's version: of a line that judges by another one it tells nothing."""
    if line is None or line.version in (None, version, registry.in_force()):
        return ""
    told = {"line": line, "own": line.version}
    return _("%(line)s judges by %(own)s, which no report stands beside. Roll it back to the mill's first.") % told


def _rejected(version: ModelVersion) -> str:
    if version.state != State.REJECTED:
        return ""
    return _("It was rejected: %(reason)s") % {"reason": version.rejected_for}


def reject(version: ModelVersion, by: Person, now: datetime, reason: str) -> ModelVersion | Refused:
    """Never to be promoted, for a written reason."""
    with transaction.atomic():
        found = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if not reason.strip():
            return Refused(_("Say why: the reason is kept with the version."))
        if registry.all_in_force().filter(pk=found.pk).exists():
            return Refused(_("It is in force. Roll back or promote another one first."))
        found.state, found.rejected_for, found.shadow_share = State.REJECTED, reason.strip()[:500], 0.0
        found.save(update_fields=["state", "rejected_for", "shadow_share"])
        AuditEvent.note(by, "reject", f"model {version}", now, reason=found.rejected_for)
        return found


def fallen_back(line_ids: list[int]) -> list[VersionChange]:
    """The fallbacks by which what judges the mill, or one of these lines, took over: nobody has changed it since."""
    rows = VersionChange.objects.filter(state=ChangeState.ACTIVE)
    if not rows.filter(kind=ChangeKind.FALLBACK).exists():
        return []  # as mostly
    mills = rows.filter(line=None).select_related("version", "previous").defer("version__spec", "previous__spec")
    of_lines = [one.change for one in turns.newest(line_ids).values() if one.change.line_id]
    every = [*mills.order_by("-decided_at", "-id")[:1], *of_lines]
    return [one for one in every if one.kind == ChangeKind.FALLBACK]


def checking() -> list[VersionChange]:
    """Asked for, and not decided yet."""
    found = VersionChange.objects.filter(state=ChangeState.CHECKING).select_related("version", "line", "asked_by")
    return list(found.order_by("id"))


def _ask(
    kind: ChangeKind, version: ModelVersion, by: Person | None, now: datetime, reason: str, line: Line | None
) -> VersionChange:
    with transaction.atomic():
        change = _written(kind, version, by, now, reason, line)
        bell.ring_on_commit(bell.CHANGE)
        return change


def _written(
    kind: ChangeKind, version: ModelVersion, by: Person | None, now: datetime, reason: str, line: Line | None
) -> VersionChange:
    where = {"line": line.slug} if line else {}
    AuditEvent.note(by, kind, f"model {version}", now, reason=reason[:500], **where)
    return VersionChange.objects.create(
        kind=kind,
        version=version,
        previous=_own(line),
        line=line,
        gate=gate.standing(version) if kind == ChangeKind.PROMOTE else None,
        asked_by=by,
        asked_at=now,
        reason=reason[:500],
    )


def _settled(change: VersionChange, state: ChangeState, now: datetime, answer: str = "") -> VersionChange:
    change.state, change.decided_at, change.answer = state, now, answer[:500]
    change.save(update_fields=["state", "decided_at", "answer", "previous", "freed"])
    return change


def _nothing_to_do(version: ModelVersion, reason: str, line: Line | None) -> str:
    if not reason.strip():
        return _("Say why: the reason is kept with the change.")
    if VersionChange.objects.filter(state=ChangeState.CHECKING, line=line).exists():
        return _("Another change is being checked. Wait until it is decided.")
    return _in_force_already(version) if registry.in_force(line) == version else ""


def _in_force_already(version: ModelVersion) -> str:
    return _("%(version)s is in force there already.") % {"version": version}


def _lost_classes(version: ModelVersion) -> str:
    """A class that was retired or deleted since the version was trained."""
    active = set(DefectClass.objects.filter(active=True).values_list("code", flat=True))
    lost = [code for code in version.classes if code not in active]
    if not lost:
        return ""
    words = _("It names %(classes)s, which the mill does not use. Take the class into use, or train without it.")
    return words % {"classes": ", ".join(named(lost))}


def _shares_left_over(version: ModelVersion, line: Line | None) -> str:
    """Lines that expect shares of other classes would wait for ever."""
    lines = Line.objects.filter(pk=line.pk) if line else Line.objects.filter(version=None)
    wrong = [one.slug for one in lines if one.shares is not None and set(one.shares) != set(version.classes)]
    if not wrong:
        return ""
    words = _("The expected class shares of %(lines)s name other classes. Change them first, or nothing is judged.")
    return words % {"lines": ", ".join(wrong)}


def _own(line: Line | None) -> ModelVersion | None:
    """What the scope points to: a line's own version, None where it follows the mill."""
    return Line.objects.get(pk=line.pk).version if line else registry.in_force()


def _before(line: Line | None) -> Iterator[ModelVersion]:
    """What was in force before in this scope, latest first, without what is in force now and what was rejected."""
    now = registry.in_force(line)
    for one in reversed(_stack(line)):
        version = one or (registry.in_force() if line else None)
        if version and version != now and version.state != State.REJECTED:
            yield version


def _stack(line: Line | None) -> list[ModelVersion | None]:
    """None: the line followed the mill."""
    rows = VersionChange.objects.filter(line=line, state=ChangeState.ACTIVE).select_related("version", "previous")
    rows = rows.defer("version__spec", "previous__spec")
    stack: list[ModelVersion | None] = []
    for row in reversed(list(rows.order_by("-id")[:MOST_HISTORY])):
        if row.kind == ChangeKind.PROMOTE:
            stack.append(row.previous)
            continue
        landing = (row.version, None) if line else (row.version,)
        while stack and stack.pop() not in landing:
            pass
    return stack
