"""What Selvedge keeps, one noun a file."""

from inspections.models.audit import AuditEvent
from inspections.models.capture import Capture, Status
from inspections.models.change import ChangeKind, ChangeState, GateReport, VersionChange
from inspections.models.defect_class import DefectClass
from inspections.models.job import Job, JobState
from inspections.models.label import How, Label
from inspections.models.person import Person, Role
from inspections.models.plant import Camera, CameraKey, Line
from inspections.models.registry import ModelVersion, Origin, State
from inspections.models.review import Kind, KnownAnswer, ReviewItem, SetAside
from inspections.models.roll import Roll
from inspections.models.rollup import HourlyCount
from inspections.models.second_look import Comparison, Recall, SecondLook
from inspections.models.snapshot import LeftOut, Purpose, Quarantine, Side, Snapshot, SnapshotRow, SourceSide
from inspections.models.teaching import Insight, InsightKind, TeachPick, Why
from inspections.models.training import Base, TrainingRun
from inspections.models.verdict import Verdict, VerdictEvidence

__all__ = [
    "AuditEvent",
    "Base",
    "Camera",
    "CameraKey",
    "Capture",
    "ChangeKind",
    "ChangeState",
    "Comparison",
    "DefectClass",
    "GateReport",
    "HourlyCount",
    "How",
    "Insight",
    "InsightKind",
    "Job",
    "JobState",
    "Kind",
    "KnownAnswer",
    "Label",
    "LeftOut",
    "Line",
    "ModelVersion",
    "Origin",
    "Person",
    "Purpose",
    "Quarantine",
    "Recall",
    "ReviewItem",
    "Role",
    "Roll",
    "SecondLook",
    "SetAside",
    "Side",
    "Snapshot",
    "SnapshotRow",
    "SourceSide",
    "State",
    "Status",
    "TeachPick",
    "TrainingRun",
    "Verdict",
    "VerdictEvidence",
    "VersionChange",
    "Why",
]
