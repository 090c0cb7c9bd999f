"""The addresses of the threshold, the review statistics and the printed reports."""

from django.urls import path

from inspections.pages import decisions_list, reports, review_stats, threshold

urlpatterns = [
    path("lines/<slug:slug>/threshold/", threshold.threshold, name="threshold"),
    path("lines/<slug:slug>/report.pdf", reports.line_report, name="report-line"),
    path("reports/shift.pdf", reports.shift_report, name="report-shift"),
    path("review/", review_stats.review, name="review"),
    path("review/decisions/", decisions_list.decisions, name="decisions"),
]
