"""The judging path needs numpy, Pillow, OpenVINO, simplejpeg and safetensors, and the bundle reader nothing at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Block())
"""


def run(blocked: set[str], code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(blocked=blocked) + code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_bundle_reader_loads_no_library(tiny: Path) -> None:
    blocked = {
        "numpy",
        "torch",
        "torchvision",
        "onnxruntime",
        "openvino",
        "simplejpeg",
        "onnx",
        "safetensors",
        "PIL",
        "sklearn",
        "tqdm",
        "django",
    }
    code = f"""
import ml, ml.hostile
from ml.bundle import verify
from pathlib import Path
print(verify(Path({str(tiny)!r})).name)
"""
    assert run(blocked, code) == "tiny"


def test_judging_and_drawing_need_no_torch(tiny: Path) -> None:
    blocked = {"torch", "torchvision", "onnx", "onnxruntime", "onnxscript", "sklearn", "scipy", "tqdm", "django"}
    code = f"""
import io
from pathlib import Path
from PIL import Image
from ml.fabric import Roll
from ml.inspector import Inspector, Item
from ml.decode import rendition
out = io.BytesIO()
Image.fromarray(Roll(1).frame(0, "hole").image).save(out, "JPEG")
answer = Inspector.load(Path({str(tiny)!r}), device="auto").judge([Item(out.getvalue())])[0]
print(answer.label, len(rendition(out.getvalue(), 64)) > 100, "torch" in __import__("sys").modules)
"""
    assert run(blocked, code).split()[1:] == ["True", "False"]


def test_judging_never_imports_torch_even_where_it_is_installed(tiny: Path) -> None:
    code = f"""
from pathlib import Path
from ml.inspector import Inspector
Inspector.load(Path({str(tiny)!r}), device="cpu")
import sys
heavy = ("torch", "torchvision", "sklearn", "onnx", "onnxruntime", "openvino_telemetry.main")
print([name for name in heavy if name in sys.modules])
"""
    assert run(set(), code) == "[]"


def test_what_to_label_is_reckoned_without_the_training_libraries() -> None:
    blocked = {"torch", "torchvision", "onnx", "onnxruntime", "onnxscript", "sklearn", "scipy", "h5py", "django"}
    code = """
import numpy as np
from ml import enough, suspects, teaching
rng = np.random.default_rng(0)
rows = rng.normal(size=(60, 8))
labels = ["good", "hole"] * 30
rows[1::2, 0] += 4
sources = [str(number // 6) for number in range(60)]
curve = enough.curves(rows, labels, sources, rng)[0]
doubts = suspects.suspects(suspects.opinion(rows, labels, sources, rng))
print(len(teaching.pick(rows, None, np.ones(60, bool), rows[:2], 5, rng)), curve.problem == "", len(doubts))
"""
    assert run(blocked, code).split()[:2] == ["5", "True"]
