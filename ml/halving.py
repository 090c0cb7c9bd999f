"""How many images a GPU is given at once: halved when its memory runs out, doubled again once that is long past."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST = 128
CALM = 1000  # runs without trouble before twice as many are tried again


@dataclass
class Halving:
    """Batches have one of the sizes 1, 2, 4 … LARGEST, because each size is a recording of its own on the GPU."""

    limit: int = LARGEST
    calm: int = 0

    def size(self, waiting: int) -> int:
        """The smallest size that takes all that wait, at most the limit."""
        return min(self.limit, 1 << max(0, waiting - 1).bit_length())

    def ran_out(self, size: int) -> bool:
        """A batch of `size` did not fit. False if not even one image does."""
        self.limit, self.calm = max(1, size // 2), 0
        return size > 1

    def went_well(self) -> None:
        self.calm += 1
        if self.calm >= CALM and self.limit < LARGEST:
            self.limit, self.calm = 2 * self.limit, 0
