"""Work that a person asks for and a worker does: the row is the queue of record, with a lease and an attempt count."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from inspections.models.person import Person


class JobState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    CANCELLING = "cancelling", _("cancelling")
    CANCELLED = "cancelled", _("cancelled")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


LIVE = (JobState.WAITING, JobState.RUNNING, JobState.CANCELLING)


class JobQuerySet(models.QuerySet[Any]):
    def live(self) -> Self:
        """Not at its end."""
        return self.filter(state__in=LIVE)

    def claimable(self, now: datetime) -> Self:
        """Waiting, or running with nobody's lease on it any more."""
        lost = Q(state__in=(JobState.RUNNING, JobState.CANCELLING)) & (Q(lease_until=None) | Q(lease_until__lt=now))
        return self.filter(Q(state=JobState.WAITING) | lost)

    def claim(self, now: datetime, until: datetime, **changes: Any) -> Any:
        """The oldest claimable job, now this caller's until then; None where there is none.

        The attempt is counted before the work, so that work which kills its own process is counted too.
        """
        for key in self.claimable(now).order_by("pk").values_list("pk", flat=True)[:5]:
            lease = uuid4()
            row = self.model._default_manager.filter(pk=key)
            mine = row.claimable(now).exclude(state=JobState.CANCELLING)
            taken = mine.update(
                state=JobState.RUNNING, lease=lease, lease_until=until, attempts=F("attempts") + 1, **changes
            ) or row.claimable(now).filter(state=JobState.CANCELLING).update(lease=lease, lease_until=until)
            if taken:
                return row.get()
        return None


class Job(models.Model):
    """What all such work has. `reason`: why it failed or was refused, in words."""

    asked_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    def renew(self, until: datetime, **changes: Any) -> bool:
        """Hold on to it and write down how far it is; False where somebody else took it over or it was ended."""
        return bool(self._mine(self.lease).update(lease_until=until, **changes))

    def end(self, state: JobState, now: datetime, reason: str = "", **changes: Any) -> bool:
        """Its last word, if it is still this caller's."""
        found = self._mine(self.lease)
        return bool(
            found.update(state=state, finished_at=now, reason=reason[:500], lease=None, lease_until=None, **changes)
        )

    def _mine(self, lease: UUID | None) -> Any:
        return type(self)._default_manager.filter(pk=self.pk, lease=lease, state__in=LIVE)
