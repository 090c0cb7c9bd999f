"""How much people have said since a snapshot was made."""

from django.db.models import Exists, OuterRef

from inspections.models import Capture, Snapshot, SnapshotRow


def new_labels_since(snapshot: Snapshot | None) -> int:
    """Captures whose effective label is not the one in the snapshot's list: new ones, and those that were changed.

    Not a count of labels that are younger: one that was committed late may be older by its id. A label says something
    of one capture only, so a label that still stands for any is the listed one's: that is read from its index alone.
    """
    labelled = Capture.objects.filter(label__isnull=False).count()
    if snapshot is None:
        return labelled
    return labelled - _standing(snapshot)


def _standing(snapshot: Snapshot) -> int:
    """Of its list, the labels that are still in force."""
    in_force = Capture.objects.filter(label=OuterRef("label"))
    return SnapshotRow.objects.filter(Exists(in_force), snapshot=snapshot).count()
