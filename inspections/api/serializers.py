"""The contract's fields, in and out."""

import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import numpy as np
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from inspections.models import Capture, Label, Verdict
from inspections.models.label import MOST_NOTE
from inspections.review.queue import MOST as MOST_HELD
from inspections.review.queue import Order

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
CAPTURE_ID = r"\A[A-Za-z0-9._:-]{1,64}\Z"


class Instant(serializers.DateTimeField):
    """RFC 3339 with an offset; anything looser would be guessed at, and a guessed hour is a wrong rate."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        if not (isinstance(value, str) and RFC3339.fullmatch(value)):
            raise serializers.ValidationError("Not an RFC 3339 time such as 2026-11-22T14:03:22Z.")
        try:
            found = super().to_internal_value(value)
        except (OverflowError, ValueError) as error:
            raise serializers.ValidationError("This time does not exist.") from error
        if not 1 < found.year < 9999:  # it must be shown in any time zone
            raise serializers.ValidationError("This time is out of range.")
        return found


class Number(serializers.FloatField):
    """A finite JSON number."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            raise serializers.ValidationError("Not a finite number.")
        return value


def no_control_characters(text: str) -> None:
    if any(unicodedata.category(character).startswith("C") for character in text):
        raise serializers.ValidationError("Control characters are not allowed.")


def above_zero(value: float) -> None:
    if value <= 0:
        raise serializers.ValidationError("Must be more than 0.")


class UploadFields(serializers.Serializer[Any]):
    """What a camera may say of an image. Unknown fields are ignored."""

    capture_id = serializers.RegexField(CAPTURE_ID, required=False, trim_whitespace=False)
    captured_at = Instant(required=False)
    sent_at = Instant(required=False)
    roll = serializers.CharField(required=False, max_length=64, validators=[no_control_characters])
    position_m = Number(required=False, min_value=0, max_value=1e9)
    offset_mm = Number(required=False, min_value=0, max_value=1e9)
    mm_per_px = Number(required=False, max_value=1e6, validators=[above_zero])
    sequence = serializers.IntegerField(required=False, min_value=0, max_value=2**63 - 1)


class UploadForm(UploadFields):
    """The multipart form (for the schema; the file is read by `uploads`)."""

    image = serializers.FileField()


class VerdictOut(serializers.ModelSerializer[Verdict]):
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # the contract's name
    provisional = serializers.BooleanField(
        source="is_provisional", read_only=True, help_text="A class from examples, which no model has learnt yet."
    )
    probabilities = serializers.SerializerMethodField()
    model = serializers.CharField(source="version.name", read_only=True)
    judged_at = Instant(read_only=True)
    latency_ms = serializers.FloatField(read_only=True, help_text="From receiving to the stored verdict.")

    class Meta:
        model = Verdict
        fields = (
            "label", "provisional", "confidence", "anomaly_score", "flagged", "probabilities", "threshold", "model",
            "judged_at", "latency_ms",
        )  # fmt: skip

    def get_probabilities(self, verdict: Verdict) -> dict[str, float] | None:
        packed = verdict.evidence.probabilities
        if packed is None:
            return None
        values = np.frombuffer(bytes(packed), dtype="<f4").astype(float)
        return {code: round(value, 6) for code, value in zip(verdict.version.classes, values, strict=True)}


class LabelOut(serializers.ModelSerializer[Label]):
    """`label`: a class's code, `unsure`, or `undo`. `person`: the user name."""

    label = serializers.CharField(source="answer", read_only=True)  # type: ignore[assignment]
    capture = serializers.UUIDField(source="capture_id", read_only=True)
    person = serializers.CharField(source="person.username", read_only=True)
    at = Instant(read_only=True)
    undoes = serializers.UUIDField(source="undoes_id", read_only=True, allow_null=True)

    class Meta:
        model = Label
        fields = ("id", "capture", "label", "person", "at", "how", "undoes", "note")


class LabelsOut(serializers.Serializer[Any]):
    labels = LabelOut(many=True)


class AnswerIn(serializers.Serializer[Any]):
    """One answer."""

    label = serializers.CharField(max_length=40, validators=[no_control_characters])  # type: ignore[assignment]
    note = serializers.CharField(required=False, allow_blank=True, max_length=MOST_NOTE)
    expected = serializers.UUIDField(required=False, allow_null=True, help_text="The id of the label last seen.")
    token = serializers.UUIDField(required=False, help_text="Sent again, the same token is the same answer.")
    took_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    person = serializers.CharField(required=False, max_length=150, help_text="Refused where another is signed in.")


class BulkItemIn(serializers.Serializer[Any]):
    capture = serializers.UUIDField()
    expected = serializers.UUIDField(required=False, allow_null=True)


class BulkIn(serializers.Serializer[Any]):
    """One answer for many captures. `screen`: the token of the page that showed them."""

    label = serializers.CharField(max_length=40, validators=[no_control_characters])  # type: ignore[assignment]
    items = BulkItemIn(many=True, allow_empty=False)
    screen = serializers.CharField(max_length=20_000)
    token = serializers.UUIDField(required=False)
    person = serializers.CharField(required=False, max_length=150)


class QueueQuery(serializers.Serializer[Any]):
    line = serializers.CharField(required=False, max_length=50)
    label = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=40, help_text="Only what was predicted to be this class, or `unknown`."
    )
    order = serializers.ChoiceField(choices=Order.values, default=Order.WORST)
    limit = serializers.IntegerField(default=4, min_value=1, max_value=MOST_HELD)


class RenewedOut(serializers.Serializer[Any]):
    lease_until = Instant()


class FailureOut(serializers.Serializer[Any]):
    reason = serializers.CharField()


class CaptureOut(serializers.ModelSerializer[Capture]):
    line = serializers.SlugField(source="line.slug", read_only=True)
    camera = serializers.SlugField(source="camera.slug", read_only=True)
    roll = serializers.CharField(source="roll.code", read_only=True, default=None, allow_null=True)
    captured_at = Instant(read_only=True)
    received_at = Instant(read_only=True)
    sha256 = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=["pending", "judged", "failed"], source="get_status_display")
    url = serializers.SerializerMethodField()
    verdict = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = Capture
        fields = (
            "id", "capture_id", "line", "camera", "roll", "position_m", "captured_at", "received_at", "sha256",
            "status", "url", "verdict", "failure", "warnings",
        )  # fmt: skip

    def get_sha256(self, capture: Capture) -> str:
        return bytes(capture.sha256).hex()

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, capture: Capture) -> str:
        return reverse("api-capture", args=[capture.id], request=self.context["request"])

    @extend_schema_field(VerdictOut(allow_null=True))
    def get_verdict(self, capture: Capture) -> Any:
        verdict = None if self._is_withheld(capture) else capture.effective_verdict
        return VerdictOut(verdict).data if verdict else None

    def get_warnings(self, capture: Capture) -> list[str]:
        return [] if self._is_withheld(capture) else capture.warning_list

    def _is_withheld(self, capture: Capture) -> bool:
        """Asked blind: nothing that the model said, until this person has answered."""
        return capture.pk in self.context.get("withheld", ())

    @extend_schema_field(FailureOut(allow_null=True))
    def get_failure(self, capture: Capture) -> dict[str, str] | None:
        return {"reason": capture.failure} if capture.failure else None


class QueueItemOut(serializers.Serializer[Any]):
    """`blind`: what the model said is withheld until this person has answered."""

    item = serializers.UUIDField()
    lease_until = Instant()
    blind = serializers.BooleanField()
    expected = serializers.UUIDField(allow_null=True, help_text="Send it with the answer.")
    why = serializers.CharField(allow_blank=True, help_text="Why this one, in the orders `teach` and `disagree`.")
    capture = CaptureOut()


class QueueOut(serializers.Serializer[Any]):
    left = serializers.IntegerField(help_text="How many wait for this person, those held included.")
    items = QueueItemOut(many=True)


class FieldErrorOut(serializers.Serializer[Any]):
    field = serializers.CharField()
    detail = serializers.CharField()


class ConflictOut(serializers.Serializer[Any]):
    capture = serializers.UUIDField()
    reason = serializers.CharField()
    by = serializers.CharField(allow_null=True)


class ProblemOut(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldErrorOut(many=True, required=False)  # type: ignore[assignment]  # RFC 9457's name
    stored_sha256 = serializers.CharField(required=False)
    sent_sha256 = serializers.CharField(required=False)
    current = LabelOut(required=False, allow_null=True)
    by = serializers.CharField(required=False)
    until = Instant(required=False)
    conflicts = ConflictOut(many=True, required=False)
