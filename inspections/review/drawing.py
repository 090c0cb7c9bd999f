"""Hidden items: what is asked although nothing flagged it, so that people and model can be measured.

Audits are drawn from what the model passed, stratified by line and hour in proportion to the volume, uniformly within
the hour. Known answers and second readings come from earlier labels. All are asked blind, at the place and with the
rank of the flagged item that they come before, so that nothing tells them from a flagged item that is asked blind.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from inspections.escape import next_hour
from inspections.ids import id_at
from inspections.models import (
    Capture,
    HourlyTotal,
    How,
    Kind,
    KnownAnswer,
    Label,
    Line,
    Person,
    ReviewItem,
    SetAside,
    Status,
    Verdict,
)
from inspections.review.rows import is_mine

WINDOW = timedelta(hours=24)  # audits look back so far; a week's rate is weighted by day
HOUR = timedelta(hours=1)
TRIES = 20
SECOND_WINDOW = timedelta(days=7)
LOOKED_AT = 50

Stratum = tuple[int, datetime]  # line, hour


def maybe(
    person: Person, lines: Sequence[Line], rank: float, now: datetime, chance: random.Random
) -> ReviewItem | None:
    """A hidden item for this place in the queue, or None: chance decides, by the shares of the settings."""
    kind = _kind(chance)
    if kind is None:
        return None
    found = next(iter(_waiting(person, lines, now).filter(kind=kind)[:1]), None)
    return found or _DRAW[kind](person, lines, rank, now, chance)


def after_the_last(person: Person, lines: Sequence[Line], now: datetime, chance: random.Random) -> Iterator[ReviewItem]:
    """Where nothing flagged is left: what was drawn and not answered, then audits up to the least of a day.

    None that was drawn may be lost, or only the easy ones would be counted; and a model that passes everything must be
    audited all the same.
    """
    yield from _waiting(person, lines, now)[:TRIES]
    if settings.AUDIT_SHARE <= 0:
        return
    for _ in range(settings.AUDIT_LEAST * len(lines) - sum(_strata(lines, now)[1].values())):
        found = _audit(person, lines, 0.0, now, chance)
        if found is None:
            return
        yield found


def _kind(chance: random.Random) -> Kind | None:
    """What is shown next, by the shares of the settings; None: a flagged item."""
    shares = {
        Kind.AUDIT: settings.AUDIT_SHARE,
        Kind.CONTROL: settings.CONTROL_SHARE,
        Kind.SECOND: settings.SECOND_SHARE,
    }
    drawn = chance.random()
    for kind, share in shares.items():
        drawn -= share
        if drawn < 0:
            return kind
    return None


def _waiting(person: Person, lines: Sequence[Line], now: datetime) -> QuerySet[ReviewItem]:
    """Open ones that nobody holds, about captures of which nothing stands that this person said."""
    said = Label.objects.filter(capture=OuterRef("capture"), person=person, undone_by=None).exclude(how=How.UNDO)
    rows = ReviewItem.objects.open().filter(line__in=lines).exclude(kind=Kind.FLAGGED).exclude(kind=Kind.TEACH)
    rows = rows.free_for(person, now).exclude(holder=person).exclude(Exists(said))
    return rows.order_by("id").select_for_update(of=("self",), skip_locked=True)


def _audit(
    person: Person, lines: Sequence[Line], rank: float, now: datetime, chance: random.Random
) -> ReviewItem | None:
    stratum = next_hour(*_strata(lines, now), chance)
    if stratum is None:
        return None
    for _ in range(TRIES):
        capture = _anyone_of(stratum, chance)
        if capture is None or capture.status != Status.JUDGED or capture.flagged:
            continue
        if ReviewItem.objects.filter(kind=Kind.AUDIT, capture=capture).exists():
            continue
        _make_way(capture, now)
        if ReviewItem.objects.open().filter(capture=capture).exists():
            continue
        if capture.label_id is None:
            return _unseen_by(_shown(capture), _asked(capture, Kind.AUDIT, rank, now), person, now)
        # Somebody has said already what it is. It is part of the sample, and nobody need be asked.
        ReviewItem.objects.create(**_fields(capture, Kind.AUDIT, rank, now), closed_at=now)
    return None


def _make_way(capture: Capture, now: datetime) -> None:
    """Its question as one that teaches, where that is open and nobody holds it, is closed.

    The sample is of all that was passed, so no image may be passed over because it stands on a list of hard ones.
    """
    idle = ReviewItem.objects.exclude(kind=Kind.FLAGGED).filter(kind=Kind.TEACH, capture=capture, closed_at=None)
    idle = idle.exclude(lease_until__gte=now).select_for_update(of=("self",), skip_locked=True)
    for item in idle:
        ReviewItem.objects.filter(pk=item.pk).update(closed_at=now, lease_until=None)


def _shown(capture: Capture) -> set[int]:
    """Whom a question about it has shown the model's answer, also one that is closed; of several who held it, the last
    one and those who passed it on."""
    asked = ReviewItem.objects.filter(capture=capture, blind=False)
    holders = asked.exclude(holder=None).values_list("holder_id", flat=True)
    aside = SetAside.objects.filter(item__in=asked).values_list("person_id", flat=True)
    return {*(key for key in holders if key), *aside}


def _unseen_by(shown: set[int], item: ReviewItem | None, person: Person, now: datetime) -> ReviewItem | None:
    """The audit, for whoever has not seen the model's answer: those others are never asked it."""
    if item is None or not shown:
        return item
    SetAside.objects.bulk_create([SetAside(item=item, person_id=key, at=now, unsure=True) for key in shown])
    return None if person.pk in shown else item


def _strata(lines: Sequence[Line], now: datetime) -> tuple[dict[Stratum, int], dict[Stratum, int]]:
    """What the model passed in each hour of the window, the running one with what it has so far; what was drawn."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    rows = HourlyTotal.objects.filter(line__in=lines, hour__gte=this_hour - WINDOW, hour__lte=this_hour)
    counted = rows.values_list("line_id", "hour", "judged", "flagged")
    passed = {(line_id, hour): judged - flagged for line_id, hour, judged, flagged in counted}
    drawn: dict[Stratum, int] = {}
    hidden = ReviewItem.objects.exclude(kind=Kind.FLAGGED)  # in the words of the partial index
    audits = hidden.filter(kind=Kind.AUDIT, line__in=lines, counted_at__gte=this_hour - WINDOW)
    for line_id, at in audits.values_list("line_id", "counted_at"):
        stratum = (line_id, at.replace(minute=0, second=0, microsecond=0))
        drawn[stratum] = drawn.get(stratum, 0) + 1
    return passed, drawn


def _anyone_of(stratum: Stratum, chance: random.Random) -> Capture | None:
    """A capture of that line and hour, each as likely as any other: its index is walked, no row is read on the way."""
    line_id, hour = stratum
    rows = Capture.objects.filter(line=line_id, counted_at__gte=hour, counted_at__lt=hour + HOUR)
    ordered = rows.order_by("-counted_at", "-id")
    count = rows.count()
    place = chance.randrange(count) if count else 0
    key = ordered.values_list("id", flat=True)[place : place + 1].first()
    return Capture.objects.filter(pk=key).first() if key else None


def _control(
    person: Person, lines: Sequence[Line], rank: float, now: datetime, chance: random.Random
) -> ReviewItem | None:
    known = KnownAnswer.objects.filter(line__in=lines, defect_class__active=True).exclude(person=person)
    asked = ReviewItem.objects.open().filter(capture=OuterRef("capture"))
    known = known.exclude(capture__labels__person=person).exclude(Exists(asked))
    found = known.select_related("capture").order_by("?").first()
    return _asked(found.capture, Kind.CONTROL, rank, now, truth=found.defect_class) if found else None


def _second(
    person: Person, lines: Sequence[Line], rank: float, now: datetime, chance: random.Random
) -> ReviewItem | None:
    """An answer of somebody else, from a random moment on: near enough to uniform, and never a scan of a week."""
    moment = now - SECOND_WINDOW * chance.random()
    first = UUID(int=int(moment.astimezone(UTC).timestamp() * 1000) << 80)
    some = Label.objects.filter(pk__gte=first).select_related("capture").order_by("pk")[:LOOKED_AT]
    ids = {line.pk for line in lines}
    for label in some:
        capture = label.capture
        alone = label.how in {How.SINGLE, How.BLIND} and capture.label_id == label.pk
        if alone and capture.line_id in ids and label.person_id != person.pk and not _is_asked(capture, person):
            return _asked(capture, Kind.SECOND, rank, now, against=label)
    return None


def _is_asked(capture: Capture, person: Person) -> bool:
    """Asked a second time already, open, answered by this person, or shown to them with the model's answer."""
    asked = ReviewItem.objects.filter(capture=capture)
    again = asked.filter(kind__in=[Kind.SECOND, Kind.CONTROL]).exists() or asked.open().exists()
    return again or Label.objects.filter(capture=capture, person=person).exists() or person.pk in _shown(capture)


_DRAW = {Kind.AUDIT: _audit, Kind.CONTROL: _control, Kind.SECOND: _second}


def _asked(capture: Capture, kind: Kind, rank: float, now: datetime, **more: object) -> ReviewItem | None:
    """The item; None where somebody asks about this capture, or answers it, at the same moment.

    Its row is held first: two who draw the same images in another order would else wait for each other's questions.
    """
    if not is_mine(capture):
        return None
    try:
        with transaction.atomic():
            return ReviewItem.objects.create(**_fields(capture, kind, rank, now), **more)
    except IntegrityError:
        return None


def _fields(capture: Capture, kind: Kind, rank: float, now: datetime) -> dict[str, object]:
    judged = Verdict.objects.filter(capture=capture, effective=True).values_list("judged_at", flat=True).first()
    return {
        "id": id_at(judged or capture.received_at),  # an id holds its time, and that of a flagged item is this one
        "capture": capture,
        "line_id": capture.line_id,
        "kind": kind,
        "blind": True,
        "rank": rank,
        "counted_at": capture.counted_at,
        "created_at": now,
    }
