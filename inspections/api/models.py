"""`/api/v1/models/<name>/gate/`: what the gate found of a version, rule by rule, for machines."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inspections import gate
from inspections.api.captures import problems
from inspections.api.permissions import ForPerson
from inspections.models import JobState, ModelVersion, Person


class RuleOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Which rule: bundle, weights, leak, recall, overkill …")
    subject = serializers.CharField(help_text="The class that it is about; empty where it is about all.")
    passed = serializers.BooleanField(allow_null=True, help_text="Null: not measured, which stops a version too.")
    figure = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    words = serializers.CharField()


class GateOut(serializers.Serializer[Any]):
    """The latest report of a version; `state` is `none` where there is none."""

    version = serializers.CharField()
    state = serializers.ChoiceField(choices=["none", *JobState.values])
    passed = serializers.BooleanField(allow_null=True)
    overridden = serializers.BooleanField()
    objection = serializers.CharField(help_text="Why it may not be promoted by its gate; empty where it may.")
    reason = serializers.CharField(help_text="Why it could not be measured.")
    champion = serializers.CharField(allow_null=True)
    golden = serializers.CharField(allow_null=True)
    rules = RuleOut(many=True)
    measured = serializers.JSONField(allow_null=True, help_text="Every figure that the rules were held against.")


class GateView(APIView):
    permission_classes = [ForPerson]

    @extend_schema(operation_id="model_gate", responses={(200, "application/json"): GateOut, **problems(401, 403, 404)})
    def get(self, request: Request, name: str) -> Response:
        """What the gate found of this version; for managers and admins."""
        if not (isinstance(request.user, Person) and request.user.sees_every_line):
            raise PermissionDenied
        version = get_object_or_404(ModelVersion, name=name)
        return Response(GateOut(as_told(version)).data)


def as_told(version: ModelVersion) -> dict[str, Any]:
    report = gate.standing(version)
    told: dict[str, Any] = {"version": version.name, "objection": gate.objection(version)}
    if report is None:
        empty = {"state": "none", "passed": None, "overridden": False, "reason": "", "champion": None, "golden": None}
        return {**told, **empty, "rules": [], "measured": None}
    return {
        **told,
        "state": report.state,
        "passed": report.passed,
        "overridden": report.overridden_at is not None,
        "reason": report.reason,
        "champion": report.champion.name if report.champion else None,
        "golden": report.golden.name if report.golden else None,
        "rules": report.rules,
        "measured": report.measured,
    }
