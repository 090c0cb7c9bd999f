"""What the pages load: nothing from elsewhere, and vendored files as they were taken."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = settings.BASE_DIR / "inspections" / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def vendored() -> dict[str, str]:
    rows = re.findall(r"\| `([0-9a-f]{64})` \| `([^`]+)` \|", (VENDOR / "VENDORED.md").read_text())
    return {name: digest for digest, name in rows}


def test_every_vendored_file_is_listed_and_unchanged() -> None:
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDORED.md"
    }
    assert found == vendored()


def test_every_vendored_folder_holds_its_licence() -> None:
    assert all((folder / "LICENSE").exists() for folder in VENDOR.iterdir() if folder.is_dir())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_reaches_elsewhere_or_breaks_the_content_policy(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert not re.search(r"\s(?:style|on[a-z]+)=", text)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)", text)
    assert "|safe" not in text
    assert "autoescape" not in text


def test_our_own_files_reach_nowhere_else() -> None:
    for path in (path for path in (STATIC / "inspections").rglob("*") if path.suffix in {".css", ".js", ".svg"}):
        assert not re.findall(r"https?://(?!www\.w3\.org/)", path.read_text()), path
