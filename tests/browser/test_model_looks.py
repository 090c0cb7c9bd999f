"""The registry's pages with everything on them: accessible and whole, by day on a desk and by night on a tablet."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from inspections import changes
from inspections.models import ModelVersion, Origin
from tests import cast, gates
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.bundles import CENTRES
from tests.cast import a_line, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
VIEWS = [("light", 1280, 800), ("dark", 768, 1024)]


@pytest.fixture
def ada(transactional_db: None) -> Client:
    return signed_in(cast.ada())


@pytest.fixture
def addresses(ada: Client, tmp_path: Path) -> list[str]:
    """A champion with the starter's card, a worse challenger, an equal one that waits, and a canary."""
    now, mara = timezone.now(), cast.mara()
    gates.three_classes()
    golden = gates.a_golden_set(mara)
    champion = gates.registered(tmp_path, 0, origin=Origin.STARTER)
    spec = json.loads((settings.BASE_DIR / "ml/starter/spec.json").read_text())
    kept = {name: value for name, value in spec.items() if name not in ("probe", "classes")}
    ModelVersion.objects.filter(pk=champion.pk).update(spec={**kept, "classes": champion.spec["classes"]})
    changes.install(champion, mara, now)
    worse = gates.registered(tmp_path, 1, centres=(CENTRES[0], CENTRES[2], CENTRES[1]), parent=champion)
    gates.held(worse, mara)
    equal = gates.registered(tmp_path, 2)
    gates.held(equal, mara)
    a_line("loom-2", name="A line with a long name, as mills have them, that must wrap and not push")
    changes.promote(equal, mara, now, "fewer false alarms on the new warp")
    gone = gates.registered(tmp_path, 3)
    changes.reject(gone, mara, now, "slower than the line on loom 3")
    assert golden
    pages = [f"/models/{version}/" for version in (champion, worse, equal, gone)]
    return ["/models/", *pages, f"{pages[1]}gate/?truth=hole&said=cut&of=challenger", f"{pages[2]}gate/"]


@pytest.mark.parametrize(("theme", "width", "height"), VIEWS)
def test_every_page_of_the_registry_is_accessible_and_whole(
    opened: Open, ada: Client, addresses: list[str], complaints: list[str], theme: str, width: int, height: int
) -> None:
    page = opened("/", ada, color_scheme=theme, viewport={"width": width, "height": height})
    wrong = []
    for address in addresses:
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
        small = page.evaluate(
            """[...document.querySelectorAll('main .button, main select')].map(e => [e.textContent.trim(),
               e.getBoundingClientRect()]).filter(([, box]) => box.height && box.height < 46).map(([text]) => text)"""
        )
        wrong += [f"{address}: {text} is too small for a glove" for text in small]
    assert wrong == []
    assert unexpected(complaints) == []
