"""The addresses of what a line's control chart is made of."""

from django.urls import path

from inspections.pages import charting

urlpatterns = [
    path("lines/<slug:slug>/chart/", charting.chart, name="chart"),
    path("lines/<slug:slug>/chart/baseline/", charting.confirm, name="chart-baseline"),
]
