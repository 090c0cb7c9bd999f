"""Which versions judge the lines of a provisional class, and when one has learnt it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from inspections.models import AuditEvent, Line, ModelVersion, ProvisionalClass, Stage


def versions_of(provisional: ProvisionalClass) -> set[ModelVersion]:
    """Those in force on its lines."""
    default = ModelVersion.objects.filter(is_default=True).first()
    lines: Iterable[Line] = provisional.lines.select_related("version")
    return {version for line in lines if (version := line.version or default) is not None}


def settle_trained(now: datetime) -> None:
    """After the version in force changed, in its transaction: a class that every version on its lines knows is no
    longer provisional; one that a rollback left without such a version is so again."""
    rows = ProvisionalClass.objects.filter(stage__in=(Stage.STANDS, Stage.TRAINED)).select_related("defect_class")
    for one in rows.order_by("pk"):
        assert one.defect_class is not None
        versions = versions_of(one)
        is_known = bool(versions) and all(one.defect_class.code in version.classes for version in versions)
        if is_known != (one.stage == Stage.TRAINED):
            _turn(one, is_known, now)


def _turn(one: ProvisionalClass, is_known: bool, now: datetime) -> None:
    assert one.defect_class is not None
    with transaction.atomic():
        stage, ended = (Stage.TRAINED, now) if is_known else (Stage.STANDS, None)
        ProvisionalClass.objects.filter(pk=one.pk).update(stage=stage, ended_at=ended)
        one.defect_class.provisional = not is_known
        one.defect_class.save(update_fields=["provisional"])
        action = "class-trained" if is_known else "class-provisional"
        AuditEvent.note(None, action, f"class {one.defect_class.code}", now)
