"""What the gate's rules are judged on, measured where an engine is: figures of challenger and champion as JSON."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings

from inspections.models import Comparison, DefectClass, GateReport, ModelVersion
from inspections.models.defect_class import GOOD
from ml import duel
from ml.bundle import WEIGHTS, BundleError
from ml.golden import Witness
from ml.judged import figures
from ml.soundness import not_finite
from workers import contest, leaks
from workers.contest import Beat, Contest, Unloadable

MOST_LOOKED_AT = 200  # disagreements of a shadow that somebody must have seen, newest first
COPIES_ALLOWED = 0.01  # of golden images: now and then two images of still cloth are one and the same


def measure(report: GateReport, beat: Beat) -> tuple[dict[str, Any], list[list[Any]]]:
    """The figures, and what each said of every golden image."""
    version, new = report.version, contest.opened(report.version)
    problem = new.reason if isinstance(new, Unloadable) else ""
    found: dict[str, Any] = {"bundle": {"problem": problem}, "classes": _classes(version, report.champion)}
    if isinstance(new, Unloadable):
        return found, []
    found["weights"] = _weights(version)
    found["shadow"] = _shadow(version)
    if report.golden is None or found["weights"]["problem"]:
        return found, []
    old = contest.opened(report.champion) if report.champion else None
    standing = None if isinstance(old, Unloadable) else old
    began = {one.name: contest.opened(one) for one in leaks.untold(version)}
    roots = {name: one for name, one in began.items() if not isinstance(one, Unloadable)}
    held = contest.hold(new, standing, contest.golden_rows(report.golden), beat, list(roots.values()))
    figures_of_both = of_contest(held, version, report.champion if standing else None)
    return {**found, **figures_of_both, "leak": _leak(report, held, list(roots), began.keys() - roots)}, held.answers()


def numbers(value: Any) -> Any:
    """The figures as JSON can say them: what is no number was not measured, and is None."""
    if isinstance(value, dict):
        return {name: numbers(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [numbers(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def of_contest(held: Contest, version: ModelVersion, champion: ModelVersion | None) -> dict[str, Any]:
    """Figures of both, class by class and over all; the champion's are None where there is none that loads."""
    classes = _all_classes(held, version, champion)
    new = figures(contest.judged(held, held.challenger, classes, version.classes)) if held.rows else None
    old = figures(contest.judged(held, held.champion, classes, champion.classes)) if champion and held.rows else None
    return {
        "golden": {"images": len(held.rows), "sources": len(set(held.sources)), "gone": held.gone},
        "challenger": new,
        "champion": old,
        "recall": _recalls(held, version, champion),
        "compared": _compared(held, classes) if held.champion else None,
        "engines": _engines(held),
        "latency_ms": held.latency_ms,
    }


def _all_classes(held: Contest, *versions: ModelVersion | None) -> tuple[str, ...]:
    """Every class that the truth or one of them names, `good` first."""
    named = {code for one in versions if one for code in one.classes} | set(held.truth)
    return (GOOD, *sorted(named - {GOOD}))


def _recalls(held: Contest, version: ModelVersion, champion: ModelVersion | None) -> dict[str, Any]:
    """By class that the mill uses and the challenger names. `champion` is None where that one does not know it."""
    using = {
        code: one
        for code, one in DefectClass.objects.filter(active=True).in_bulk(field_name="code").items()
        if not one.provisional or code in version.classes  # else a prototype finds it, also beside this version
    }
    labels = [one.label for one in held.challenger]
    before = [one.label for one in held.champion] or labels
    classes = tuple(using)
    found = duel.recalls(duel.Pair(classes, held.truth, before, labels, held.sources)) if held.rows else {}
    known = set(champion.classes) if champion else set()
    return {
        code: _recall(found.get(code), code in known, using[code].critical)
        for code in classes
        if code in found or code in version.classes
    }


def _recall(found: duel.Recall | None, is_known: bool, critical: bool) -> dict[str, Any]:
    if found is None:
        return {"images": 0, "champion": None, "critical": critical}
    values = {**asdict(found), "critical": critical}
    return values if is_known else {**values, "champion": None, "at_most": None}


def _compared(held: Contest, classes: tuple[str, ...]) -> dict[str, Any]:
    before, after = ([one.label for one in said] for said in (held.champion, held.challenger))
    pair = duel.Pair(classes, held.truth, before, after, held.sources)
    only_old, only_new = duel.discordant(pair)
    p = duel.mcnemar(only_old, only_new)
    return {"macro_f1": asdict(duel.gain(pair)), "mcnemar": {"b": only_old, "c": only_new, "p": p}}


def _engines(held: Contest) -> dict[str, Any] | None:
    seen = held.witness
    if seen is None:
        return None
    return {"precision": seen.used.precision, "views": seen.views, "apart": seen.apart, "allowed": seen.may_differ}


def _leak(report: GateReport, held: Contest, roots: Sequence[str], unread: Iterable[str]) -> dict[str, Any]:
    """Of copies the worst: its own, or of one whose weights it began with. `unread`: such that do not load."""
    assert report.golden and held.witness
    seen = [_copies("", held.witness), *map(_copies, roots, held.roots), *(_copies(name, None) for name in unread)]
    worst = max(seen, key=lambda one: (not one["tells_apart"], one["copies"] / max(one["images"], 1)))
    return {
        "trained_on": asdict(leaks.trained_on(report.version, report.golden)),
        "copies": {**worst, "allowed": COPIES_ALLOWED},
    }


def _copies(of: str, witness: Witness | None) -> dict[str, Any]:
    """`of`: the version that keeps them, where it is not the challenger itself."""
    if witness is None:
        return {"of": of, "tells_apart": False, "copies": 0, "images": 0, "nearest": None}
    kept = {"tells_apart": witness.tells_apart, "copies": witness.copies, "images": len(witness.nearest)}
    return {"of": of, **kept, "nearest": min(witness.nearest, default=None)}


def _weights(version: ModelVersion) -> dict[str, Any]:
    try:
        return {"problem": "", "not_finite": not_finite(version.folder / WEIGHTS)}
    except BundleError as problem:
        return {"problem": str(problem), "not_finite": []}


def _classes(version: ModelVersion, champion: ModelVersion | None) -> dict[str, list[str]]:
    rows = DefectClass.objects.filter(active=True)
    active = list(rows.values_list("code", flat=True))
    learnt = rows.filter(provisional=False).values_list("code", flat=True)  # for the others it is given prototypes
    return {
        "missing": [code for code in learnt if code not in version.classes],
        "outside": [code for code in version.classes if code not in active],
        "new": [code for code in version.classes if code not in (champion.classes if champion else ())],
    }


def _shadow(version: ModelVersion) -> dict[str, int] | None:
    if not settings.GATE_SHADOW:
        return None
    compared = Comparison.objects.filter(version=version, recall=None)
    latest = compared.filter(agrees=False).order_by("-id").values_list("seen_at", flat=True)[:MOST_LOOKED_AT]
    return {"compared": compared.count(), "unseen": sum(at is None for at in latest)}
