"""Histories: anything that cameras, judging and people do, in any order, on both sides of an hour, a day, a change of
the clocks. And what must be counted afterwards, by the words of the definition."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any

import numpy as np
from django.db.models import F
from hypothesis import strategies as st

from inspections import intake, new_class, recount
from inspections.models import (
    Capture,
    DailyPlaceCount,
    DefectClass,
    HourlyCount,
    HourlyTotal,
    Label,
    LengthCount,
    Line,
    Person,
    PlaceCount,
    ProvisionalClass,
    ReviewItem,
    RollCount,
    SlotCount,
    Stage,
    Status,
)
from inspections.new_class.prototypes import keep
from inspections.review import queue
from inspections.review.answers import decide, decide_many
from inspections.review.undoing import undo
from ml.answers import Undecodable
from ml.prototypes import Prototype
from tests.cast import a_camera, a_line, a_png
from tests.judged import a_judgement, a_version, judged
from tests.labelled import imported
from tests.second_looks import compared
from workers.recording import record
from workers.sweeping import fail_exhausted

BORDERS = (  # UTC
    datetime(2026, 11, 22, 13, 5, tzinfo=UTC),  # between two slots
    datetime(2026, 11, 22, 14, 0, tzinfo=UTC),  # two hours
    datetime(2026, 11, 23, 0, 0, tzinfo=UTC),  # two days
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),  # summer time ends in Europe
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # and begins
    datetime(2024, 2, 29, 23, 55, tzinfo=UTC),
)
AWAY = (
    *(timedelta(microseconds=number) for number in (-1, 0, 1)),
    *(timedelta(minutes=number) for number in (-65, -6, -5, -1, 1, 4, 5)),
)
ZONES = (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3, minutes=-30)))
SAID = (("hole", 0.9), ("good", 0.01), ("unknown", None), ("cut", 0.3), ("thread", 0.05))
ANSWERS = ("good", "hole", "good", "thread", "pile", "snag0", "snag1", "unsure")
SNAG = np.array([0, 1, 0, 0], dtype=np.float16)  # where captures of a class from examples lie
PNG = a_png(1)
AMOUNTS = ("judged", "flagged", "anomalies", "defects", "failed")
OF_TOTALS = (*AMOUNTS, "flagged_defects", "flagged_good")


EVENTS = (  # methods of History, the frequent ones more than once
    *("arrive", "judge", "say", "take", "arrive", "judge", "say", "take", "judge", "say"),
    *("arrive_and_judge", "repeat", "fail", "give_up", "bring_in", "look_again", "change_classes", "take_back"),
    *("say_of_many", "bring_back", "count_anew", "begin_or_end_a_class", "finish_ending"),
)
# What happens, and the seed of its chances: a step stays what it is where others are left out.
Step = tuple[str, int]

BEGINNINGS = st.builds(lambda border, away: border + away, st.sampled_from(BORDERS), st.sampled_from(AWAY))
SOME = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 999)), max_size=10)
# About 45 events: one long list would be five on the average.
STEPS: st.SearchStrategy[list[Step]] = st.tuples(*[SOME] * 9).map(lambda parts: list(chain(*parts)))


@dataclass
class History:
    """One mill with two lines. Every event happens at `now`, which only goes forward."""

    people: list[Person]
    now: datetime
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        DefectClass.objects.get_or_create(code="pile", defaults={"name": "Pile"})
        a_version()

    def go_on(self, steps: Iterable[Step]) -> None:
        for event, seed in steps:
            self.chance = random.Random(seed)
            getattr(self, event)()
            self.now += timedelta(seconds=self.chance.choice((0, 1, 20, 90)))

    # --- cameras ---

    def arrive(self) -> None:
        """A capture, with or without roll, position and place across the width; late from a spool, or with a clock
        that nobody can believe."""
        taken = self.now + self.chance.choice(AWAY)
        one: dict[str, Any] = {"capture_id": f"c{len(self.sent)}", "sent_at": self.now}
        one["captured_at"] = taken.astimezone(self.chance.choice(ZONES))
        if self.chance.random() < 0.1:
            one["captured_at"] = self.now + self.chance.choice((timedelta(days=2), timedelta(days=-2)))
        if self.chance.random() < 0.7:
            one["roll"] = self.chance.choice(("R1", "R2"))
        if self.chance.random() < 0.7:
            one["position_m"] = self.chance.choice(
                (0.0, 9.999, 10.0, 10.1, 19.99999999, 1e6, self.chance.uniform(0, 99))
            )
        if self.chance.random() < 0.7:
            one["offset_mm"] = self.chance.choice((0.0, 99.9999, 100.0, 299.99999999999994, 1e5, 1600.0))
        self.sent.append({"camera": self._camera(), **one})
        self._send(self.sent[-1])

    def repeat(self) -> None:
        """The same again, from a camera that did not hear the answer."""
        if self.sent:
            self._send(self.chance.choice(self.sent))

    def _send(self, one: dict[str, Any]) -> None:
        fields = {name: value for name, value in one.items() if name != "camera"}
        intake.accept(one["camera"], PNG, fields, self.now)

    def _camera(self) -> Any:
        return a_camera(*self.chance.choice((("loom-1", "left"), ("loom-1", "right"), ("loom-2", "left"))))

    def bring_in(self) -> None:
        """An image that comes with its label, which somebody may take back before it is judged."""
        undone = self.chance.random() < 0.5
        imported(self.people[2], "cut", *self.chance.choice(SAID), self.now, undone=undone)

    # --- judging ---

    def judge(self) -> None:
        self._answer(lambda: a_judgement(*self.chance.choice(SAID), embedding=self.chance.choice((SNAG, -SNAG))))

    def begin_or_end_a_class(self) -> None:
        """From examples, found by its likeness to them; or taken back, which a worker finishes later."""
        if one := ProvisionalClass.objects.standing().first():
            new_class.take_back(one, self.people[2], self.now, "it was oil")
            return
        number = DefectClass.objects.filter(code__startswith="snag").count()
        snag = DefectClass.objects.create(code=f"snag{number}", name=f"Snag {number}", provisional=True)
        one = ProvisionalClass.objects.create(
            defect_class=snag, stage=Stage.STANDS, made_by=self.people[2], made_at=self.now
        )
        one.lines.set(Line.objects.all())
        keep(one, a_version(), Prototype(SNAG, 0.5), np.empty((0, 4)), 5, self.now)

    def finish_ending(self) -> None:
        new_class.carry_on(self.now)

    def fail(self) -> None:
        self._answer(lambda: Undecodable("the image cannot be decoded"))

    def arrive_and_judge(self) -> None:
        judged(self._camera(), *self.chance.choice(SAID), at=self.now)

    def _answer(self, said: Callable[[], Any]) -> None:
        """What waits, in a batch; some of it a second time, by a worker that is late."""
        rows = list(Capture.objects.filter(status=Status.PENDING).order_by("pk")[: self.chance.choice((1, 3))])
        for _ in range(self.chance.choice((1, 1, 2)) if rows else 0):
            record(a_version(), rows, [said() for _ in rows], self.now)

    def give_up(self) -> None:
        """Attempts are used up."""
        waiting = Capture.objects.filter(status=Status.PENDING).order_by("pk").values_list("pk", flat=True)[:1]
        Capture.objects.filter(pk__in=list(waiting)).update(attempts=99)
        fail_exhausted(self.now)

    def look_again(self) -> None:
        """A shadow or a recall says something else: it stands beside."""
        rows = Capture.objects.filter(status=Status.JUDGED, comparisons=None).order_by("pk")
        if row := rows.select_related("line").first():
            compared(row, self.chance.choice(("cut", "unknown", "good")))

    def change_classes(self) -> None:
        """Retired or taken back into use, made critical, renamed."""
        DefectClass.objects.filter(code="thread").update(
            active=self.chance.random() < 0.5, critical=self.chance.random() < 0.5, name=self.chance.choice("AB")
        )

    # --- people ---

    def say(self) -> None:
        if rows := list(Capture.objects.order_by("pk")):
            row = self.chance.choice(rows)
            decide(self._person(), row, self.chance.choice(ANSWERS), self.now, expected=row.label_id)

    def say_of_many(self) -> None:
        rows = list(Capture.objects.filter(line=a_line("loom-1")).order_by("pk"))
        if rows := self.chance.sample(rows, min(3, len(rows))):
            decide_many(self._person(), rows, "cut", self.now, expected={row.pk: row.label_id for row in rows})

    def take_back(self) -> None:
        if labels := list(Label.objects.order_by("pk")):
            undo(self._person(), self.chance.choice(labels), self.now)

    def take(self) -> None:
        person = self._person()
        for item in queue.take(person, self._wanted(), 2, self.now, self.chance):
            self._deal_with(person, item)

    def bring_back(self) -> None:
        queue.bring_back(self._person(), self._wanted())

    def _deal_with(self, person: Person, item: ReviewItem) -> None:
        match self.chance.choice(["skip", "keep", "release", "hole", "unsure"]):
            case "skip":
                queue.skip(person, item, self.now)
            case "release":
                queue.release(person, self.now)
            case "hole" | "unsure" as answer:
                row = Capture.objects.get(pk=item.capture_id)
                decide(person, row, answer, self.now, expected=row.label_id)

    def _wanted(self) -> queue.Wanted:
        return queue.Wanted((a_line("loom-1"),), queue.Order.WORST)

    def _person(self) -> Person:
        return self.chance.choice(self.people)

    # --- whoever looks after the product ---

    def count_anew(self) -> None:
        for step in recount.steps(list(Line.objects.all()), every_line=self.chance.random() < 0.5):
            if self.chance.random() < 0.5:
                recount.rebuild(step)


# --- the definition -----------------------------------------------------------------------------------------------

Counts = dict[tuple[Any, ...], tuple[int, ...]]


def kept() -> dict[str, Counts]:
    """What the rollups say; rows of zeros say nothing."""
    return {
        "hour": _rows(HourlyCount, "line_id", "hour", "defect_class"),
        "total": _rows(HourlyTotal, "line_id", "hour", amounts=OF_TOTALS),
        "slot": _rows(SlotCount, "line_id", "slot", "defect_class"),
        "place": _rows(PlaceCount, "line_id", "hour", "camera_id", "band"),
        "day": _rows(DailyPlaceCount, "line_id", "day", "camera_id", "band"),
        "length": _rows(LengthCount, "line_id", "roll_id", "piece", "defect_class"),
        "roll": _rows(RollCount, "line_id", "roll_id"),
    }


def _rows(model: Any, *key: str, amounts: tuple[str, ...] = AMOUNTS) -> Counts:
    rows = model.objects.annotate(**{f"k{place}": F(name) for place, name in enumerate(key)})
    found = rows.values_list(*(f"k{place}" for place in range(len(key))), *amounts)
    return {row[: len(key)]: row[len(key) :] for row in found if any(row[len(key) :])}


def defined() -> dict[str, Counts]:
    """From verdicts and labels, one capture at a time, in the words of the definition."""
    names = ("hour", "total", "slot", "place", "day", "length", "roll")
    found: dict[str, dict[tuple[Any, ...], list[int]]] = {name: {} for name in names}
    for capture in Capture.objects.exclude(status=Status.PENDING):
        code, every = _of(capture)
        for name, key in _keys(capture, code).items():
            amounts = every[: len(OF_TOTALS if name == "total" else AMOUNTS)]
            so_far = found[name].get(key, [0] * len(amounts))
            found[name][key] = [a + b for a, b in zip(so_far, amounts, strict=True)]
    return {name: {key: tuple(amounts) for key, amounts in rows.items()} for name, rows in found.items()}


def _of(capture: Capture) -> tuple[str, tuple[int, ...]]:
    if capture.status == Status.FAILED:
        return "", (0, 0, 0, 0, 1, 0, 0)
    said = Label.objects.filter(capture=capture, beside=False, undone_by=None, defect_class__isnull=False)
    label = said.order_by("-id").first()
    verdict = capture.verdicts.get(effective=True)
    code = label.answer if label else verdict.label
    is_defect = code not in {"good", "unknown"}
    is_anomaly = (verdict.flagged and not (label and code == "good")) or bool(label and is_defect)
    said_defect, said_good = (bool(label) and verdict.flagged and one for one in (code != "good", code == "good"))
    return code, (1, int(verdict.flagged), int(is_anomaly), int(is_defect), 0, int(said_defect), int(said_good))


def _keys(capture: Capture, code: str) -> dict[str, tuple[Any, ...]]:
    at = capture.counted_at.astimezone(UTC)
    hour = at.replace(minute=0, second=0, microsecond=0)
    slot = hour + (at - hour) // timedelta(minutes=5) * timedelta(minutes=5)
    band = -1 if capture.offset_mm is None else int(capture.offset_mm // 100)
    keys: dict[str, tuple[Any, ...]] = {
        "hour": (capture.line_id, hour, code),
        "total": (capture.line_id, hour),
        "slot": (capture.line_id, slot, code),
        "place": (capture.line_id, hour, capture.camera_id, band),
        "day": (capture.line_id, hour.replace(hour=0), capture.camera_id, band),
    }
    if capture.roll_id is not None:
        keys["roll"] = (capture.line_id, capture.roll_id)
    if capture.roll_id is not None and capture.position_m is not None:
        keys["length"] = (capture.line_id, capture.roll_id, int(capture.position_m // 10), code)
    return keys


def differences() -> list[recount.Difference]:
    lines = list(Line.objects.all())
    every = recount.steps(lines, every_line=True)
    return [one for step in every for one in recount.verify(step)]
