"""What a run learns from, laid into its work folder: images and a manifest, or embeddings that were kept."""

import shutil
from importlib.util import find_spec

from django.utils.translation import gettext as _

from inspections import registry
from inspections.models import Base, TrainingRun
from inspections.retraining import Wish
from workers.learning import embeddings
from workers.learning.folder import WorkFolder
from workers.learning.following import ended_meanwhile
from workers.learning.images import lay_out
from workers.learning.outcomes import Ended, Failed


def prepare(run: TrainingRun, folder: WorkFolder) -> Failed | Ended | None:
    """Lay out the data where that has not been done, or say why it cannot be."""
    if find_spec("torch") is None:
        return Failed(_("The training libraries are not installed where the training worker runs."))
    if run.base_version and not registry.bundle_is_there(run.base_version):
        return Failed(_("The files of version %(version)s are damaged or gone.") % {"version": run.base_version})
    if ended := _write_images(run, folder):  # a head needs them too: they are what known cloth looks like
        return ended
    return embeddings.write(run, folder.embeddings) if run.base == Base.HEAD else None


def _write_images(run: TrainingRun, folder: WorkFolder) -> Ended | None:
    """Beside its name first, so that a kill leaves nothing that looks whole."""
    if folder.data.exists():
        return None
    part = folder.data.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)

    ends: list[Ended] = []

    def tick(_done: int) -> bool:
        ends.extend(one for one in [ended_meanwhile(run, stage=_("Laying out the images"))] if one)
        return not ends

    lay_out(run.snapshot, part, with_split=not Wish.of(run).calibrates_on_folds, tick=tick)
    if ends:
        return ends[0]
    part.rename(folder.data)
    return None
