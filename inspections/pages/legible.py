"""What nobody can type, and no database takes: refused once for every address, and once for every form."""

import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def has_control_characters(sent: QueryDict) -> bool:
    """True where a field holds what no keyboard writes and no database takes. Lines may end, and tabs be."""
    return any(CONTROL.search(text) for name in sent for text in (name, *sent.getlist(name)))


class LegibleAddress:
    """PostgreSQL keeps no NUL, neither as text nor in JSON, and an export's log keeps the whole query: so none gets
    as far as a view. The API's serializers refuse theirs themselves, naming the field."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if any(isinstance(part, str) and CONTROL.search(part) for part in kwargs.values()):
            raise Http404
        if not request.path_info.startswith("/api/") and has_control_characters(request.GET):
            raise BadRequest(_("There are characters in the address that nobody can type."))
