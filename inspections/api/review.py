"""`/api/v1/queue/` and labels: what a person looks at next, and what they say. Pages and phone apps use the same."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inspections.api.captures import problems, readable
from inspections.api.permissions import ForPerson
from inspections.api.problems import problem
from inspections.api.serializers import (
    AnswerIn,
    BulkIn,
    CaptureOut,
    LabelOut,
    LabelsOut,
    QueueOut,
    QueueQuery,
    RenewedOut,
)
from inspections.models import Capture, Label, Line, Person, ReviewItem
from inspections.review import answers, queue, screen, undoing
from inspections.review.blind import withheld
from inspections.review.outcomes import Changed, Conflicts, Decided, Held, NotYours, Refused, Replayed
from inspections.review.reasons import reasons

SENDER = OpenApiParameter("person", str, description="Who the sender thinks is signed in; refused where another is.")
STATUS = {"not-judged": 409, "token-used": 409, "not-undoable": 409}


class ReviewView(APIView):
    """For people who have signed in, each on the lines that are theirs."""

    permission_classes = [ForPerson]

    @property
    def person(self) -> Person:
        assert isinstance(self.request.user, Person)
        return self.request.user

    def is_another(self, named: str | None) -> bool:
        """The sender thinks that somebody else is signed in: another tab, or a kept decision."""
        return named is not None and named != self.person.get_username()


class QueueView(ReviewView):
    """What to look at next."""

    @extend_schema(
        operation_id="queue_take",
        parameters=[
            QueueQuery,
            OpenApiParameter("line", str, description="One line's slug; without it, every line of this person."),
        ],
        responses={(200, "application/json"): QueueOut, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        """Lease the next images: nobody else is given them until the lease ends. What is held already comes first."""
        query = QueueQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = _wanted(self.person, query.validated_data)
        items = queue.take(self.person, wanted, query.validated_data["limit"], timezone.now())
        return Response({"left": queue.left(self.person, wanted), "items": _items_out(request, items, wanted.order)})

    @extend_schema(
        operation_id="queue_release",
        parameters=[SENDER, OpenApiParameter("item", UUID, many=True, description="Only these; else all.")],
        request=None,
        responses={204: None, **problems(400, 401, 403, 409)},
    )
    def delete(self, request: Request) -> HttpResponse:
        """Let go of what this person holds: all of it, or the items named."""
        if self.is_another(request.query_params.get("person")):
            return _other_person(request, self.person)
        queue.release(self.person, timezone.now(), _ids(request.query_params.getlist("item")))
        return Response(status=204)


class RenewView(ReviewView):
    @extend_schema(
        operation_id="queue_renew",
        request=None,
        responses={(200, "application/json"): RenewedOut, **problems(401, 403)},
    )
    def post(self, request: Request) -> Response:
        """Hold on to what this person holds."""
        until = queue.renew(self.person, timezone.now())
        return Response(RenewedOut({"lease_until": until}).data)


class CaptureLabelsView(ReviewView):
    @extend_schema(
        operation_id="labels_create",
        request={"application/json": AnswerIn},
        responses={
            (201, "application/json"): LabelOut,
            (200, "application/json"): LabelOut,
            **problems(400, 401, 403, 404, 409, 415),
        },
    )
    def post(self, request: Request, pk: UUID) -> HttpResponse:
        """Say what a capture shows: a class's code, or `unsure`. `expected` is the id of the label last seen."""
        sent = _valid(AnswerIn(data=request.data))
        if self.is_another(sent.get("person")):
            return _other_person(request, self.person)
        capture = get_object_or_404(Capture.objects.seen_by(self.person), pk=pk)
        outcome = answers.decide(
            self.person,
            capture,
            sent["label"],
            timezone.now(),
            expected=sent.get("expected"),
            token=sent.get("token"),
            note=sent.get("note", ""),
            took_ms=sent.get("took_ms"),
        )
        return _answer(request, outcome)


class SkipView(ReviewView):
    @extend_schema(
        operation_id="captures_skip",
        parameters=[SENDER],
        request=None,
        responses={204: None, **problems(401, 403, 404, 409)},
    )
    def post(self, request: Request, pk: UUID) -> HttpResponse:
        """Pass on the image that this person holds: it goes to somebody else."""
        if self.is_another(request.query_params.get("person")):
            return _other_person(request, self.person)
        capture = get_object_or_404(Capture.objects.seen_by(self.person), pk=pk)
        item = ReviewItem.objects.open().filter(capture=capture).first()
        if item is not None:
            queue.skip(self.person, item, timezone.now())
        return Response(status=204)


class LabelsView(ReviewView):
    @extend_schema(
        operation_id="labels_create_many",
        request={"application/json": BulkIn},
        responses={(201, "application/json"): LabelsOut, **problems(400, 401, 403, 404, 409, 415)},
    )
    def post(self, request: Request) -> HttpResponse:
        """One label for many captures that were on the screen: for all of them, or for none."""
        sent = _valid(BulkIn(data=request.data))
        if self.is_another(sent.get("person")):
            return _other_person(request, self.person)
        expected = {row["capture"]: row.get("expected") for row in sent["items"]}
        if len(expected) > screen.MOST:
            return problem(request, 400, "too-many", f"At most {screen.MOST} captures at once; nothing was labelled.")
        shown = screen.read(self.person, sent["screen"])
        if shown is None or not shown >= set(expected):
            return problem(request, 400, "not-on-screen", "Only what was on the screen can be labelled; nothing was.")
        captures = list(Capture.objects.seen_by(self.person).filter(pk__in=expected).distinct())
        if len(captures) < len(expected):
            return problem(request, 404, "not-found", "Some of these captures are gone; nothing was labelled.")
        outcome = answers.decide_many(
            self.person, captures, sent["label"], timezone.now(), expected=expected, token=sent.get("token")
        )
        if isinstance(outcome, Conflicts):
            return _conflicts(request, outcome)
        if isinstance(outcome, Refused):
            return _refused(request, outcome)
        return Response({"labels": LabelOut(outcome.labels, many=True).data}, status=201)


class LabelView(ReviewView):
    @extend_schema(
        operation_id="labels_undo",
        parameters=[SENDER],
        request=None,
        responses={(200, "application/json"): LabelOut, **problems(401, 403, 404, 409)},
    )
    def delete(self, request: Request, label: UUID) -> HttpResponse:
        """Take a label back. Nothing is deleted: an undo is appended. One's own; managers also others'."""
        if self.is_another(request.query_params.get("person")):
            return _other_person(request, self.person)
        seen = Capture.objects.seen_by(self.person)
        rows = Label.objects.select_related("person", "defect_class", "item", "capture")
        found = get_object_or_404(rows.filter(capture__in=seen), pk=label)
        outcome = undoing.undo(self.person, found, timezone.now())
        if isinstance(outcome, NotYours):
            detail = f"This is {outcome.by}'s label; a manager can undo it."
            return problem(request, 403, "not-yours", detail, by=str(outcome.by))
        if isinstance(outcome, Refused):
            return _refused(request, outcome)
        return Response(LabelOut(outcome.label).data)


def _ids(texts: list[str]) -> list[UUID] | None:
    try:
        return [UUID(text) for text in texts] or None
    except ValueError as error:
        raise ValidationError({"item": "Not an id."}) from error


def _valid(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def _wanted(person: Person, query: dict[str, Any]) -> queue.Wanted:
    lines = Line.objects.seen_by(person)
    if slug := query.get("line"):
        lines = lines.filter(slug=slug)
        get_object_or_404(lines)
    return queue.Wanted(tuple(lines), queue.Order(query["order"]), query.get("label", ""))


def _items_out(request: Request, items: Iterable[ReviewItem], order: queue.Order) -> list[dict[str, Any]]:
    items = list(items)
    why = reasons(order, [item.capture_id for item in items])
    captures = {row.pk: row for row in readable(request).filter(pk__in=[item.capture_id for item in items]).distinct()}
    context = {"request": request, "withheld": withheld(request.user)}  # type: ignore[arg-type]
    return [
        {
            "item": str(item.pk),
            "lease_until": item.lease_until,
            "blind": item.blind,
            "expected": None if item.blind else captures[item.capture_id].label_id,
            "why": why.get(item.capture_id, ""),
            "capture": CaptureOut(captures[item.capture_id], context=context).data,
        }
        for item in items
    ]


def _answer(request: Request, outcome: Any) -> HttpResponse:
    if isinstance(outcome, Decided):
        return Response(LabelOut(outcome.label).data, status=201)
    if isinstance(outcome, Replayed):
        return Response(LabelOut(outcome.label).data, status=200, headers={"Idempotent-Replayed": "true"})
    if isinstance(outcome, Changed):
        detail = _changed_words(outcome)
        return problem(request, 409, "changed", detail, current=_current(outcome))
    if isinstance(outcome, Held):
        return problem(
            request, 409, "held", f"{outcome.by} is deciding this now.", by=str(outcome.by), until=outcome.until
        )
    return _refused(request, outcome)


def _changed_words(outcome: Changed) -> str:
    if outcome.by is None:
        return "The label that you saw was undone meanwhile. Look again and decide."
    return f"{outcome.by.person} labelled this {outcome.by.answer} meanwhile. Look again and decide."


def _current(outcome: Changed) -> dict[str, Any] | None:
    return None if outcome.by is None else LabelOut(outcome.by).data


def _refused(request: Request, outcome: Refused) -> HttpResponse:
    errors = [{"field": "label", "detail": outcome.detail}] if outcome.kind.startswith("class-") else []
    return problem(request, STATUS.get(outcome.kind, 400), outcome.kind, outcome.detail, errors=errors)


def _conflicts(request: Request, outcome: Conflicts) -> HttpResponse:
    rows = [
        {
            "capture": str(row.capture.pk),
            "reason": "held" if isinstance(row, Held) else "changed",
            "by": str(row.by if isinstance(row, Held) else row.by.person) if row.by else None,
        }
        for row in outcome.rows
    ]
    detail = f"{len(rows)} of these changed meanwhile or are held by somebody else; nothing was labelled."
    return problem(request, 409, "conflicts", detail, conflicts=rows)


def _other_person(request: Request, person: Person) -> HttpResponse:
    return problem(request, 409, "other-person", f"{person} is signed in here now; this was another person's decision.")
