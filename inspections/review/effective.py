"""The effective label: derived from what was said, kept on the capture, and counted in the same commit."""

from collections.abc import Sequence

from inspections import tally
from inspections.models import Capture, Label, Status, Verdict
from inspections.models.defect_class import UNKNOWN


def settle(captures: Sequence[Capture]) -> None:
    """Derive each capture's effective label anew and move its counts. The rows are locked, with their class.

    What waits for its verdict is counted when it is judged, and what failed is counted as that.
    """
    if not captures:
        return
    judged = [capture for capture in captures if capture.status == Status.JUDGED]
    before = [_counted(capture) for capture in judged]
    _derive(captures)
    after = [_counted(capture) for capture in judged]
    for capture, counted in zip(judged, after, strict=True):
        capture.anomaly = counted.is_anomaly
    Capture.objects.bulk_update(captures, ["label", "defect_class", "anomaly"])
    tally.move(before, after)


def _derive(captures: Sequence[Capture]) -> None:
    said = Label.objects.standing().filter(capture__in=captures).select_related("defect_class").order_by("id")
    latest = {label.capture_id: label for label in said}
    unlabelled = [capture.pk for capture in captures if capture.pk not in latest]
    verdicts = Verdict.objects.filter(capture__in=unlabelled, effective=True).select_related("defect_class")
    predicted = {verdict.capture_id: verdict.defect_class for verdict in verdicts}
    for capture in captures:
        label = latest.get(capture.pk)
        capture.label = label
        capture.defect_class = label.defect_class if label else predicted.get(capture.pk)


def _counted(capture: Capture) -> tally.Counted:
    code = capture.defect_class.code if capture.defect_class else UNKNOWN
    return tally.Counted.of(capture, code, flagged=bool(capture.flagged), labelled=capture.label_id is not None)
