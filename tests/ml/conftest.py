from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml.inspector import Inspector
from tests.ml.bundles import tiny_bundle


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process: the networks and the cloth that they share are dear."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that calls black patches holes and all else good."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def inspector(tiny: Path) -> Inspector:
    return Inspector.load(tiny, device="cpu")


@pytest.fixture(scope="session")
def real_cloth() -> Path:
    """The folder of real labelled images; tests that need it are skipped, with the reason, where it is not at hand."""
    folder = os.environ.get("FABRIC_DATA")
    if not folder or not (Path(folder) / "fabric" / "aitex64" / "manifest.csv").is_file():
        pytest.skip("FABRIC_DATA does not name a folder with fabric/aitex64/manifest.csv: real cloth is not tested")
    return Path(folder)
