"""The mill that the pages are measured over: lines, cameras, people, versions, shifts, rules. Few rows, by the ORM."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from inspections.models import (
    AlarmRule,
    Baseline,
    Camera,
    ChangeKind,
    ChangeState,
    Chart,
    Line,
    ModelVersion,
    Person,
    Role,
    RuleKind,
    Shift,
    State,
    SubgroupBy,
    ThresholdChange,
    VersionChange,
)

LINES, CAMERAS, OPERATORS = 12, 40, 8
CLASSES = ["good", "color", "cut", "hole", "thread", "metal_contamination"]
EVERY_DAY = list(range(1, 8))


@dataclass(frozen=True)
class Mill:
    """Who and what there is. `cameras` of each line, in the order of `lines`."""

    lines: list[Line]
    cameras: list[list[Camera]]
    manager: Person
    operators: list[Person]
    version: ModelVersion

    @property
    def admin(self) -> Person:
        """For the few pages that a manager may not see."""
        return Person.objects.get_or_create(username="ada", defaults={"role": Role.ADMIN})[0]


def build(now: datetime, days: int, part: float = 1.0) -> Mill:
    """`part` of the days is filled: versions change in it, so that as many queries are asked as of the whole."""
    lines = [Line.objects.create(slug=f"line-{number + 1}", name=f"Line {number + 1}") for number in range(LINES)]
    cameras = [_cameras(line, place, now) for place, line in enumerate(lines)]
    manager = Person.objects.create_user("mara", role=Role.MANAGER)
    operators = [Person.objects.create_user(f"operator-{number}", role=Role.OPERATOR) for number in range(OPERATORS)]
    for number, one in enumerate(operators):
        one.lines.set(lines[number % LINES :: OPERATORS])
    version = _versions(manager, now, days * part)
    _shifts()
    _rules(manager, now, days)
    for line in lines:
        _history(line, manager, now, days)
    Chart.objects.create(line=lines[4], subgroup_by=SubgroupBy.LENGTH, size=50)
    return Mill(lines, cameras, manager, operators, version)


def built() -> Mill:
    """The same, read back."""
    lines = list(Line.objects.order_by("pk"))
    cameras = [list(Camera.objects.filter(line=line).order_by("pk")) for line in lines]
    operators = list(Person.objects.filter(role=Role.OPERATOR).order_by("pk"))
    version = ModelVersion.objects.get(is_default=True)
    return Mill(lines, cameras, Person.objects.get(username="mara"), operators, version)


def _cameras(line: Line, place: int, now: datetime) -> list[Camera]:
    number = CAMERAS // LINES + (place < CAMERAS % LINES)
    return [Camera.objects.create(line=line, slug=f"camera-{one + 1}", seen_at=now) for one in range(number)]


def _versions(manager: Person, now: datetime, days: float) -> ModelVersion:
    """Three, the last in force; each was promoted once."""
    found: list[ModelVersion] = []
    for number in range(3):
        version = ModelVersion.objects.create(
            name=f"bench.{number + 1}",
            digest=f"{number:064x}",
            state=State.ACTIVE if number == 2 else State.RETIRED,
            is_default=number == 2,
            spec={"classes": CLASSES},
        )
        at = now - timedelta(days=days * (3 - number) / 4)
        previous = found[-1] if found else None
        VersionChange.objects.create(
            kind=ChangeKind.PROMOTE, version=version, previous=previous, asked_by=manager, asked_at=at,
            reason="it finds more", state=ChangeState.ACTIVE, decided_at=at,
        )  # fmt: skip
        found.append(version)
    return found[-1]


def _shifts() -> None:
    for name, starts, ends in (("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6)):
        Shift.objects.create(name=name, starts=time(starts), ends=time(ends), days=EVERY_DAY, zone="Europe/Berlin")


def _rules(manager: Person, now: datetime, days: int) -> None:
    for name, kind, limit, code in (
        ("The chart signals", RuleKind.SIGNAL, None, ""),
        ("Above 8 percent", RuleKind.LIMIT, 0.08, ""),
        ("Metal", RuleKind.CLASS_SEEN, None, "metal_contamination"),
        ("A camera is silent", RuleKind.SILENT, 60, ""),
        ("The queue grows", RuleKind.QUEUE, 1800, ""),
    ):
        AlarmRule.objects.create(
            name=name, kind=kind, limit=limit, defect_class=code, critical=bool(code), made_by=manager,
            made_at=now - timedelta(days=days),
        )  # fmt: skip


def _history(line: Line, manager: Person, now: datetime, days: int) -> None:
    since = now - timedelta(days=days / 5)
    Baseline.objects.create(
        line=line, kind="p", subgroup_by="time", size=10, since=since, until=since + timedelta(days=7), subgroups=1000,
        judged=10_000, centre=0.03, confirmed_by=manager, confirmed_at=since + timedelta(days=8), reason="a quiet week",
    )  # fmt: skip
    ThresholdChange.objects.create(line=line, at=since, old=None, new=0.5, person=manager, reason="fewer false flags")
