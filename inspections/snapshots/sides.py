"""The side of each source: given once, by the order of its hash and by what its classes lack, and fixed for ever."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection

from inspections.models import Side, SourceSide
from ml.places import place

SHARES = {Side.TRAIN: 0.70, Side.VAL: 0.15, Side.GOLDEN: 0.15}
BLOCK = 500


def alone() -> None:
    """Until the end of this transaction nobody else freezes or deals; reading goes on.

    On SQLite a transaction that writes is alone anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {SourceSide._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def given() -> dict[str, Side]:
    """Every source's side so far."""
    return {source: Side(side) for source, side in SourceSide.objects.values_list("source", "side").iterator()}


def give(dealt: Mapping[str, Side], now: datetime) -> None:
    """Write down the sides of new sources, in the transaction that is `alone`."""
    rows = [SourceSide(source=source, side=side, at=now) for source, side in sorted(dealt.items())]
    SourceSide.objects.bulk_create(rows, batch_size=BLOCK)


def deal(sources: Mapping[int, Iterable[str]], before: Mapping[str, Side]) -> dict[str, Side]:
    """Sides for the sources that have none yet. `sources`: those of each class; `before`: sides given earlier.

    The rarest class chooses first, its sources in the order of their hash, so that a class of three sources has one on
    every side, one of two trains and validates, one of a single source trains.
    """
    ranked = {key: sorted(set(some), key=place) for key, some in sources.items()}
    dealt: dict[str, Side] = {}
    for key in sorted(ranked, key=lambda key: (len(ranked[key]), key)):
        mine = ranked[key]
        counts = dict.fromkeys(SHARES, 0)
        for source in mine:
            if side := before.get(source) or dealt.get(source):
                counts[side] += 1
        for source in mine:
            if source not in before and source not in dealt:
                dealt[source] = _lacking(counts, len(mine))
                counts[dealt[source]] += 1
    return dealt


def _lacking(counts: Mapping[Side, int], total: int) -> Side:
    """The side that lacks most of a class of so many sources: first one source on each, then by the shares."""
    wanted = list(SHARES)[: min(total, len(SHARES))]
    if empty := [side for side in wanted if not counts[side]]:
        return empty[0]
    return max(wanted, key=lambda side: SHARES[side] * total - counts[side])
