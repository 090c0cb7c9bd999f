"""Why a snapshot is not made, in words; empty where nothing speaks against it."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from inspections.models import DefectClass, LeftOut, Side, Snapshot
from inspections.models.defect_class import GOOD, named


def to_classes(classes: Sequence[str] | None) -> str:
    """Of the classes that were chosen; None: all that are in use."""
    if classes is None:
        return ""
    known = dict(DefectClass.objects.filter(code__in=classes).values_list("code", "active"))
    if unknown := sorted(set(classes) - known.keys()):
        return _("There is no class %(codes)s.") % {"codes": ", ".join(unknown)}
    if retired := sorted(code for code, active in known.items() if not active):
        return _("Retired, so nothing trains it: %(codes)s.") % {"codes": ", ".join(named(retired))}
    if GOOD not in known:
        return _("“good” must be among the classes: a model that does not know it would flag every image.")
    return "" if len(known) > 1 else _("A model needs two classes at least, “good” and a defect.")


def to_training(snapshot: Snapshot, wanted: Sequence[str] | None) -> str:
    """Of a training snapshot that is described and not stored."""
    train = snapshot.counts.get(Side.TRAIN, {})
    if not train:
        return _("No labelled image is free to train on. %(left_out)s") % {"left_out": _left_out(snapshot)}
    if lacking := [code for code in wanted or () if code not in train]:
        return _("No image to train on is of class %(codes)s.") % {"codes": ", ".join(named(lacking))}
    if GOOD not in train:
        return _("No image to train on is labelled “good”: a model that does not know it would flag every image.")
    if len(train) < 2:
        return _("All images to train on are “good”. Label some of a defect first.")
    if not snapshot.counts.get(Side.VAL):
        return _(
            "Nothing to validate on. Label images of a second roll, or of a second camera or hour where rolls are not "
            "named. %(left_out)s"
        ) % {"left_out": _left_out(snapshot)}
    return ""


def to_golden(snapshot: Snapshot) -> str:
    """Of a version of the golden set that is described and not stored."""
    if not snapshot.counts.get(Side.GOLDEN):
        return _(
            "No labelled image stands on the golden side. A class gives its third source to it: label images of three "
            "rolls of one class, or give a roll that never trained to the golden set. %(left_out)s"
        ) % {"left_out": _left_out(snapshot)}
    if snapshot.parent is not None and snapshot.parent.digest == snapshot.digest:
        return _("Nothing has changed since %(name)s.") % {"name": snapshot.parent.name}
    return ""


def _left_out(snapshot: Snapshot) -> str:
    if not snapshot.left_out:
        return ""
    told = ", ".join(f"{LeftOut(reason).label} ({count})" for reason, count in snapshot.left_out.items())
    return _("Left out: %(told)s.") % {"told": told}
