"""How much people have said since a snapshot was made."""

from django.db.models import Exists, OuterRef

from inspections.models import Capture, Snapshot, SnapshotRow


def new_labels_since(snapshot: Snapshot | None) -> int:
    """Captures whose effective label is not the one in the snapshot's list: new ones, and those that were changed.

    Not a count of labels that are younger: one that was committed late may be older by its id.
    """
    labelled = Capture.objects.filter(label__isnull=False)
    if snapshot is None:
        return labelled.count()
    return labelled.exclude(Exists(SnapshotRow.objects.filter(snapshot=snapshot, label=OuterRef("label")))).count()
