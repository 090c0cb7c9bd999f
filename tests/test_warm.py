"""What a web process does before its first request."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOADED = """
import gc, sys
from qc_site import wsgi
assert "inspections.pages.desk" in sys.modules and "inspections.api.captures" in sys.modules
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_is_loaded_before_the_first_request_is_not_searched_for_garbage_again(tmp_path: Path) -> None:
    environment = {"DATA": str(tmp_path), "SECRET_KEY": "x" * 50, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    frozen, searched = map(int, done.stdout.split())
    assert frozen > 100 * searched
