"""What a learning process tells of itself in files, read as columns of its row."""

import json
from pathlib import Path
from typing import Any

from workers.learning.folder import WorkFolder

TAIL_BYTES = 8192
MOST_EPOCHS = 2000  # of the history; older ones are dropped
NUMBERS = {"epoch": int, "epochs": int, "batch": int, "batches": int}


def told(folder: WorkFolder) -> dict[str, Any]:
    """Columns of the run: stage, epoch, epochs, batch, batches, share_done, eta_s, history, log."""
    return {**_progress(folder.progress), "history": history(folder.log), "log": tail(folder.said)}


def _progress(path: Path) -> dict[str, Any]:
    """Empty before the first word. The file is replaced whole, so it is never half there."""
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    counts: dict[str, Any] = {name: max(0, kind(said.get(name) or 0)) for name, kind in NUMBERS.items()}
    eta = said.get("eta_s")
    share = min(max(float(said.get("share") or 0.0), 0.0), 1.0)
    stage = str(said.get("stage") or "")[:80]
    return {**counts, "stage": stage, "share_done": share, "eta_s": None if eta is None else max(0.0, float(eta))}


def history(path: Path) -> list[dict[str, Any]]:
    """An entry an epoch. A last line that is still being written waits for the next look."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines[-MOST_EPOCHS:] if line.endswith("\n") and line.strip()]


def tail(path: Path) -> str:
    """The end of what the process printed, as whole lines without NUL (PostgreSQL takes none)."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace").replace("\0", "")
    return text.partition("\n")[2] if path.stat().st_size > TAIL_BYTES else text


def last_words(path: Path, most: int = 400) -> str:
    """The last line that says something, for a reason in one sentence."""
    lines = [line.strip() for line in tail(path).splitlines() if line.strip()]
    return lines[-1][-most:] if lines else ""
