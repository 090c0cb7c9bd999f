"""The addresses of what a line's control chart is made of: its settings, and the rolls whose styles break it."""

from django.urls import path

from inspections.pages import charting, rolls

urlpatterns = [
    path("lines/<slug:slug>/chart/", charting.chart, name="chart"),
    path("lines/<slug:slug>/chart/baseline/", charting.confirm, name="chart-baseline"),
    path("lines/<slug:slug>/rolls/", rolls.rolls, name="rolls"),
    path("lines/<slug:slug>/rolls/style/", rolls.style, name="rolls-style"),
]
