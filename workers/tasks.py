"""The doorbells. Each is a few lines: the work is elsewhere, and a bell heard twice does nothing twice."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="workers.judge_pending", ignore_result=True)
def judge_pending() -> None:
    """Judge what is pending."""
    from inspections import bell
    from workers import looking_again
    from workers.judging import drain

    if drain():
        bell.ring_now()
    elif looking_again.is_wanted():
        bell.ring_now(bell.LOOK_AGAIN)


@shared_task(name="workers.sweep", ignore_result=True)
def sweep() -> None:
    """Recover what was left: expired leases, used-up attempts, bells that nobody heard."""
    from workers import sweeping

    sweeping.sweep(timezone.now())


@shared_task(name="workers.remove_orphans", ignore_result=True)
def remove_orphans() -> None:
    """Delete files that no row points to."""
    from inspections import registry
    from workers import sweeping

    sweeping.remove_orphans(timezone.now())
    registry.remove_left_behind(timezone.now())


@shared_task(name="workers.watch_alarms", ignore_result=True)
def watch_alarms() -> None:
    """Look whether a rule raises an alarm or an alarm has ended, and tell what waits to be told."""
    from workers import alarming
    from workers.telling import teller

    try:
        alarming.watch(timezone.now())
    finally:  # what was raised before is told also while a rule fails
        teller.wake()


@shared_task(name="workers.train", ignore_result=True, time_limit=30 * 24 * 3600)
def train() -> None:
    """Run the trainings that wait, one after the other."""
    from workers import training

    training.work()


@shared_task(name="workers.train_when_due", ignore_result=True)
def train_when_due() -> None:
    """Start the training that the mill's policy wants, where one is due."""
    from inspections import retraining

    retraining.start_when_due(timezone.now())


@shared_task(name="workers.count_labels", ignore_result=True)
def count_labels() -> None:
    """Count what freezing would give, where something has changed and many labels make that slow."""
    from inspections import snapshots

    snapshots.keep_fresh(timezone.now())


@shared_task(name="workers.look_for_drift", ignore_result=True)
def look_for_drift() -> None:
    """Ask whether the cloth, a lens or a lamp has changed, where that was not asked for some hours."""
    from inspections import teaching

    teaching.look_for_drift(timezone.now())


@shared_task(name="workers.assess", ignore_result=True, time_limit=3600)
def assess() -> None:
    """Hold the challengers that wait against the golden set."""
    from workers import assessing

    assessing.work()


@shared_task(name="workers.reckon", ignore_result=True, time_limit=3600)
def reckon() -> None:
    """What to label next, and what the labels so far tell."""
    from workers import reckoning

    reckoning.work()


@shared_task(name="workers.provisional", ignore_result=True, time_limit=3600)
def provisional() -> None:
    """Prototypes for a version that lacks them; what classes gave that were taken back."""
    from workers import prototyping

    prototyping.work()


@shared_task(name="workers.index_look_alikes", ignore_result=True, time_limit=3600)
def index_look_alikes() -> None:
    """Bring the index of look-alikes up to what was judged since."""
    from workers import indexing

    indexing.work(timezone.now())


@shared_task(name="workers.change_version", ignore_result=True)
def change_version() -> None:
    """Check the versions that shall come into force, and move the pointer or refuse."""
    from workers import changing

    changing.work()


@shared_task(name="workers.look_again", ignore_result=True)
def look_again() -> None:
    """Shadow and recall: judge beside the verdicts in force, while nothing else waits."""
    from workers import looking_again

    looking_again.work()


@shared_task(name="workers.look_at_broken", ignore_result=True)
def look_at_broken() -> None:
    """Whether versions that did not load once do so by now."""
    from workers import rechecking

    rechecking.work()
