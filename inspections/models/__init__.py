"""What Selvedge keeps, one noun a file."""

from inspections.models.audit import AuditEvent
from inspections.models.capture import Capture, Status
from inspections.models.defect_class import DefectClass
from inspections.models.label import How, Label
from inspections.models.person import Person, Role
from inspections.models.plant import Camera, CameraKey, Line
from inspections.models.registry import ModelVersion, State
from inspections.models.review import Kind, KnownAnswer, ReviewItem, SetAside
from inspections.models.roll import Roll
from inspections.models.rollup import HourlyCount
from inspections.models.verdict import Verdict, VerdictEvidence

__all__ = [
    "AuditEvent",
    "Camera",
    "CameraKey",
    "Capture",
    "DefectClass",
    "HourlyCount",
    "How",
    "Kind",
    "KnownAnswer",
    "Label",
    "Line",
    "ModelVersion",
    "Person",
    "ReviewItem",
    "Role",
    "Roll",
    "SetAside",
    "State",
    "Status",
    "Verdict",
    "VerdictEvidence",
]
