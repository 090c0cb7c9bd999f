"""A judging process as it will serve: images a second from a file's bytes, its memory, and how soon it is ready."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ml.inspector import Inspector, Item
from ml.networks import Network
from ml.preprocess import Pixels, resize

# A judging process alone: from its first import to the bundle being loaded, then one batch.
PROCESS = """
import json, sys, time
start = time.perf_counter()
from pathlib import Path
from ml.inspector import Inspector, Item
inspector = Inspector.load(Path(sys.argv[1]), device="cpu")
ready = time.perf_counter() - start
inspector.judge([Item(Path(sys.argv[2]).read_bytes())] * 32)
# The high-water mark of this program alone: what getrusage tells begins with the parent's.
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))
print(json.dumps({"ready_s": round(ready, 3), "peak_mib": round(peak, 1), "torch": "torch" in sys.modules}))
"""


def files(images: Pixels, side: int) -> tuple[str, list[bytes]]:
    """The images (N, H, W, C) as a camera would send them, `side` pixels wide: PNG up to 64 px, else JPEG."""
    kind = "PNG" if side <= 64 else "JPEG"
    return kind, [_encoded(resize(image, side, side), kind) for image in images]


def _encoded(image: Pixels, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(out, kind, quality=88)
    return out.getvalue()


def by_inspector(bundle: Path, data: Sequence[bytes]) -> Callable[[], object]:
    """SHA-256, decode, prepare, network, verdict with its heat-map: what a judge does for every image."""
    inspector = Inspector.load(bundle, device="cpu")
    items = [Item(one) for one in data]
    return lambda: ([hashlib.sha256(one).hexdigest() for one in data], inspector.judge(items))


def by_torch(net: Network, data: Sequence[bytes], size: int, channels: int) -> Callable[[], object]:
    """The same as it is usually written: Pillow, torch, softmax; no heat-map, no unknown, no record."""

    def judge() -> object:
        pictures = [Image.open(io.BytesIO(one)).convert("L" if channels == 1 else "RGB") for one in data]
        arrays = [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in pictures]
        stack = torch.from_numpy(np.stack(arrays).reshape(len(data), size, size, channels))
        with torch.inference_mode():
            logits = net(((stack.permute(0, 3, 1, 2) - 127.5) / 127.5).contiguous())
        return [hashlib.sha256(one).hexdigest() for one in data], logits.softmax(1).tolist()

    return judge


def process(bundle: Path, image: Path) -> dict[str, Any]:
    """`ready_s` from the first import, `peak_mib` after 32 images, and whether torch was loaded, in a fresh process."""
    command = [sys.executable, "-c", PROCESS, str(bundle), str(image)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
