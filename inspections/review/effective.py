"""The effective label: derived from what was said, kept on the capture, and counted in the same commit."""

from collections.abc import Sequence

from inspections import tally
from inspections.models import Capture, DefectClass, Label, Verdict
from inspections.models.defect_class import UNKNOWN


def settle(captures: Sequence[Capture]) -> None:
    """Derive each capture's effective label anew and move its counts. The rows are locked, with their class."""
    before = [_counted(capture) for capture in captures]
    for capture in captures:
        _derive(capture)
    Capture.objects.bulk_update(captures, ["label", "defect_class"])
    tally.move(before, [_counted(capture) for capture in captures])


def _derive(capture: Capture) -> None:
    latest = Label.objects.standing().filter(capture=capture).select_related("defect_class").order_by("-id").first()
    capture.label = latest
    capture.defect_class = latest.defect_class if latest else _predicted(capture)


def _predicted(capture: Capture) -> DefectClass | None:
    verdict = Verdict.objects.filter(capture=capture, effective=True).select_related("defect_class").first()
    return verdict.defect_class if verdict else None


def _counted(capture: Capture) -> tally.Counted:
    return tally.Counted(
        capture.line_id,
        capture.counted_at,
        capture.defect_class.code if capture.defect_class else UNKNOWN,
        flagged=bool(capture.flagged),
        labelled=capture.label_id is not None,
    )
