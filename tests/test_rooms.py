"""Who may know whom: kept by import-linter, and proved in fresh interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

NO_TORCH = """
import sys
for name in ("torch", "torchvision", "sklearn", "onnx"):
    sys.modules[name] = None
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_contracts_between_the_rooms_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with requirements/dev.txt; `make lint` runs it")
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_ml_loads_without_django() -> None:
    loaded = run("import sys, ml, ml.bundle, ml.inspector; print(sorted(m for m in sys.modules if 'django' in m))")
    assert loaded.strip() == "[]"


def test_the_web_loads_without_torch_and_without_an_engine() -> None:
    code = """
import sys, django
from qc_site import wsgi
import qc_site.urls
print([m for m in ("torch", "torchvision", "onnxruntime", "openvino", "sklearn") if m in sys.modules])
"""
    assert run(code).strip() == "[]"


def test_judging_needs_no_torch() -> None:
    run(NO_TORCH + "import django; from qc_site import wsgi; import workers.judging, workers.tasks")


def test_the_camera_client_runs_on_the_standard_library_alone() -> None:
    code = """
import sys
before = set(sys.modules)
import workers.camera
roots = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(roots - set(sys.stdlib_module_names) - {"workers"}))
"""
    assert run(code).strip() == "[]"
