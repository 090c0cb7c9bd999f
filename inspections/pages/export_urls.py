"""The addresses of the files that managers take away."""

from django.urls import path

from inspections.pages import exports

urlpatterns = [
    path("flagged.csv", exports.flagged, name="flagged-csv"),
    path("alarms.csv", exports.alarms, name="alarms-csv"),
    path("lines/<slug:slug>/rates.csv", exports.rates, name="rates-csv"),
]
