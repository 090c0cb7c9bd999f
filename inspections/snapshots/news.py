"""How much people have said since a snapshot was made."""

from django.db.models import F

from inspections.models import Capture, Snapshot, SnapshotRow


def new_labels_since(snapshot: Snapshot | None) -> int:
    """Captures whose effective label is not the one in the snapshot's list: new ones, and those that were changed.

    Not a count of labels that are younger: one that was committed late may be older by its id. The list is joined from
    its own side: asked for each capture whether it is listed, SQLite walked the whole list each time.
    """
    labelled = Capture.objects.filter(label__isnull=False).count()
    if snapshot is None:
        return labelled
    return labelled - SnapshotRow.objects.filter(snapshot=snapshot, capture__label=F("label")).count()
