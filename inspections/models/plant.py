"""The mill's lines, the cameras on them, and the keys that the cameras sign with."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from inspections.models.person import Person

SEEN_RESOLUTION = timedelta(seconds=5)
CLOCK_TOLERANCE = timedelta(minutes=5)  # a camera's clock that is farther off is wrong
MANUAL = "manual"  # the camera that each line owns, for pictures that people upload
IMPORT = "import"  # the camera that stands for images that were brought in from elsewhere
BY_HAND = (MANUAL, IMPORT)  # no machines: they may be silent


class LineQuerySet(models.QuerySet["Line"]):
    def seen_by(self, person: "Person") -> Self:
        """The lines whose pages this person may open."""
        return self if person.sees_every_line else self.filter(operators=person)


class Line(models.Model):
    """One production or inspection line."""

    slug = models.SlugField(_("slug"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    version = models.ForeignKey(
        "inspections.ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # the line's own version in force; null: the mill's default
    threshold = models.FloatField(null=True, blank=True)  # of anomaly_score; null: the bundle's
    shares = models.JSONField(null=True, blank=True)  # expected class shares {code: share}; null: training's
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LineQuerySet.as_manager()

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name or self.slug

    def manual_camera(self) -> "Camera":
        """The camera through which people upload."""
        return Camera.objects.get_or_create(line=self, slug=MANUAL)[0]


class Camera(models.Model):
    """A machine client on a line."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="cameras")
    slug = models.SlugField(max_length=50)
    enabled = models.BooleanField(default=True)
    mm_per_px = models.FloatField(null=True, blank=True)
    silent_after_s = models.PositiveIntegerField(default=60)
    seen_at = models.DateTimeField(null=True, blank=True)  # to within SEEN_RESOLUTION
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    spooled = models.PositiveIntegerField(null=True, blank=True)  # as its latest heartbeat says
    dropped = models.PositiveIntegerField(null=True, blank=True)
    client = models.CharField(max_length=60, blank=True)  # the version of its software
    clock_off_s = models.FloatField(null=True, blank=True)  # its clock less ours
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("line__slug", "slug")
        constraints = (models.UniqueConstraint(fields=("line", "slug"), name="camera_slug_once_a_line"),)

    def __str__(self) -> str:
        return f"{self.line}/{self.slug}"

    @property
    def place(self) -> str:
        """By slugs, for files: a line's name may change."""
        return f"{self.line.slug}/{self.slug}"

    @property
    def is_manual(self) -> bool:
        return self.slug in BY_HAND

    @property
    def heard_at(self) -> datetime:
        """When it last spoke; while it never did, when it was made."""
        return self.seen_at or self.created_at

    def is_silent(self, now: datetime) -> bool:
        """True if nothing was heard for its `silent_after_s`, also since it was made: one that never came up is found
        too. People may be silent, and so may a camera that is switched off."""
        if self.is_manual or not self.enabled:
            return False
        return now - self.heard_at > timedelta(seconds=self.silent_after_s)

    def saw(self, now: datetime) -> None:
        """Note that the camera spoke; at most one write each SEEN_RESOLUTION, or the row would be a hot spot."""
        if self.seen_at is None or now - self.seen_at >= SEEN_RESOLUTION:
            Camera.objects.filter(pk=self.pk).update(seen_at=now)

    def beat(self, now: datetime, said: "Beat") -> None:
        """Note a heartbeat, as it was said: what it leaves out is not known any more."""
        off = None if said.sent_at is None else (said.sent_at - now).total_seconds()
        Camera.objects.filter(pk=self.pk).update(
            seen_at=now,
            heartbeat_at=now,
            spooled=said.spooled,
            dropped=said.dropped,
            client=said.client,
            clock_off_s=off,
        )

    @property
    def has_wrong_clock(self) -> bool:
        """As its latest heartbeat told."""
        return self.clock_off_s is not None and abs(self.clock_off_s) > CLOCK_TOLERANCE.total_seconds()

    def issue_key(self) -> str:
        """Make a key and return it, the only time that it can be read."""
        key = f"slv_{secrets.token_urlsafe(32)}"
        self.keys.create(digest=CameraKey.digest_of(key))
        return key


@dataclass(frozen=True)
class Beat:
    """What a camera says of itself between its images."""

    sent_at: datetime | None = None  # by its own clock
    spooled: int | None = None  # images that wait in it
    dropped: int | None = None  # images that it lost, since it started
    client: str = ""  # the version of its software


class CameraKeyQuerySet(models.QuerySet["CameraKey"]):
    def usable(self, now: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class CameraKey(models.Model):
    """One credential of a camera. The key is random and 256 bits wide, so one SHA-256 is hash enough."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="keys")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # set by a rotation: the overlap's end
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = CameraKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"key of {self.camera}"

    @staticmethod
    def digest_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
