"""The addresses of snapshots, the golden set and quarantine."""

from django.urls import path

from inspections.pages import quarantine, snapshot, snapshots

urlpatterns = [
    path("snapshots/", snapshots.page_of_snapshots, name="snapshots"),
    path("snapshots/new/", snapshots.new, name="snapshot-new"),
    path("snapshots/golden/", snapshots.golden, name="snapshot-golden"),
    path("snapshots/<slug:snapshot>/", snapshot.snapshot, name="snapshot"),
    path("quarantine/", quarantine.quarantine, name="quarantines"),
    path("quarantine/<int:quarantine>/lift/", quarantine.lift, name="quarantine-lift"),
]
