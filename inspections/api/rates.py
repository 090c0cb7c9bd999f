"""`/api/v1/lines/<slug>/rates/`: what was counted on a line by hour, day or shift, and by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inspections import shifts
from inspections.api.captures import problems
from inspections.api.lines import lines_of
from inspections.api.permissions import ForPerson
from inspections.api.serializers import Instant
from inspections.counted import Classes, by_class
from inspections.rates import HOUR, NOTHING, Tally
from inspections.spans import DAY, mark_before, moment_of

BUCKETS = ("hour", "day", "shift")
MOST_DAYS = {"hour": 31, "day": 366, "shift": 92}
USUAL_DAYS = {"hour": 1, "day": 28, "shift": 7}  # where `from` is not given
YEARS = range(2000, 2100)


class CountsOut(serializers.Serializer[Any]):
    """`defects`: labelled a defect or, unlabelled, predicted one."""

    judged = serializers.IntegerField()
    flagged = serializers.IntegerField()
    anomalies = serializers.IntegerField(help_text="Flagged and not labelled good, or labelled a defect.")
    defects = serializers.IntegerField()


class TallyOut(CountsOut):
    """`failed` captures are on neither side of the rate."""

    failed = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="Anomalies among the judged; null: nothing was judged.")
    by_class = serializers.DictField(
        child=CountsOut(), help_text="By the class's code (the effective label, else the predicted), or `unknown`."
    )


class BucketOut(TallyOut):
    shift = serializers.CharField(allow_null=True, help_text="The shift's name, with `bucket=shift`.")
    day = serializers.DateField(allow_null=True, help_text="The mill's day, or the one on which the shift begins.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": Instant(), "to": Instant(), **super().get_fields()}


class RatesOut(serializers.Serializer[Any]):
    """`total` is the sum of the buckets."""

    line = serializers.CharField()
    bucket = serializers.ChoiceField(choices=BUCKETS)
    zone = serializers.CharField(help_text="The mill's time zone: its days are the days here.")
    total = TallyOut()
    buckets = BucketOut(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": Instant(), "to": Instant(), **super().get_fields()}


class RatesQuery(serializers.Serializer[Any]):
    bucket = serializers.ChoiceField(
        choices=BUCKETS,
        default="hour",
        help_text="Hours are UTC's, days the mill's. Every bucket is whole and shares time with the period. At most "
        + ", ".join(f"{days} days by {name}" for name, days in MOST_DAYS.items())
        + ".",
    )

    def get_fields(self) -> dict[str, Any]:
        usual = ", ".join(f"{days} by {name}" for name, days in USUAL_DAYS.items())
        return {
            "from": Instant(required=False, help_text=f"Without it, so many days before the end: {usual}."),
            "to": Instant(required=False, help_text="Without it, now."),
            **super().get_fields(),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until: datetime = attrs.get("to") or timezone.now()
        _in_range("to", until)
        since: datetime = attrs.get("from") or until - timedelta(days=USUAL_DAYS[attrs["bucket"]])
        _in_range("from", since)
        if since >= until:
            raise ValidationError({"to": "The period must end after it begins."})
        most = MOST_DAYS[attrs["bucket"]]
        if until - since > timedelta(days=most):
            raise ValidationError({"from": f"At most {most} days by {attrs['bucket']}."})
        return {**attrs, "from": since, "to": until}


def _in_range(field: str, moment: datetime) -> None:
    if moment.year not in YEARS:
        raise ValidationError({field: f"The year must lie between {YEARS[0]} and {YEARS[-1]}."})


class RatesView(APIView):
    permission_classes = [ForPerson]

    @extend_schema(
        operation_id="line_rates",
        parameters=[RatesQuery],
        responses={(200, "application/json"): RatesOut, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """What was judged, flagged and found on a line, by hour, day or shift, and by class."""
        line = get_object_or_404(lines_of(request), slug=slug)
        query = RatesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = query.validated_data
        found = _buckets(asked["bucket"], asked["from"], asked["to"])
        counted = by_class([line.pk], [(one.since, one.until) for one in found])[line.pk]
        told = {"line": line.slug, "bucket": asked["bucket"], "zone": timezone.get_current_timezone_name()}
        told |= {"from": asked["from"].astimezone(UTC), "to": asked["to"].astimezone(UTC)}
        told |= {"total": _told(_total(counted))}
        told |= {"buckets": [_told_bucket(*one) for one in zip(found, counted, strict=True)]}
        return Response(told)  # as RatesOut says; its serializers take longer than the counting


@dataclass(frozen=True)
class Bucket:
    """One stretch. `day`: the local day that it is, or on which its shift begins; `name`: of the shift."""

    since: datetime
    until: datetime
    day: date | None = None
    name: str = ""


def _buckets(kind: str, since: datetime, until: datetime) -> list[Bucket]:
    """In their order; those that share time with the period."""
    if kind == "hour":
        first = mark_before(since, HOUR)
        starts = [first + HOUR * number for number in range(-((first - until) // HOUR))]
        return [Bucket(start, start + HOUR) for start in starts]
    if kind == "day":
        return _days(since, until, timezone.get_current_timezone())
    return [Bucket(run.since, run.until, run.day, run.hours.name) for run in shifts.between(since, until)]


def _days(since: datetime, until: datetime, zone: tzinfo) -> list[Bucket]:
    """The zone's days; one of a change of clocks has 23 or 25 hours."""
    day, found = since.astimezone(zone).date(), []
    start = _midnight(day, zone)
    while start < until:
        after = _midnight(day + DAY, zone)
        found.append(Bucket(start, after, day))
        day, start = day + DAY, after
    return found


def _midnight(day: date, zone: tzinfo) -> datetime:
    return moment_of(datetime.combine(day, time()), zone)


def _total(counted: Sequence[Classes]) -> Classes:
    found: Classes = {}
    for classes in counted:
        for code, tally in classes.items():
            found[code] = found.get(code, NOTHING) + tally
    return found


def _told(classes: Classes) -> dict[str, Any]:
    """Failed captures are of no class."""
    tally = sum(classes.values(), NOTHING)
    each = {code: _amounts(one) for code, one in sorted(classes.items()) if code}
    return {**_amounts(tally), "failed": tally.failed, "rate": tally.rate, "by_class": each}


def _told_bucket(bucket: Bucket, classes: Classes) -> dict[str, Any]:
    return {
        **_told(classes), "from": bucket.since, "to": bucket.until,
        "shift": bucket.name or None, "day": bucket.day,
    }  # fmt: skip


def _amounts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ("judged", "flagged", "anomalies", "defects")}
