"""What a web process does once, before its first request, so that no request pays for it.

Whenever a quarter more has come to what a process holds, Python looks through all of it for garbage: of the product as
loaded that is a tenth of a second, in the middle of whatever page is being made. What is loaded at the start stays
until the end, so it is taken out of that search. What requests leave behind is searched as before, but less often: a
page makes some ten thousand objects and drops them again, and none of that is worth a search in its middle.
"""

import gc

from django.urls import get_resolver

SEARCHES = (5_000, 10, 100)  # new objects until the youngest are searched; searches of those until the older ones are


def warm_up() -> None:
    """Load every page, then freeze what is loaded. Call it once, when nothing more is to be loaded."""
    get_resolver().reverse_dict  # noqa: B018  loads all views, as the first request would
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SEARCHES)
