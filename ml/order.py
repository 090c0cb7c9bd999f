"""What to learn from and how: the fields are the options of `python -m ml train` and `crossval`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml.flagging import Flag
from ml.presets import Recipe, recipe
from ml.progress import SILENT, Progress
from ml.spec import Input


@dataclass(frozen=True)
class Order:
    """One training as asked for. `knobs`: what differs from the preset. `turns`, `fixed`: classes that may be turned by
    a quarter, and classes that must not even be mirrored. `work`: folder of checkpoints: a kill loses one epoch.
    `texture`: see ml.touch. `weights`: a file of ImageNet weights, or a bundle's folder to take the trunk of.
    `progress`: where it tells how far it is.
    """

    out: Path | None = None
    manifest: Path | None = None
    drawn: int = 0
    network: str = "textile_resnet"
    preset: str = "cloth"
    knobs: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    source_file: Path | None = None
    size: int = 64
    channels: int = 3
    large: str = "resize"
    max_tiles: int = 64
    resize_mixed: bool = False
    leave_twins: bool = False
    homogenise: bool = False
    stem: str = "standard"
    turns: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    folds: int = 3
    seed: int = 0
    threads: int = 1
    precision: str = "auto"
    texture: str = "auto"
    name: str = ""
    licence: str = ""
    flag: Flag = Flag()
    weights: Path | None = None
    log: Path | None = None
    work: Path | None = None
    progress: Progress = SILENT

    @property
    def recipe(self) -> Recipe:
        return recipe(self.preset, self.knobs)

    @property
    def shape(self) -> Input:
        return Input(self.size, self.size, self.channels, self.large, self.max_tiles)

    def identity(self, digest: str, part: str) -> str:
        """What tells one part of this training from that of any other, so that no checkpoint is taken for its own."""
        told = [digest, part, self.network, self.stem, self.seed, self.size, self.channels, self.folds]
        seen = [self.classes, self.large, self.max_tiles, self.homogenise, self.weights]
        text = json.dumps([*told, *seen, self.turns, self.fixed, asdict(self.recipe)], default=str)
        return hashlib.sha256(text.encode()).hexdigest()
