"""Quarantines as a bar: which labels they keep back."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from inspections.models import Label, Quarantine, Side, SnapshotRow


@dataclass(frozen=True)
class Bar:
    """One person's labels, those of one camera's captures, those of some days, or where these meet."""

    person: int | None
    camera: int | None
    since: datetime | None  # of the label
    until: datetime | None  # not included

    @classmethod
    def of(cls, quarantine: Quarantine) -> Self:
        return cls.about(quarantine.person_id, quarantine.camera_id, quarantine.first_day, quarantine.last_day)

    @classmethod
    def about(cls, person: int | None, camera: int | None, first: date | None, last: date | None) -> Self:
        """Both days included, by the mill's clock; without a last day the first one alone."""
        end = last or first
        return cls(person, camera, _midnight(first), _midnight(end + timedelta(days=1)) if end else None)

    def holds(self, person: int, camera: int, at: datetime) -> bool:
        if self.person not in {None, person} or self.camera not in {None, camera}:
            return False
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def labels(self) -> QuerySet[Label]:
        """The effective labels that it keeps back."""
        return Label.objects.standing().filter(self._names(), capture__label=F("pk"))

    def learned(self) -> QuerySet[SnapshotRow]:
        """Where such labels trained or validated all the same: before it stood, or after it was lifted."""
        return SnapshotRow.objects.filter(self._names("label__"), side__in=(Side.TRAIN, Side.VAL))

    def _names(self, label: str = "") -> Q:
        """`label`: the way to it."""
        wanted = {"person": self.person, "capture__camera": self.camera, "at__gte": self.since, "at__lt": self.until}
        return Q(**{f"{label}{name}": value for name, value in wanted.items() if value is not None})


def standing() -> list[Bar]:
    return [Bar.of(one) for one in Quarantine.objects.filter(lifted_at=None)]


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time())) if day else None
