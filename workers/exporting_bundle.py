"""A version's files as a folder that another mill can install."""

import shutil
from pathlib import Path

from inspections.models import ModelVersion
from ml import bundle


def export(version: ModelVersion, folder: Path) -> Path:
    """Whole or not at all. BundleError where the files are not whole, OSError where the folder is there already."""
    bundle.verify(version.folder)
    part = folder.with_name(f"{folder.name}.part")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(version.folder, part)
    part.rename(folder)
    return folder
