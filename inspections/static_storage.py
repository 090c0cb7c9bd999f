"""Static files: hashed names once they are collected, plain ones in tests and before."""

from django.conf import settings
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """A manifest where there is one; where none was collected (tests), the finder's plain address."""

    manifest_strict = False

    def url(self, name: str | None, force: bool = False) -> str:
        if not (settings.STATIC_ROOT / self.manifest_name).exists():
            return f"{settings.STATIC_URL}{name}"
        return str(super().url(name, force))
