"""What stands beside the captures: snapshots, a training, a recall, a challenger's shadow, a quarantine, a channel.

Rows that come by the ten thousand are made in the database out of what is there.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from inspections.models import (
    AlarmRule,
    Base,
    Channel,
    ChannelKind,
    JobState,
    ModelVersion,
    Quarantine,
    Recall,
    Snapshot,
    State,
    TrainingRun,
)

LABELS, GOLDEN, COMPARED = 20_000, 2_000, 20_000
EPOCHS = 30
CLASSES = ["good", "color", "cut", "hole", "thread", "metal_contamination"]
ROWS = """INSERT INTO inspections_snapshotrow
    (snapshot_id, capture_id, label_id, defect_class_id, source, side, reason, weight)
    SELECT %s, c.id, l.id, l.defect_class_id, r.code, {side}, '', 1.0
    FROM inspections_capture c JOIN inspections_label l ON l.id = c.label_id JOIN inspections_roll r ON r.id = c.roll_id
    ORDER BY c.id DESC LIMIT %s"""
COMPARISONS = """INSERT INTO inspections_comparison
    (capture_id, version_id, champion_id, recall_id, verdict_id, line_id, roll_id, counted_at, before_id, after_id,
     before_flagged, after_flagged, agrees)
    SELECT c.id, %s, v.version_id, %s, v.id, c.line_id, c.roll_id, c.counted_at, v.defect_class_id,
     CASE WHEN c.sequence % 10 = 0 THEN NULL ELSE v.defect_class_id END, v.flagged, v.flagged, c.sequence % 10 <> 0
    FROM inspections_verdict v JOIN inspections_capture c ON c.id = v.capture_id
    WHERE v.defect_class_id IS NOT NULL ORDER BY v.id DESC LIMIT %s"""


def others(mill: Any, now: datetime) -> None:
    _snapshot(mill, "G1", "golden", now, GOLDEN, "'golden'")
    frozen = _snapshot(mill, "S1", "train", now, LABELS, "CASE WHEN c.sequence % 5 = 0 THEN 'val' ELSE 'train' END")
    TrainingRun.objects.create(
        snapshot=frozen, base=Base.SCRATCH, network="textile_resnet", preset="short", asked_by=mill.manager,
        asked_at=now - timedelta(hours=3), started_at=now - timedelta(hours=3), finished_at=now - timedelta(hours=2),
        state=JobState.DONE, epoch=EPOCHS, epochs=EPOCHS, share_done=1.0, log="epoch 1\n" * 400, version=mill.version,
        history=[
            {"run": 1, "epoch": one, "loss": 1 / one, "macro_f1": 1 - 1 / (one + 1), "rate": 0.1, "seconds": 60.0}
            for one in range(1, EPOCHS + 1)
        ],
    )  # fmt: skip
    challenger = ModelVersion.objects.create(
        name="bench.challenger", digest="f" * 64, state=State.SHADOW, shadow_share=0.1,
        shadow_since=now - timedelta(days=7), spec={"classes": CLASSES}, snapshot=frozen,
    )  # fmt: skip
    recall = Recall.objects.create(
        version=challenger, since=now - timedelta(days=7), until=now, asked_by=mill.manager, asked_at=now,
        state=JobState.DONE, total=COMPARED, done=COMPARED, finished_at=now,
    )  # fmt: skip
    _run(COMPARISONS, challenger.pk, None, COMPARED)
    _run(COMPARISONS, challenger.pk, recall.pk, COMPARED)
    Quarantine.objects.create(
        person=mill.operators[0], first_day=now.date(), last_day=now.date(), reason="a hurried shift", by=mill.manager,
        at=now,
    )  # fmt: skip
    channel = Channel.objects.create(name="The foremen", kind=ChannelKind.EMAIL, target="foremen@mill.example")
    for rule in AlarmRule.objects.all():
        rule.channels.add(channel)


def _snapshot(mill: Any, name: str, purpose: str, now: datetime, most: int, side: str) -> Snapshot:
    per_class = {code: most // len(CLASSES) for code in CLASSES}
    sides = ["golden"] if purpose == "golden" else ["train", "val"]
    found = Snapshot.objects.create(
        name=name, purpose=purpose, digest="0" * 64, created_at=now, created_by=mill.manager, classes=CLASSES,
        counts=dict.fromkeys(sides, per_class), sources=dict.fromkeys(sides, per_class),
    )  # fmt: skip
    _run(ROWS.format(side=side), found.pk, most)
    return found


def _run(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.replace(" % ", " %% "), values)
