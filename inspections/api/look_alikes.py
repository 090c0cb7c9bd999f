"""`/api/v1/captures/{id}/look-alikes/`: which captures look like this one to the model that judged it."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from inspections.api.captures import problems, readable
from inspections.api.review import ReviewView
from inspections.api.serializers import CaptureOut
from inspections.look_alikes import like
from inspections.models import Capture
from inspections.review.blind import withheld

MOST = 200


class LookAlikesQuery(serializers.Serializer[Any]):
    most = serializers.IntegerField(default=24, min_value=1, max_value=MOST)


class LookAlikeOut(serializers.Serializer[Any]):
    distance = serializers.FloatField(help_text="Euclidean, of unit embeddings: 0 the same, 2 the opposite.")
    label = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="What a person said it is; null: nobody has said."
    )
    capture = CaptureOut()


class LookAlikesOut(serializers.Serializer[Any]):
    model = serializers.CharField(allow_null=True, help_text="The version whose embeddings were compared.")
    how = serializers.ChoiceField(
        choices=["exact", "index", "rows"],
        help_text="All were compared; only what an approximate index holds for likely; or rows were read one by one.",
    )
    searched = serializers.IntegerField(help_text="Captures among which it was looked.")
    note = serializers.CharField(allow_blank=True)
    results = LookAlikeOut(many=True)


class LookAlikesView(ReviewView):
    @extend_schema(
        operation_id="captures_look_alikes",
        parameters=[LookAlikesQuery],
        responses={(200, "application/json"): LookAlikesOut, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The captures that look most like this one, nearest first, on the lines of this person."""
        query = LookAlikesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        capture = get_object_or_404(Capture.objects.seen_by(self.person), pk=pk)
        found = like(capture, query.validated_data["most"], person=self.person)
        rows = readable(request).select_related("label__defect_class").in_bulk([one.capture_id for one in found.rows])
        context = {"request": request, "withheld": withheld(self.person)}
        results = [
            {
                "distance": round(one.distance, 4),
                "label": _label_of(rows[one.capture_id]),
                "capture": CaptureOut(rows[one.capture_id], context=context).data,
            }
            for one in found.rows
            if one.capture_id in rows
        ]
        told = {"how": found.how, "searched": found.searched, "note": found.note, "results": results}
        return Response({"model": found.version.name if found.version else None, **told})


def _label_of(capture: Capture) -> str | None:
    return capture.label.answer if capture.label else None
