"""What Selvedge keeps, one noun a file."""

from inspections.models.capture import Capture, Status
from inspections.models.defect_class import DefectClass
from inspections.models.person import Person, Role
from inspections.models.plant import Camera, CameraKey, Line
from inspections.models.registry import ModelVersion, State
from inspections.models.roll import Roll
from inspections.models.rollup import HourlyCount
from inspections.models.verdict import Verdict, VerdictEvidence

__all__ = [
    "Camera",
    "CameraKey",
    "Capture",
    "DefectClass",
    "HourlyCount",
    "Line",
    "ModelVersion",
    "Person",
    "Role",
    "Roll",
    "State",
    "Status",
    "Verdict",
    "VerdictEvidence",
]
