"""A list of rows becomes a snapshot: name, digest, counts and rows, in the transaction that is alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from django.db import connection

from inspections.models import DefectClass, Person, Purpose, Side, Snapshot, SnapshotRow
from inspections.models.defect_class import GOOD
from inspections.snapshots.candidates import weights
from inspections.snapshots.placing import Placed

PREFIX = {Purpose.TRAIN: "S", Purpose.GOLDEN: "G"}
BLOCK = 5000
Counts = dict[str, dict[str, int]]  # {side: {class: number}}
# One prepared statement: making objects of 50 000 rows would take longer than writing them.
_INSERT = f"""
INSERT INTO {SnapshotRow._meta.db_table}
  (snapshot_id, capture_id, label_id, defect_class_id, source, side, reason, weight)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608  the table's name is ours


def digest_of(rows: Iterable[Placed], codes: Mapping[int, str]) -> str:
    """SHA-256 over what stands on a side, in the order of the ids: capture, file, class, side and weight."""
    found = sha256()
    for row in rows:
        if row.side != Side.OUT:
            one = row.candidate
            told = (one.capture, one.sha256.hex(), codes[one.class_id], row.side.value, f"{one.weight:g}")
            found.update(" ".join(map(str, told)).encode() + b"\n")
    return found.hexdigest()


def described(purpose: Purpose, rows: Sequence[Placed], codes: Mapping[int, str]) -> Snapshot:
    """A snapshot of these rows, not stored yet."""
    placed = [row for row in rows if row.side != Side.OUT]
    licences = sorted({row.candidate.licence for row in placed} - {""})
    return Snapshot(
        purpose=purpose,
        digest=digest_of(rows, codes),
        classes=in_order({codes[row.candidate.class_id] for row in placed}),
        counts=_counts((row.side, codes[row.candidate.class_id]) for row in placed),
        sources=_counts({(row.side, codes[row.candidate.class_id], row.candidate.source) for row in placed}),
        left_out=dict(sorted(Counter(row.reason for row in rows if row.reason).items())),
        weights=dict(weights()),
        licence="; ".join(licences)[:120],
        last_label_id=max((row.candidate.label for row in rows), default=None),
    )


def in_order(codes: Iterable[str]) -> list[str]:
    """`good` first, then in the order in which the mill made them."""
    wanted = set(codes)
    known = DefectClass.objects.filter(code__in=wanted).order_by("id").values_list("code", flat=True)
    return sorted(known, key=lambda code: code != GOOD)


def _counts(told: Iterable[tuple[str, ...]]) -> Counts:
    """{side: {code: how many}} of tuples that begin with side and code."""
    found: Counts = {}
    for (side, code), count in sorted(Counter((one[0], one[1]) for one in told).items()):
        found.setdefault(str(side), {})[code] = count
    return found


def keep(snapshot: Snapshot, rows: Sequence[Placed], by: Person | None, now: datetime, note: str = "") -> Snapshot:
    """Store it under the next name."""
    snapshot.name, snapshot.created_by, snapshot.created_at, snapshot.note = _next(snapshot), by, now, note[:500]
    snapshot.save(force_insert=True)
    key = Snapshot._meta.pk.get_db_prep_value(snapshot.pk, connection)
    as_stored = SnapshotRow._meta.get_field("capture").get_db_prep_value
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BLOCK):
            cursor.executemany(
                _INSERT,
                [
                    (
                        key, as_stored(row.candidate.capture, connection), as_stored(row.candidate.label, connection),
                        row.candidate.class_id, row.candidate.source, row.side.value, row.reason, row.candidate.weight,
                    )
                    for row in rows[start : start + BLOCK]
                ],
            )  # fmt: skip
    return snapshot


def _next(snapshot: Snapshot) -> str:
    prefix = PREFIX[Purpose(snapshot.purpose)]
    names = Snapshot.objects.filter(purpose=snapshot.purpose).values_list("name", flat=True)
    return f"{prefix}{max((int(name.removeprefix(prefix)) for name in names), default=0) + 1}"
