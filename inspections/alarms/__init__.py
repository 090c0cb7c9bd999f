"""Alarms: rules are looked at every few seconds, a trouble raises one alarm, people acknowledge and resolve it.

`replay` tells what a rule would have raised before; `docs/alarms.md` tells all of it for people.
"""

from inspections.alarms.channels import ChannelWish, channel_objection, save_channel
from inspections.alarms.life import acknowledge, open_alarms, resolve
from inspections.alarms.looking import look
from inspections.alarms.replaying import Replay, Would, replay
from inspections.alarms.rules import Wish, make_defaults, objection, save_rule
from inspections.snapshots import Refused

__all__ = [
    "ChannelWish",
    "Refused",
    "Replay",
    "Wish",
    "Would",
    "acknowledge",
    "channel_objection",
    "look",
    "make_defaults",
    "objection",
    "open_alarms",
    "replay",
    "resolve",
    "save_channel",
    "save_rule",
]
