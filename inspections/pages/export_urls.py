"""The addresses of the files that managers take away."""

from django.urls import path

from inspections.pages import exports, review_csv

urlpatterns = [
    path("flagged.csv", exports.flagged, name="flagged-csv"),
    path("alarms.csv", exports.alarms, name="alarms-csv"),
    path("lines/<slug:slug>/rates.csv", exports.rates, name="rates-csv"),
    path("review.csv", review_csv.as_csv, name="review-csv"),
]
