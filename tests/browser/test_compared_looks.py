"""Shadow, recall and lineage in a browser: accessible, whole, in both themes and sizes; a shadow is started by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from inspections.models import Camera, JobState, Origin, Roll, Side, SnapshotRow
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import SIZES, overflow, serious, unexpected
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import judged
from tests.second_looks import a_challenger, a_recall, compared, in_shadow
from tests.trainings import a_snapshot, a_training

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SHADOW = "/models/2026.11.2/shadow/"


@pytest.fixture
def addresses(camera: Camera) -> list[str]:
    """A shadow with disagreements, a recall that goes on and one that has ended, and a capture with a long lineage."""
    now, olga = timezone.now(), cast.olga()
    a_line("loom-2", name="A line with a long name, as mills have them, that must wrap and not push")
    snapshot, roll = a_snapshot(), Roll.objects.create(code="R-2026-0042")
    version = in_shadow()
    version.origin, version.snapshot = Origin.TRAINED, snapshot
    version.save()
    a_training(JobState.DONE, snapshot=snapshot, version=version, asked_by=olga)
    done, goes_on = (
        a_recall(version, state=state, done=2, total=4, dropped=1, rolls=[roll.code], asked_by=olga)
        for state in (JobState.DONE, JobState.RUNNING)
    )
    for number, (said, after) in enumerate((("hole", "good"), ("good", "metal_contamination"), ("cut", "hole"))):
        where = camera if number % 2 else a_camera("loom-2")
        score = 0.01 if said == "good" else 0.9
        capture = judged(where, said, score, now - timedelta(hours=number), data=a_png(number), roll=roll)
        for recall in (None, done):
            compared(capture, after, flagged=after != "good", version=version, recall=recall)
        if where == camera:
            label = decide(olga, capture, "cut", now).label  # type: ignore[union-attr]
            SnapshotRow.objects.create(
                snapshot=snapshot, capture=capture, label=label, defect_class=label.defect_class, source="roll",
                side=Side.TRAIN,
            )  # fmt: skip
            lineage = f"/captures/{capture.pk}/lineage/"
    a_challenger("2026.11.3")
    pages = [SHADOW, f"{SHADOW}?by=day&line=loom-1", f"{SHADOW}?line=nope", "/models/2026.11.3/shadow/", "/recalls/"]
    asked = f"/recalls/?version=2026.11.3&rolls={roll.code}"
    return [*pages, asked, "/recalls/?rolls=none", f"/recalls/{done.pk}/", f"/recalls/{goes_on.pk}/", lineage]


def test_every_page_is_accessible_and_whole(opened: Open, addresses: list[str], complaints: list[str]) -> None:
    mara = signed_in(cast.mara())
    wrong: list[str] = []
    for theme, size in (("light", "desktop"), ("dark", "tablet")):
        width, height = SIZES[size]
        page = opened("/recalls/", mara, color_scheme=theme, viewport={"width": width, "height": height})
        for address in addresses:
            page.goto(address)
            wrong += serious(page)
            if overflow(page) > 0:
                wrong.append(f"{address} is {overflow(page)} pixels too wide")
            low = page.locator("main .button:visible, main select:visible").evaluate_all(
                "all => all.filter(one => one.getBoundingClientRect().height < 48).map(one => one.outerHTML)"
            )
            wrong += [f"{address} is too low to touch: {one[:120]}" for one in low]
    assert not wrong, "\n".join(wrong)
    assert unexpected(complaints) == []


def test_a_shadow_is_started_and_what_it_says_appears_by_itself(opened: Open, camera: Camera) -> None:
    version = a_challenger()
    page = opened(SHADOW, signed_in(cast.mara()))
    page.get_by_label("Share of live captures").select_option("50")
    page.get_by_role("button", name="Start the shadow").click()
    expect(page.get_by_text("It judges 50 % of live captures")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing compared yet")).to_be_visible()
    compared(judged(camera, "hole"), "cut", version=version)
    expect(page.get_by_text("flagged by both")).to_be_visible()
    page.get_by_role("link", name="Review with the keys").click()
    expect(page).to_have_url("/queue/?order=disagree")
    version.refresh_from_db()
    assert version.shadow_share == 0.5
