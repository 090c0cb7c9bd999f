"""What the grid's script says. It fills in the braces; numbers stand apart, so that no language needs a plural."""

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    return {
        "picked": _("Picked: {n}"),
        "none": _("None picked"),
        "all": _("Picked all on the screen: {n}"),
        "left_out": _("Not free or not yet seen: {n}"),
        "pick_first": _("Pick at least one image first."),
        "from": _("Touch the first image of the run."),
        "to": _("Now touch the last one."),
        "unseen": _("This image was not on the screen yet."),
        "held": _("{who} decides this now."),
        "missing": _("Without a picture it cannot be labelled here."),
        "sending": _("Sending …"),
        "done": _("{label}: {n}"),
        "undoing": _("Taking back …"),
        "undone": _("Taken back: {n}"),
        "nothing_to_undo": _("There is nothing to take back."),
        "changed": _("{who} labelled it"),
        "was_undone": _("A label was taken back"),
        "conflicts": _("Nothing was labelled: {n} of them are not free any more. Press again for the other {rest}."),
        "conflicts_all": _("Nothing was labelled: somebody else was faster with all of them."),
        "lost": _("Not sent, {label}: {n}. There is no connection; nothing is lost."),
        "lost_undo": _("Not all were taken back; still to do: {n}. There is no connection."),
        "ended": _("Not sent, {label}: {n}. The session has ended; sign in and it goes on."),
        "other": _("Somebody else is signed in here now. Nothing was labelled."),
        "old": _("This page is too old. Nothing was labelled; load it anew."),
        "gone": _("Some of these images are gone. Nothing was labelled; load the page anew."),
        "retired": _("This class was retired meanwhile. Nothing was labelled."),
        "refused": _("Nothing was labelled: {detail}"),
        "refused_undo": _("Could not be taken back: {n}. Somebody else may have done it."),
        "kept": _("Not sent yet, {label}: {n}."),
    }
