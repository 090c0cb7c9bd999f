"""The body of an upload: bounded while it streams, and taken as one image whatever its media type says."""

from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from rest_framework.parsers import BaseParser, MultiPartParser

from inspections.images import Refused

FORM_OVERHEAD = 64 * 1024  # what a form may hold beside its image


def bound(request: HttpRequest) -> Refused | None:
    """Refuse a body that is too large: by its declared length, or cut off while endless chunks stream in."""
    limit = settings.MAX_IMAGE_BYTES + FORM_OVERHEAD
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared:
        return _too_large() if declared.isdigit() and int(declared) > limit else None
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        body = request.META["wsgi.input"].read(limit + 1)
        if len(body) > limit:
            return _too_large()
        request.META["CONTENT_LENGTH"] = str(len(body))
        request._stream = BytesIO(body)
    return None


def _too_large() -> Refused:
    return Refused(413, "too-large", f"An image may have at most {settings.MAX_IMAGE_BYTES} bytes.")


@dataclass(frozen=True)
class RawBody:
    data: bytes


class RawImageParser(BaseParser):
    """Everything that is no form is the image itself."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, context: Any = None) -> Any:
        return RawBody(stream.read())


PARSERS = [MultiPartParser, RawImageParser]


def image_bytes(body: Any, declared: str) -> bytes | Refused:
    """The one image in a parsed body, or why there is none."""
    if isinstance(body, RawBody):
        data = body.data
        if declared.isdigit() and len(data) < int(declared):
            return Refused(400, "body-incomplete", f"The body ended after {len(data)} of {declared} bytes.")
    else:
        sent = body.get("image")
        data = sent.read() if isinstance(sent, UploadedFile) else b""
    if not data:
        return Refused(400, "image-missing", "There is no image: send a file field `image`, or the bytes as the body.")
    return _too_large() if len(data) > settings.MAX_IMAGE_BYTES else data
