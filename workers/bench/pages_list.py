"""Which addresses are measured: every page of the resolver that answers GET, and those below with what people choose.

A new page needs nothing here. One with a new kind of object in its address needs a sample, and one whose cost hangs on
its parameters a line in MORE.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

LIMIT_MS, REFRESH_MS = 150.0, 30.0
LEFT_OUT = {"login", "logout", "unlock", "unlock-touch"}
MORE = (
    "/lines/{slug}/?when=7d",
    "/lines/{slug}/?when=28d",
    "/lines/{slug}/?when=180d",
    "/lines/{slug}/?when=last-night",
    "/lines/{slug}/?when=24h&compare=week",
    "/lines/{slug}/?when=180d&compare=previous",
    "/lines/{slug}/?when=28d&class=hole",
    "/lines/{by_length}/",
    "/lines/{by_length}/chart/",
    "/lines/{by_length}/chart/?since={since}&until={until}",
    "/lines/{slug}/chart/?since={since}&until={until}",
    "/flagged/?order=worst",
    "/flagged/?order=worst&period=7d",
    "/flagged/?line={slug}&class=hole",
    "/flagged/?class=metal_contamination&period=24h",
    "/flagged/?class=metal_contamination",
    "/flagged/?line={slug}&camera=camera-2",
    "/flagged/?line={slug}&place=100-200",
    "/flagged/?line={slug}&place=5000-5100",
    "/flagged/?after={mark}",
    "/flagged/?show=anomalies",
    "/flagged/?show=anomalies&order=worst&line={slug}",
    "/flagged/?show=anomalies&line={slug}&class=good",
    "/flagged/?show=anomalies&line={slug}&place=5000-5100",
    "/flagged/?show=judged&line={slug}",
    "/flagged/?show=judged&camera=camera-2",
    "/flagged/?show=judged&camera=nobody",
    "/queue/grid/?line={slug}",
    "/review/?when=28d",
    "/review/?when=180d",
    "/review/decisions/?when=180d",
    "/escape/?period=28d",
    "/agreement/?period=91d",
    "/alarms/?state=resolved",
    "/audit/?person=operator-1",
    "/audit/?action=label",
    "/api/v1/lines/",
    "/api/v1/lines/{slug}/rates/",
    "/api/v1/lines/{slug}/rates/?from={year_ago}&bucket=day",
    "/api/v1/captures/?flagged=true&line={slug}",
    "/api/v1/captures/?camera=camera-2",
)
KIND = re.compile("<[a-z]+:")
REFRESHED = {"/": REFRESH_MS, "/lines/{slug}/": LIMIT_MS, "/flagged/": LIMIT_MS}  # by htmx, as an open page does


@dataclass(frozen=True)
class Address:
    """One address to measure. `limit`: milliseconds at p95. `route`: the same with names for what is in it, so that
    two measurements of it can be told together."""

    url: str
    limit: float = LIMIT_MS
    refresh: bool = False
    route: str = ""

    @property
    def name(self) -> str:
        return f"{self.route or self.url}{' (refresh)' if self.refresh else ''}"

    @property
    def words(self) -> str:
        return f"{self.url} (refresh)" if self.refresh else self.url


def addresses(samples: dict[str, Any]) -> tuple[list[Address], list[str]]:
    """Those to measure, and the routes for which there is no sample."""
    found, without = [], []
    for route in pages():
        if route.endswith(".csv"):
            continue
        url = _filled(route, samples)
        if url is None:
            without.append(route)
        else:
            found.append(Address(url, route=KIND.sub("{", route).replace(">", "}")))
    found += [Address(url.format(**samples), route=url) for url in MORE]
    found += [Address(url.format(**samples), limit, refresh=True, route=url) for url, limit in REFRESHED.items()]
    return found, without


def pages(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    """Every route to a page, written as in the URL files."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from pages(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and _is_page(pattern):
            yield route


def _is_page(pattern: URLPattern) -> bool:
    module = str(getattr(pattern.callback, "__module__", ""))
    return module.startswith("inspections.pages") and pattern.name not in LEFT_OUT


def _filled(route: str, samples: dict[str, Any]) -> str | None:
    """The route with samples in it: `<slug:slug>` by its name."""
    for name, value in samples.items():
        for kind in ("slug", "uuid", "str", "int"):
            route = route.replace(f"<{kind}:{name}>", str(value))
    return None if "<" in route else route
