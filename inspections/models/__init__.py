"""What Selvedge keeps, one noun a file."""

from inspections.models.alarm import (
    Alarm,
    AlarmRule,
    AlarmState,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryState,
    RuleKind,
)
from inspections.models.audit import AuditEvent
from inspections.models.capture import Capture, Status
from inspections.models.change import ChangeKind, ChangeState, GateReport, VersionChange
from inspections.models.charting import Baseline, Chart, ChartKind, RuleSet, SubgroupBy, ThresholdChange
from inspections.models.defect_class import DefectClass
from inspections.models.job import Job, JobState
from inspections.models.label import How, Label
from inspections.models.person import Person, Role
from inspections.models.plant import Camera, CameraKey, Line
from inspections.models.provisional import ClassExample, ClassPrototype, ExampleRole, ProvisionalClass, Stage
from inspections.models.registry import ModelVersion, Origin, State
from inspections.models.review import Kind, KnownAnswer, ReviewItem, SetAside
from inspections.models.roll import Roll
from inspections.models.rollup import (
    DailyPlaceCount,
    HourlyCount,
    HourlyTotal,
    LengthCount,
    PlaceCount,
    RollCount,
    SlotCount,
)
from inspections.models.second_look import Comparison, Recall, SecondLook
from inspections.models.shift import Shift
from inspections.models.snapshot import LeftOut, Purpose, Quarantine, Side, Snapshot, SnapshotRow, SourceSide
from inspections.models.teaching import Insight, InsightKind, TeachPick, Why
from inspections.models.training import Base, TrainingRun
from inspections.models.verdict import Verdict, VerdictEvidence

__all__ = [
    "Alarm",
    "AlarmRule",
    "AlarmState",
    "AuditEvent",
    "Base",
    "Baseline",
    "Camera",
    "CameraKey",
    "Capture",
    "ChangeKind",
    "ChangeState",
    "Channel",
    "ChannelKind",
    "Chart",
    "ChartKind",
    "ClassExample",
    "ClassPrototype",
    "Comparison",
    "DailyPlaceCount",
    "DefectClass",
    "Delivery",
    "DeliveryState",
    "ExampleRole",
    "GateReport",
    "HourlyCount",
    "HourlyTotal",
    "How",
    "Insight",
    "InsightKind",
    "Job",
    "JobState",
    "Kind",
    "KnownAnswer",
    "Label",
    "LeftOut",
    "LengthCount",
    "Line",
    "ModelVersion",
    "Origin",
    "Person",
    "PlaceCount",
    "ProvisionalClass",
    "Purpose",
    "Quarantine",
    "Recall",
    "ReviewItem",
    "Role",
    "Roll",
    "RollCount",
    "RuleKind",
    "RuleSet",
    "SecondLook",
    "SetAside",
    "Shift",
    "Side",
    "SlotCount",
    "Snapshot",
    "SnapshotRow",
    "SourceSide",
    "State",
    "Stage",
    "Status",
    "SubgroupBy",
    "TeachPick",
    "ThresholdChange",
    "TrainingRun",
    "Verdict",
    "VerdictEvidence",
    "VersionChange",
    "Why",
]
