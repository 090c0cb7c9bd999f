"""How a camera posts, in one line of a test."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

CAPTURES = "/api/v1/captures/"


def post_raw(client: Client, data: bytes, media: str = "image/png", headers: Any = None, **fields: Any) -> Any:
    return client.post(CAPTURES, data, content_type=media, query_params=fields, headers=headers)


def post_form(client: Client, data: bytes, name: str = "a.png", headers: Any = None, **fields: Any) -> Any:
    return client.post(CAPTURES, {"image": SimpleUploadedFile(name, data), **fields}, headers=headers)
