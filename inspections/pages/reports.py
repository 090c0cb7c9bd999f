"""The printed reports: a shift's, of every line, and a line's. PDF, for managers, audited."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from inspections.pages.access import PersonRequest, for_managers, line_of, page


@page
def shift_report(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return HttpResponse(status=501)


@page
def line_report(request: PersonRequest, slug: str) -> HttpResponseBase:
    line_of(request.user, slug)
    for_managers(request.user)
    return HttpResponse(status=501)
