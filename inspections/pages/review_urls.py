"""The addresses of the threshold, the review statistics and the printed reports."""

from django.urls import path

from inspections.pages import threshold

urlpatterns = [
    path("lines/<slug:slug>/threshold/", threshold.threshold, name="threshold"),
]
