"""Any two versions on the newest golden set, by command. It is a look at the golden set, and is counted as one."""

from typing import Any

from django.db.models import F

from inspections.models import ModelVersion, Snapshot
from inspections.snapshots import Refused, newest_golden
from workers import contest, measuring
from workers.contest import Unloadable


def compare(version: ModelVersion, other: ModelVersion) -> dict[str, Any] | Refused:
    """`version` in the challenger's place, `other` in the champion's."""
    golden = newest_golden()
    if golden is None:
        return Refused("There is no golden set to hold them against.")
    new, old = contest.opened(version), contest.opened(other)
    for one, opened in ((version, new), (other, old)):
        if isinstance(opened, Unloadable):
            return Refused(f"{one} does not load: {opened.reason}")
    assert not isinstance(new, Unloadable) and not isinstance(old, Unloadable)
    held = contest.hold(new, old, contest.golden_rows(golden), lambda: None)
    Snapshot.objects.filter(pk=golden.pk).update(looks=F("looks") + 1)
    if not held.rows:
        return Refused("None of the golden images can be read.")
    names = {"challenger_is": version.name, "champion_is": other.name, "golden_is": golden.name}
    return {**names, **measuring.of_contest(held, version, other)}


def as_lines(found: dict[str, Any]) -> str:
    gain, test = found["compared"]["macro_f1"], found["compared"]["mcnemar"]
    span = "" if gain["low"] is None else f" (95 %: {gain['low']:+.3f} to {gain['high']:+.3f})"
    images = found["golden"]["images"]
    lines = [
        f"{found['challenger_is']} against {found['champion_is']} on {images} images of {found['golden_is']}",
        f"macro-F1 {found['challenger']['macro_f1']:.3f} against {found['champion']['macro_f1']:.3f}: "
        f"{gain['value']:+.3f}{span}",
        f"right alone: {test['c']} against {test['b']}, exact McNemar p = {test['p']:.4f}",
    ]
    for code, one in found["recall"].items():
        if one["images"]:
            before = "-" if one["champion"] is None else f"{one['champion']:.3f}"
            lines.append(f"  recall of {code:<24} {one['challenger']:.3f} against {before} ({one['images']} images)")
    return "\n".join(lines)
