"""The gate's rules: pure functions of what was measured and of the limits that it is held to.

What was not measured is neither passed nor failed, and stops a version as a failure does. `workers.measuring` writes
the figures that are read here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

Measured = Mapping[str, Any]
Limits = Mapping[str, float]
Names = Mapping[str, str]  # a class's code -> what people call it


class Subject(NamedTuple):
    """A class."""

    code: str
    name: str


@dataclass(frozen=True)
class Rule:
    """One thing that must hold. `passed`: None where it was not measured. `subject`: the class that it is about."""

    name: str
    passed: bool | None
    words: str
    figure: float | None = None
    limit: float | None = None
    subject: str = ""


def judge(measured: Measured, limits: Limits, names: Names) -> list[Rule]:
    """Every rule, in the order in which they are read. A class that `names` lacks is called by its code."""
    return [
        *_of_bundle(measured, names),
        *_of_golden(measured),
        *_of_classes(measured, limits, names),
        *_of_all(measured, limits),
    ]


def verdict(rules: list[Rule]) -> bool:
    """Passed, if every rule was measured and holds."""
    return all(rule.passed is True for rule in rules)


def as_rows(rules: list[Rule]) -> list[dict[str, Any]]:
    return [asdict(rule) for rule in rules]


def _of_bundle(measured: Measured, names: Names) -> Iterator[Rule]:
    problem = measured["bundle"]["problem"]
    loads = _("Every hash is right, it loads, and it answers its probe.")
    yield Rule("bundle", not problem, _("The bundle does not load: %s") % problem if problem else loads)
    yield _weights(measured.get("weights"))
    yield _known_classes(_named(measured["classes"]["missing"], names))
    yield _foreign_classes(_named(measured["classes"]["outside"], names))


def _named(codes: Iterable[str], names: Names) -> list[str]:
    return [names.get(code, code) for code in codes]


def _weights(found: Measured | None) -> Rule:
    if found is None:
        return Rule("weights", None, _("The weights were not read."))
    if found["problem"]:
        return Rule("weights", False, _("The weights cannot be read: %s") % found["problem"])
    spoilt = found["not_finite"]
    if spoilt:
        words = _("NaN weights: %(names)s hold values that are no numbers.") % {"names": _some(spoilt)}
        return Rule("weights", False, words, float(len(spoilt)), 0.0)
    return Rule("weights", True, _("Every weight is a number."), 0.0, 0.0)


def _known_classes(missing: list[str]) -> Rule:
    if missing:
        words = _("It lacks classes that the mill uses: %(names)s.") % {"names": _some(missing)}
        return Rule("lacking", False, words, float(len(missing)), 0.0)
    return Rule("lacking", True, _("It knows every class that the mill uses."), 0.0, 0.0)


def _foreign_classes(outside: list[str]) -> Rule:
    if outside:
        words = _("It names classes outside the taxonomy: %(names)s.") % {"names": _some(outside)}
        return Rule("outside", False, words, float(len(outside)), 0.0)
    return Rule("outside", True, _("It names no class outside the taxonomy."), 0.0, 0.0)


def _of_golden(measured: Measured) -> Iterator[Rule]:
    found = measured.get("golden")
    if found is None:
        yield Rule("golden", None, _("There is no golden set to hold it against."))
    elif found["gone"]:
        words = _("%(gone)d golden images cannot be read any more. Make the next golden set.") % found
        yield Rule("golden", False, words, float(found["gone"]), 0.0)
    else:
        words = _("%(images)d golden images of %(sources)d sources.") % found
        yield Rule("golden", found["images"] > 0 or None, words, float(found["images"]))
    leak = measured.get("leak")
    yield from (_trained_on(leak["trained_on"]), _copies(leak["copies"])) if leak else _no_leak_measured()


def _no_leak_measured() -> Iterator[Rule]:
    yield Rule("leak", None, _("Whether golden images trained it was not measured."))
    yield Rule("copies", None, _("Whether it keeps golden images as known cloth was not measured."))


def _trained_on(found: Measured) -> Rule:
    """Golden captures, copies of their files, or other captures of their sources, in what trained it."""
    count = found["captures"] + found["sources"]
    if found["captures"]:
        words = _(
            "Leaked: it was trained on %(captures)d golden images or copies of them. The next golden set leaves out "
            "what has trained."
        )
        words = words % found
        return Rule("leak", False, words, float(count), 0.0)
    if found["sources"]:
        words = _("Leaked: it was trained on %(sources)d sources of golden images: %(names)s.")
        return Rule("leak", False, words % {**found, "names": _some(found["names"])}, float(count), 0.0)
    if found["snapshots"]:
        words = _("No golden image and none of their sources is in what trained it (%(names)s).")
        return Rule("leak", True, words % {"names": ", ".join(found["snapshots"])}, 0.0, 0.0)
    return Rule("leak", True, _("It was not trained here; see what it keeps as known cloth."), 0.0, 0.0)


def _copies(found: Measured) -> Rule:
    """An uploaded bundle brings no snapshot, but it does bring the embeddings of what it learnt."""
    root = found.get("of")
    if not found["tells_apart"] and root:
        words = _("What %(of)s keeps as known cloth, whose weights it began with, cannot be told apart or read.")
        return Rule("copies", None, words % {"of": root})
    if not found["tells_apart"]:
        return Rule("copies", None, _("What it keeps as known cloth is all alike, so nothing can be said of copies."))
    share = found["copies"] / max(found["images"], 1)
    values = {"copies": found["copies"], "images": found["images"], "of": root}
    if share > found["allowed"] and root:
        words = _("Leaked: it began with the weights of %(of)s, which keeps %(copies)d of %(images)d golden images.")
        words = words % values
    elif share > found["allowed"]:
        words = _("Leaked: %(copies)d of %(images)d golden images are among what it keeps as known cloth.") % values
    else:
        words = _("%(copies)d of %(images)d golden images look like a copy of what it keeps as known cloth.") % values
    return Rule("copies", share <= found["allowed"], words, share, found["allowed"])


def _of_classes(measured: Measured, limits: Limits, names: Names) -> Iterator[Rule]:
    """Recall, class by class: no worse than the champion's, above a floor where new, above another where critical."""
    for code, found in measured.get("recall", {}).items():
        about = Subject(code, names.get(code, code))
        if not found["images"]:
            yield Rule("recall", None, _("%s: no golden image, so it is not measured.") % about.name, subject=code)
            continue
        yield _new(about, found, limits) if found["champion"] is None else _no_worse(about, found, limits)
        if found["critical"]:
            yield _critical(about, found, limits)


def _new(about: Subject, found: Measured, limits: Limits) -> Rule:
    figure, floor = found["challenger"], limits["new_recall"]
    words = _("%(name)s, which no champion knows yet: recall %(figure).3f, at least %(floor).3f is asked.")
    return Rule(
        "new",
        figure >= floor,
        words % {"name": about.name, "figure": figure, "floor": floor},
        figure,
        floor,
        about.code,
    )


def _no_worse(about: Subject, found: Measured, limits: Limits) -> Rule:
    """By the one-sided 95 % bound of the loss."""
    allowed, at_most = limits["recall_loss"], found["at_most"]
    values = {"name": about.name, "new": found["challenger"], "old": found["champion"], "allowed": allowed}
    if at_most is None:
        words = _("%(name)s: all its golden images are of one source, so its recall (%(new).3f) says too little.")
        return Rule("recall", None, words % values, limit=allowed, subject=about.code)
    words = _(
        "%(name)s: recall %(new).3f, the champion's %(old).3f; worse by at most %(most).3f (95 %%), "
        "%(allowed).3f is allowed."
    )
    words = words % {**values, "most": max(at_most, 0.0)}
    return Rule("recall", at_most <= allowed, words, at_most, allowed, about.code)


def _critical(about: Subject, found: Measured, limits: Limits) -> Rule:
    figure, floor = found["challenger"], limits["critical_recall"]
    words = _("%(name)s is critical: recall %(figure).3f, at least %(floor).3f is asked.")
    values = {"name": about.name, "figure": figure, "floor": floor}
    return Rule("critical", figure >= floor, words % values, figure, floor, about.code)


def _of_all(measured: Measured, limits: Limits) -> Iterator[Rule]:
    figures = measured.get("challenger") or {}
    yield _ceiling("overkill", figures.get("overkill"), limits["overkill"], _("Good images that it flags"))
    yield _ceiling("calibration", figures.get("ece"), limits["ece"], _("Calibration error"))
    yield _engines(measured.get("engines"))
    yield _latency(measured.get("latency_ms"), limits["latency_ms"])
    if limits["shadow"]:
        yield _shadow(measured.get("shadow"), limits["shadow"])


def _ceiling(name: str, figure: float | None, limit: float, what: str) -> Rule:
    values = {"what": what, "limit": limit}
    if figure is None:
        return Rule(name, None, _("%(what)s: not measured; at most %(limit).3f is allowed.") % values, limit=limit)
    words = _("%(what)s: %(figure).3f; at most %(limit).3f is allowed.") % {**values, "figure": figure}
    return Rule(name, figure <= limit, words, figure, limit)


def _engines(found: Measured | None) -> Rule:
    if found is None or not found["views"]:
        return Rule("engines", None, _("Whether its engines agree was not measured."))
    if found["precision"] == "fp32":
        return Rule("engines", True, _("It judges at fp32, so there is nothing that could differ."), 0.0, 0.0)
    words = _("%(precision)s and fp32 differ in the top class of %(apart)d of %(views)d views; %(allowed)d may.")
    passed = found["apart"] <= found["allowed"]
    return Rule("engines", passed, words % dict(found), float(found["apart"]), float(found["allowed"]))


def _latency(figure: float | None, limit: float) -> Rule:
    if figure is None:
        return Rule("latency", None, _("Latency was not measured."), limit=limit)
    words = _("An image takes %(figure).1f ms here (median); at most %(limit).0f ms is allowed.")
    return Rule("latency", figure <= limit, words % {"figure": figure, "limit": limit}, figure, limit)


def _shadow(found: Measured | None, wanted: float) -> Rule:
    """So many live captures judged beside the champion, and the disagreements looked at, so far as one page goes."""
    values = {"wanted": int(wanted), **(found or {"compared": 0, "unseen": 0})}
    figure = float(values["compared"])
    if figure < wanted:
        words = _("In shadow it judged %(compared)d live captures; %(wanted)d are asked.") % values
        return Rule("shadow", False, words, figure, wanted)
    if values["unseen"]:
        words = _("%(unseen)d disagreements in shadow were not looked at yet.") % values
        return Rule("shadow", False, words, figure, wanted)
    words = _("In shadow it judged %(compared)d live captures, and its disagreements were looked at.") % values
    return Rule("shadow", True, words, figure, wanted)


def _some(names: list[str]) -> str:
    """The first five, and how many more."""
    more = len(names) - 5
    return ", ".join(names[:5]) + (_(" and %d more") % more if more > 0 else "")
