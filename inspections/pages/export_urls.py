"""The addresses of the files that managers take away."""

from django.urls import path

from inspections.pages import decisions_list, exports, plot_tables, review_csv

urlpatterns = [
    path("flagged.csv", exports.flagged, name="flagged-csv"),
    path("alarms.csv", exports.alarms, name="alarms-csv"),
    path("lines/<slug:slug>/rates.csv", exports.rates, name="rates-csv"),
    path("lines.csv", plot_tables.of_lines, name="lines-csv"),
    path("lines/<slug:slug>/tables/<slug:table>.csv", plot_tables.of_line, name="table-csv"),
    path("lines/<slug:slug>/threshold/tables/<slug:plot>.csv", plot_tables.of_threshold, name="threshold-csv"),
    path("review.csv", review_csv.as_csv, name="review-csv"),
    path("decisions.csv", decisions_list.as_csv, name="decisions-csv"),
]
