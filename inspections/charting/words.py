"""What a signal says, for people."""

from django.utils.translation import gettext_lazy as _

from inspections.models import Chart, RuleSet
from inspections.spc.rules import NELSON_SIDE, WESTERN_SIDE

WORDS = {
    "beyond-high": _("above the upper limit"),
    "beyond-low": _("below the lower limit"),
    "side-high": _("%(side)d in a row above the centre"),
    "side-low": _("%(side)d in a row below the centre"),
    "trend-high": _("6 in a row, each above the one before"),
    "trend-low": _("6 in a row, each below the one before"),
    "alternating": _("14 in a row, up and down in turn"),
    "ewma-high": _("the weighted average is above its limit"),
    "ewma-low": _("the weighted average is below its limit"),
    "cusum-high": _("the sum of rises is above its limit"),
    "cusum-low": _("the sum of falls is above its limit"),
}


def signal_words(signal: str, chart: Chart) -> str:
    """Of a key in `Point.signals`."""
    side = WESTERN_SIDE if chart.rule_set == RuleSet.WESTERN_ELECTRIC else NELSON_SIDE
    return str(WORDS[signal]) % {"side": side}
