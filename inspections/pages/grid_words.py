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
        "busy": _("Not sent, {label}: {n}. Selvedge cannot take it right now; nothing is lost."),
        "first": _("Some of these wait to be sent already. Let them go first."),
        "lost_undo": _("Not all were taken back; still to do: {n}. There is no connection."),
        "busy_undo": _("Not all were taken back; still to do: {n}. Selvedge cannot take it right now."),
        "ended_undo": _("Not all were taken back; still to do: {n}. The session has ended; sign in and try again."),
        "other_undo": _("Somebody else is signed in here now. Still to take back: {n}."),
        "ended": _("Not sent, {label}: {n}. The session has ended; sign in and it goes on."),
        "other": _("Not sent, {label}: {n}. Somebody else is signed in here now; it waits for you."),
        "old": _("This page is too old. Nothing was labelled; load it anew."),
        "gone": _("Some of these images are gone. Nothing was labelled; load the page anew."),
        "retired": _("This class is not in use any more. Nothing was labelled."),
        "refused": _("Nothing was labelled. Load the page anew and look again."),
        "refused_undo": _("Could not be taken back: {n}. Somebody else may have done it."),
        "kept": _("Not sent yet, {label}: {n}."),
    }
