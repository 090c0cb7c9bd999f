"""What happened to one capture, in words: taken, received, judged, and what people said of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from inspections.models import Capture, How, Label, Person, Status, Verdict
from inspections.models.defect_class import UNKNOWN
from inspections.models.label import UNSURE


@dataclass(frozen=True)
class Event:
    """One thing that happened; without a time where none was kept. `undo`: the label that may be taken back here."""

    at: datetime | None
    title: str
    text: str = ""
    note: str = ""
    undone: str = ""  # who took it back
    undo: UUID | None = None


def history(found: Capture, verdicts: Sequence[Verdict], names: dict[str, str]) -> list[Event]:
    """What cameras and models did, in the order in which our clock saw it."""
    events = [
        Event(found.captured_at, _("Taken"), _("by the camera's clock")),
        Event(found.received_at, _("Received"), _("from camera %(camera)s") % {"camera": found.camera.slug}),
        *(_judged(verdict, names) for verdict in verdicts),
    ]
    if found.status == Status.FAILED:
        reason = found.failure or _("no reason was written down")
        events.append(Event(None, pgettext("judging a capture", "Failed"), reason))
    return events


def _judged(verdict: Verdict, names: dict[str, str]) -> Event:
    title = _("Judged by %(version)s: %(label)s") % {
        "version": verdict.version.name,
        "label": names.get(verdict.label, verdict.label),
    }
    beside = "" if verdict.effective else _("stands beside; it is not the effective verdict")
    return Event(verdict.judged_at, title, beside or _by_examples(verdict, names))


def _by_examples(verdict: Verdict, names: dict[str, str]) -> str:
    """Where a class from examples named it: what the network itself had said, or that the class was taken back."""
    if verdict.prototype_id is None:
        return ""
    if not verdict.is_provisional:
        return _("a provisional class had named it and flagged it; that class was taken back")
    code = verdict.model_class.code if verdict.model_class else UNKNOWN
    return _("named by its likeness to examples; the network itself had said %(label)s") % {
        "label": names.get(code, code)
    }


def labels_of(found: Capture) -> list[Label]:
    """Everything that people said, oldest first, with what the words need."""
    rows = Label.objects.filter(capture=found).order_by("id")
    return list(
        rows.select_related(
            "person", "defect_class", "verdict__defect_class", "verdict__version", "undoes__defect_class"
        ).defer("verdict__version__spec")
    )


def said(labels: Iterable[Label], reader: Person, names: dict[str, str]) -> list[Event]:
    """What people said, as this reader may know it. Answers that measure a person are told to that person and to
    managers alone: others would learn which images are asked twice."""
    told = [one for one in labels if not one.beside or one.person_id == reader.pk or reader.sees_every_line]
    takers = {one.undoes_id: name_of(one.person) for one in told if one.undoes_id}
    return [_said(one, takers.get(one.pk, ""), reader, names) for one in told]


def _said(label: Label, taker: str, reader: Person, names: dict[str, str]) -> Event:
    who = {"person": name_of(label.person)}
    if label.undoes:
        title = _("%(person)s took back: %(answer)s") % {**who, "answer": answer_words(label.undoes.answer, names)}
        return Event(label.at, title)
    title = _("%(person)s: %(answer)s") % {**who, "answer": answer_words(label.answer, names)}
    is_theirs = label.person_id == reader.pk or reader.sees_every_line
    return Event(
        at=label.at,
        title=title,
        text=" · ".join(_circumstances(label, reader, names)),
        note=label.note,
        undone=taker,
        undo=label.pk if is_theirs and not taker else None,
    )


def _circumstances(label: Label, reader: Person, names: dict[str, str]) -> Iterable[str]:
    """How it was said, what the model had said, how long it took."""
    yield {
        How.BULK: _("in bulk, with others like it"),
        How.BLIND: _("blind: before seeing what the model said"),
        How.IMPORT: _("came with the image, from elsewhere"),
    }.get(How(label.how), _("one image"))
    if label.verdict:
        model = {"label": names.get(label.verdict.label, label.verdict.label), "version": label.verdict.version.name}
        yield _("the model had said %(label)s (%(version)s)") % model
    if label.took_ms is not None:
        yield _("took %(seconds)s s") % {"seconds": number_format(label.took_ms / 1000, 1)}
    if label.beside and reader.sees_every_line:
        yield _("measures the reader; the capture keeps its label")


def answer_words(code: str, names: dict[str, str]) -> str:
    return _("Unsure, somebody else shall look") if code == UNSURE else names.get(code, code)


def name_of(person: Person) -> str:
    return person.get_full_name() or person.get_username()
