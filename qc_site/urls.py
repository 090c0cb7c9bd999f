"""Where addresses lead: pages for people, the API for machines."""

from django.urls import include, path

urlpatterns = [
    path("", include("inspections.api.urls")),
    path("", include("inspections.pages.urls")),
]

handler400 = "inspections.pages.errors.bad_request"
handler403 = "inspections.pages.errors.forbidden"
handler404 = "inspections.pages.errors.not_found"
handler500 = "inspections.pages.errors.server_error"
