"""The whole suite, from nothing: `make test`. Gets a browser if there is none, runs both stacks, says what was skipped.

Standard library only. Exit code 0 only if every part passed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
WORKERS = os.environ.get("TEST_WORKERS", "3")
PYTEST = (sys.executable, "-m", "pytest", "-n", WORKERS, "--dist", "loadgroup")

KNOWS_NO_DATABASE = (  # or starts one of its own
    "ml",
    "browser",
    "faults",
    "test_agreement.py",
    "test_beta.py",
    "test_demo.py",
    "test_escape.py",
    "test_pages_assets.py",
    "test_pictures.py",
    "test_production_shape.py",
    "test_spc.py",
    "test_supervisor.py",
    "test_rooms.py",
    "test_what_if.py",
)


@dataclass
class Part:
    """One run of pytest: what it was, how it ended, what it left out."""

    name: str
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)


def find_chromium() -> str:
    """The browser's path; installed from Debian's packages where that is possible. Empty: there is none."""
    named = os.environ.get("CHROMIUM") or CHROMIUM
    if Path(named).exists():
        return named
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"no {named}: installing Debian's chromium (about 400 MB)")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "chromium")):
            if subprocess.run(["apt-get", *words], env=environment, stdin=subprocess.DEVNULL).returncode:
                return ""
    return CHROMIUM if Path(CHROMIUM).exists() else ""


def run(name: str, marks: str, environment: dict[str, str], *more: str) -> Part:
    say(f"{name}: pytest -m '{marks}' {' '.join(more)}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*PYTEST, "-m", marks, f"--junitxml={report}", *more]
        # What one compiles of the tests and the product serves the next part, and every process that a test starts.
        whole = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        code = subprocess.run(command, env={**whole, **environment}, stdin=subprocess.DEVNULL).returncode
        part = Part(name, code, time.monotonic() - started)
        if report.exists():
            _count(part, report)
    return part


def _count(part: Part, report: Path) -> None:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  written by our own pytest
        skip = case.find("skipped")
        if skip is not None:
            reason = re.sub(r"\s+", " ", skip.get("message") or "no reason given")
            part.skipped[reason] = part.skipped.get(reason, 0) + 1
        elif case.find("failure") is not None or case.find("error") is not None:
            part.failed += 1
        else:
            part.passed += 1


def say(text: str) -> None:
    print(f"== {text}", flush=True)


def summary(parts: list[Part], left_out: list[str]) -> None:
    say("what ran")
    for part in parts:
        state = "passed" if part.code == 0 else f"FAILED (exit code {part.code})"
        print(f"  {part.name}: {state}, {part.passed} passed, {part.failed} failed, {part.seconds:.0f} s")
    say("what did not run, and why")
    for reason in left_out:
        print(f"  {reason}")
    for part in parts:
        for reason, count in sorted(part.skipped.items()):
            print(f"  {part.name}: {count} skipped: {reason}")
    passed, failed = sum(part.passed for part in parts), sum(part.failed for part in parts)
    skipped = sum(sum(part.skipped.values()) for part in parts)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)


def main() -> int:
    left_out = ["soak: slow, run by `make soak`"]
    if not os.environ.get("FABRIC_DATA"):
        left_out.append("real_data: FABRIC_DATA names no folder of labelled images")
    marks, environment = "not soak", {}
    if os.environ.get("SELVEDGE_SKIP_BROWSER") == "1":
        marks += " and not browser"
        left_out.append("browser: SELVEDGE_SKIP_BROWSER=1. THE PAGES WERE NOT SEEN IN A BROWSER")
    elif chromium := find_chromium():
        environment["CHROMIUM"] = chromium
    else:
        say("no Chromium: install it (Debian: apt-get install chromium), name it with CHROMIUM=/path/to/chromium,")
        say("or leave the browser tests out with SELVEDGE_SKIP_BROWSER=1")
        return 1
    parts = [
        run("embedded stack", marks, environment, "tests"),
        run(
            # What starts processes of its own starts them on the database that it names, whatever the stack.
            *("PostgreSQL", "not soak and not browser and not stack and not any_database"),
            *({**environment, "STACK": "postgres"}, "tests", *(f"--ignore=tests/{name}" for name in KNOWS_NO_DATABASE)),
        ),
    ]
    summary(parts, left_out)
    return 0 if all(part.code == 0 for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
