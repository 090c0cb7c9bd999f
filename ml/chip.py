"""What this machine's processor can do, read from what Linux says of it. Standard library only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

# Instructions without which a precision is slower than fp32 or, for int8, wrong: without VNNI the products of two
# pairs are added in 16 bits and clipped.
NEEDS = {
    "bf16": frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert"}),
    "int8": frozenset({"avx512_vnni", "avx_vnni", "amx_int8"}),
}


@cache
def flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The processor's flags; none where there is no such file, so that only fp32 is used there."""
    if not cpuinfo.exists():
        return frozenset()
    for line in cpuinfo.read_text().splitlines():
        name, _, words = line.partition(":")
        if name.strip() == "flags":
            return frozenset(words.split())
    return frozenset()


def can(precision: str) -> bool:
    """Whether this processor has what `precision` needs; fp32 needs nothing."""
    return precision == "fp32" or bool(NEEDS[precision] & flags())


def usable(precision: str) -> str:
    """`precision`, or fp32 where the processor lacks what it needs."""
    return precision if can(precision) else "fp32"
