"""The bare judging process that the product is held against: bytes, SHA-256, decode, judge; it stores nothing.

`python -m workers.bench.bare BUNDLE IMAGES SECONDS` prints images a second.
"""

import hashlib
import sys
import time
from itertools import cycle, islice
from pathlib import Path

from ml.inspector import Inspector, Item

BATCH = 32


def main() -> None:
    bundle, images, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    inspector = Inspector.load(bundle, device="cpu")
    files = cycle([path.read_bytes() for path in sorted(images.iterdir())])
    _batch(inspector, list(islice(files, BATCH)))
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        done += _batch(inspector, list(islice(files, BATCH)))
    sys.stdout.write(f"{done / spent:.2f}\n")


def _batch(inspector: Inspector, files: list[bytes]) -> int:
    for data in files:
        hashlib.sha256(data).hexdigest()
    return len(inspector.judge([Item(data) for data in files]))


if __name__ == "__main__":
    main()
