"""The line page over a period: its figures are what was planted, every one opens, and it costs the same for ever."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import charting, recount, tally
from inspections.counted import bounds_of, by_place, by_step, step_of, total, whole_hours
from inspections.models import (
    Alarm,
    AlarmRule,
    AuditEvent,
    Baseline,
    Camera,
    Capture,
    ChangeKind,
    ChangeState,
    Chart,
    Line,
    RuleKind,
    Shift,
    SlotCount,
    ThresholdChange,
    VersionChange,
)
from inspections.pages.plots import NO_TABLE, Plot
from inspections.rates import NOTHING, Tally
from tests import cast
from tests.audits import audited, said, volume
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import a_version, failed, judged, many_judged
from tests.plotted import DAY, HOUR, MINUTE, NIGHT, PAGE, a_night, good

pytestmark = pytest.mark.django_db
PERIOD = PAGE.partition("?")[2]


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


@pytest.fixture
def night() -> Camera:
    return a_night()


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


def spec(text: str, key: str) -> Any:
    found = re.search(rf'<script id="plot-data-{key}" type="application/json">(.*?)</script>', text, re.S)
    assert found, key
    return json.loads(found[1])


def table(text: str, key: str) -> list[list[str]]:
    """The rows of the table behind a plot, as words."""
    part = text.split(f'id="plot-table-{key}"')[1].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", part, re.S)
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        for row in rows[1:]
    ]


def figures(text: str) -> list[str]:
    part = text.split('class="line-figures"')[1].split("</dl>")[0]
    return [re.sub(r"<[^>]+>", "", one).strip() for one in re.findall(r"<dd>(.*?)</dd>", part, re.S)]


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def listed(client: Client, address: str) -> int:
    return text_of(client, address).count('id="c-')


# --- figures ------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_period(mara: Client, night: Camera) -> None:
    failed(night, at=NIGHT + HOUR)
    text = text_of(mara, PAGE)
    assert figures(text) == ["1.2 %", "58", "4,810", "58", "1"]


def test_a_period_within_an_hour_is_exact(mara: Client, night: Camera) -> None:
    text = text_of(mara, "/lines/loom-1/?from=2026-11-17T02:40&to=2026-11-17T02:50")
    assert figures(text)[:3] == ["5.7 %", "6", "105"]


def test_each_point_is_a_subgroup_and_opens_its_captures(mara: Client, night: Camera) -> None:
    spots = spec(text_of(mara, PAGE), "rate")["series"][0]["spots"]
    assert len(spots) == 48
    assert [round(spot["y"], 2) for spot in spots[26:31]] == [1.0, 1.0, 5.71, 5.71, 1.0]
    assert "Tue 17 Nov 02:40 – 02:50\n5.7 %, 6 of 105" in spots[28]["words"]
    assert listed(mara, spots[28]["url"]) == 6


def test_the_table_behind_the_chart_says_the_same(mara: Client, night: Camera) -> None:
    rows = table(text_of(mara, PAGE), "rate")
    assert len(rows) == 48
    assert ["Tue 17 Nov 02:40 – 02:50", "105", "6", "5.7 %", "–", "–"] in rows


def test_the_pareto_puts_the_most_frequent_first_and_adds_up(mara: Client, night: Camera) -> None:
    text = text_of(mara, PAGE)
    bars = spec(text, "pareto")["bars"]
    assert [(bar["name"], bar["count"], round(bar["share"], 1)) for bar in bars] == [
        ("Thread", 48, 82.8),
        ("Cut", 10, 100.0),
    ]
    assert "Thread leads with 48 of 58 anomalies." in text
    assert listed(mara, bars[1]["url"]) == 10


def test_what_is_of_no_class_stands_last_in_the_pareto_and_leads_nowhere(mara: Client) -> None:
    a_version()
    camera, now = a_camera(), timezone.now()
    many_judged(camera, 5, now, "good", 0.9)
    assert "All 5 anomalies were flagged, but are of no class." in text_of(mara, "/lines/loom-1/")
    assert "of no class" in text_of(mara, "/")
    many_judged(camera, 2, now, "cut", 0.9)
    many_judged(camera, 2, now, "hole", 0.9)
    page = text_of(mara, "/lines/loom-1/?compare=day")
    bars = [(bar["name"], bar["count"], round(bar["share"])) for bar in spec(page, "pareto")["bars"]]
    assert bars == [("Cut", 2, 22), ("Hole", 2, 44), ("Flagged, but no class", 5, 100)]
    assert "Cut leads with 2 of 9 anomalies; 5 were flagged, but are of no class." in page
    (row,) = mara.get("/").context["rows"]
    assert (row.leading, row.leading_count) == ("Cut", "2")


def test_a_class_has_its_colour_whatever_its_rank(mara: Client, night: Camera) -> None:
    trouble = "/lines/loom-1/?from=2026-11-17T02:40&to=2026-11-17T03:00"
    tones = []
    for address in (PAGE, trouble):
        text = text_of(mara, address)
        bars = spec(text, "pareto")["bars"]
        tones.append([(bar["name"], bar["tone"]) for bar in bars])
        assert tones[-1] == [(one["name"], one["tone"]) for one in spec(text, "classes")["series"]]
    assert [name for name, _tone in tones[0]] == ["Thread", "Cut"]
    assert tones[1] == tones[0][::-1]


def test_the_classes_of_a_step_add_up_to_its_rate(mara: Client, night: Camera) -> None:
    series = spec(text_of(mara, PAGE), "classes")["series"]
    assert [one["name"] for one in series] == ["Thread", "Cut"]
    at = next(place for place, spot in enumerate(series[1]["spots"]) if spot["y"])
    parts = [one["spots"][at]["y"] for one in series]
    assert round(sum(parts), 4) == round(100 * 13 / 310, 4)  # 02:30 to 03:00: three threads, ten cuts
    assert listed(mara, series[1]["spots"][at]["url"]) == 10


def test_a_class_in_the_address_charts_that_class(mara: Client, night: Camera) -> None:
    text = text_of(mara, f"{PAGE}&class=cut")
    assert "Cut over time" in text
    spots = spec(text, "rate")["series"][0]["spots"]
    assert [spot["y"] > 0 for spot in spots].count(True) == 2
    assert "class=cut" in spots[28]["url"]
    assert figures(text)[1] == "58"


def test_another_period_is_drawn_beside_at_its_own_place(mara: Client, night: Camera) -> None:
    many_judged(night, 100, NIGHT - DAY + HOUR)
    main, beside = spec(text_of(mara, f"{PAGE}&compare=day"), "rate")["series"]
    assert (main["beside"], beside["beside"]) == (False, True)
    assert len(beside["spots"]) == 1
    assert beside["spots"][0]["x"] == round((NIGHT + HOUR).timestamp() * 1000)
    assert "Sun 15 Nov 23:00" in beside["spots"][0]["words"]


def test_figures_pareto_and_cameras_stand_beside_those_of_the_period_compared_with(mara: Client, night: Camera) -> None:
    good(night, 150, [NIGHT - DAY + HOUR])
    many_judged(night, 50, NIGHT - DAY + HOUR, "cut", 0.9)
    text = text_of(mara, f"{PAGE}&compare=day")
    assert was(text) == [
        "before 25.0 %, change −23.79 points",
        "before 50, change +16 %",
        "before 200, change +2305 %",
        "before 50, change +16 %",
        "before 0, change –",
    ]
    assert table(text, "pareto") == [
        ["Thread", "48", "82.8 %", "82.8 %", "0", "–"],
        ["Cut", "10", "17.2 %", "100.0 %", "50", "−80 %"],
    ]
    assert [bar["before"] for bar in spec(text, "pareto")["bars"]] == [0, 50]
    cameras = " ".join(re.sub(r"<[^>]+>", " ", text.split('id="cameras"')[1].split("</table>")[0]).split())
    assert "4,800 48 1.0 % 25.0 % −24.00 points" in cameras
    assert was(text_of(mara, PAGE)) == []


def was(text: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", one).strip() for one in re.findall(r'<dd class="was">(.*?)</dd>', text, re.S)]


def test_a_class_that_has_gone_stays_in_the_pareto_with_what_it_was(mara: Client, night: Camera) -> None:
    many_judged(night, 5, NIGHT - DAY + HOUR, "metal_contamination", 0.9)
    assert table(text_of(mara, f"{PAGE}&compare=day"), "pareto")[-1][1:] == ["0", "0.0 %", "100.0 %", "5", "−100 %"]


def test_counts_of_a_period_that_is_not_as_long_change_as_if_it_were(mara: Client, night: Camera) -> None:
    many_judged(night, 10, NIGHT - 2 * DAY + MINUTE, "cut", 0.9)
    other = "compare-from=2026-11-14T22:00&compare-to=2026-11-15T00:00"  # a quarter of the night
    text = text_of(mara, f"{PAGE}&{other}")
    assert was(text)[1] == "before 10, change +45 %"  # 58 beside four times 10
    assert "The two periods are not equally long" in text


def test_another_shift_can_be_picked_to_compare_with(mara: Client, night: Camera) -> None:
    shift = Shift.objects.create(name="Night", starts="22:00", ends="06:00", days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    many_judged(night, 7, NIGHT - 3 * DAY + HOUR, "cut", 0.9)
    text = text_of(mara, f"{PAGE}&compare=shift-{shift.pk}-2026-11-13")
    assert was(text)[1] == "before 7, change +729 %"
    assert "compared with Night, Fri 13 Nov, 22:00 – 06:00" in text
    (beside,) = spec(text, "rate")["series"][1]["spots"]
    assert beside["x"] == round((NIGHT + HOUR).timestamp() * 1000)


def test_a_long_period_beside_a_short_one_is_drawn_as_far_as_the_short_one_reaches(mara: Client, night: Camera) -> None:
    many_judged(night, 4, NIGHT - 9 * DAY + HOUR)
    many_judged(night, 4, NIGHT - 8 * DAY + HOUR)
    text = text_of(mara, f"{PAGE}&compare-from=2026-11-07T22:00&compare-to=2026-11-12T22:00")
    assert len(spec(text, "rate")["series"][1]["spots"]) == 1
    week = "from=2026-11-13T00:00&to=2026-11-20T00:00&compare-from=2026-11-07T22:00&compare-to=2026-11-08T06:00"
    (hour,) = spec(text_of(mara, f"/lines/loom-1/?{week}"), "rate")["series"][1]["spots"]
    assert "Sat 7 Nov 23:00 – 00:00" in hour["words"]  # by the hours of the week that is shown


@pytest.mark.parametrize("kind", ["ewma", "cusum"])
def test_a_chart_with_a_memory_is_compared_by_its_statistic(mara: Client, night: Camera, kind: str) -> None:
    Chart.objects.create(line=night.line, kind=kind)
    Baseline.objects.create(
        line=night.line, kind=kind, subgroup_by="time", size=10, since=NIGHT - 9 * DAY, until=NIGHT - 8 * DAY,
        subgroups=144, judged=14_400, centre=0.01, confirmed_at=NIGHT - 7 * DAY,
    )  # fmt: skip
    many_judged(night, 100, NIGHT - DAY + HOUR, "cut", 0.9)
    data = spec(text_of(mara, f"{PAGE}&compare=day"), "rate")
    (beside,) = data["series"][1]["spots"]
    assert data["unit"] == "σ"
    assert beside["y"] > 1
    assert "standard deviations" in beside["words"]


# --- places and cameras -------------------------------------------------------------------------------------------


def test_the_heat_map_knows_place_and_hour(mara: Client) -> None:
    camera = a_camera()
    for number, label in enumerate(("cut", "cut", "good")):
        score = 0.9 if label == "cut" else 0.01
        judged(camera, label, score, NIGHT + number * MINUTE, offset_mm=1250.0)
    judged(camera, "good", 0.01, NIGHT + MINUTE, offset_mm=40.0)
    text = text_of(mara, PAGE)
    data = spec(text, "width")
    assert (data["rows"][0], data["rows"][-1]) == ("0 – 100", "1200 – 1300")
    cells = {(column, row): (value, url) for column, row, value, _words, url in data["cells"]}
    assert round(cells[0, 12][0], 1) == 66.7
    assert cells[0, 0][0] == 0
    assert listed(mara, cells[0, 12][1]) == 2
    assert "Most at 1200 – 1300 mm" in text


def test_months_show_a_heat_map_that_equals_a_recount(mara: Client) -> None:
    camera, start = a_camera(), datetime(2026, 9, 1, tzinfo=UTC)
    rows = [*many_judged(camera, 120, start, "hole", 0.9, 14 * HOUR), *many_judged(camera, 200, start, step=8 * HOUR)]
    for number, one in enumerate(rows):
        one.offset_mm = 50.0 + 100 * (number % 5)
    Capture.objects.bulk_update(rows, ["offset_mm"])
    for step in recount.steps([camera.line]):
        recount.rebuild(step)
    data = spec(text_of(mara, "/lines/loom-1/?from=2026-09-01T00:00&to=2026-11-10T00:00"), "width")
    seen = 0
    for _column, _row, value, _words, url in data["cells"]:
        asked = parse_qs(urlsplit(url).query)
        low, high = (float(edge) for edge in asked["place"][0].split("-"))
        since, until = (datetime.fromisoformat(asked[name][0]) for name in ("since", "until"))
        inside = [one for one in rows if since <= one.counted_at < until and low <= (one.offset_mm or 0) < high]
        assert value == pytest.approx(100 * sum(one.flagged for one in inside) / len(inside))
        seen += len(inside)
    assert seen == len(rows)


def test_captures_without_a_place_are_told(mara: Client, night: Camera) -> None:
    assert "No capture of this period says where on the width it lies" in text_of(mara, PAGE)
    judged(night, "cut", 0.9, NIGHT + MINUTE, offset_mm=5.0)
    assert "of the captures do not say where they lie." in text_of(mara, PAGE)


def test_cameras_stand_beside_each_other_with_their_intervals(mara: Client, night: Camera) -> None:
    text = text_of(mara, PAGE).split('id="cameras"')[1].split("</table>")[0]
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "4,800 48 1.0 %" in words
    assert "10 10 100.0 % 69.2 % – 100.0 %" in words  # Clopper and Pearson's 1 - 0.025 ** (1 / 10)
    url = re.search(r'id="camera-right" href="([^"]+)"', text)
    assert url
    assert listed(mara, unescape(url[1])) == 10


# --- limits, marks, shifts ----------------------------------------------------------------------------------------


def test_a_change_that_ends_the_limits_is_marked_however_many_alarms_came_after_it(mara: Client, night: Camera) -> None:
    line, olga = night.line, cast.olga()
    ThresholdChange.objects.create(line=line, at=NIGHT + HOUR, old=0.2, new=0.3, reason="fewer flags")
    rule = AlarmRule.objects.create(name="signals", kind=RuleKind.SIGNAL, made_at=NIGHT)
    for place in range(7):
        at = NIGHT + 2 * HOUR + place * 10 * MINUTE
        Alarm.objects.create(
            rule=rule, line=line, key=str(place), words="signals", since=at, raised_at=at, last_at=at,
            acknowledged_at=at + MINUTE, acknowledged_by=olga,
        )  # fmt: skip
    text = text_of(mara, PAGE)
    kinds = [mark["kind"] for mark in spec(text, "rate")["marks"]]
    assert (kinds[0], len(kinds)) == ("threshold", 12)
    assert "No more are marked" in text


def test_limits_signals_and_marks_stand_on_the_chart(mara: Client, night: Camera) -> None:
    line, olga = night.line, cast.olga()
    before = NIGHT - 2 * DAY
    good(night, 99, [before + 10 * MINUTE * ten for ten in range(36)])
    many_judged(night, 36, before, "thread", 0.9, step=10 * MINUTE)
    found = charting.confirm(
        charting.chart_of(line), before, before + 6 * HOUR, cast.ada(), "quiet", NIGHT - timedelta(hours=6)
    )
    assert isinstance(found, Baseline)
    ThresholdChange.objects.create(line=line, at=NIGHT + 7 * HOUR, old=0.2, new=0.3, reason="fewer flags")
    rule = AlarmRule.objects.create(name="signals", kind=RuleKind.SIGNAL, made_at=NIGHT)
    Alarm.objects.create(
        rule=rule, line=line, words="the chart signals", since=NIGHT, raised_at=NIGHT + 4 * HOUR, last_at=NIGHT,
        acknowledged_at=NIGHT + 5 * HOUR, acknowledged_by=olga, note="needle changed",
    )  # fmt: skip
    text = text_of(mara, PAGE)
    data = spec(text, "rate")
    hit = data["series"][0]["spots"][28]
    assert hit["signal"] == "above the upper limit"
    assert hit["centre"] == 1.0
    assert round(hit["upper"], 2) == round(100 * (0.01 + 3 * (0.01 * 0.99 / 105) ** 0.5), 2)
    assert "signal" not in data["series"][0]["spots"][10]
    assert "2 points signal, the first at Tue 17 Nov 02:40 – 02:50: above the upper limit." in text
    assert [mark["kind"] for mark in data["marks"]] == ["alarm", "alarm", "threshold"]
    assert [mark["number"] for mark in data["marks"]] == [1, 2, 3]
    assert re.findall(r'<span class="plot-number">(\d+)</span>', text) == ["3", "2", "1"]  # latest first
    assert [mark["words"] for mark in data["marks"][:2]] == [
        "Alarm: the chart signals",
        "Alarm seen by olga: needle changed",
    ]
    after_the_break = data["series"][0]["spots"][-1]
    assert "upper" not in after_the_break


def test_shifts_lie_behind_the_chart_cut_to_the_period(mara: Client, night: Camera) -> None:
    every = [1, 2, 3, 4, 5, 6, 7]
    Shift.objects.create(name="Night", starts="21:00", ends="05:00", days=every, zone="UTC")
    (found,) = spec(text_of(mara, PAGE), "rate")["stretches"]
    assert found["words"] == "Night"
    assert found["x"] == round(NIGHT.timestamp() * 1000)
    assert found["end"] == round((NIGHT + 7 * HOUR).timestamp() * 1000)


# --- model and review ---------------------------------------------------------------------------------------------


def test_model_and_threshold_in_force_are_named_with_their_source(mara: Client) -> None:
    a_version(spec={"classes": ["good"], "threshold": 0.25})
    line = a_line()
    text = text_of(mara, "/lines/loom-1/")
    assert "2026.11.1" in text
    assert "0.25" in text
    assert "the model’s" in text
    Line.objects.filter(pk=line.pk).update(threshold=0.4)
    assert "0.40 (the line’s own)" in text_of(mara, "/lines/loom-1/")


def test_of_a_period_that_is_not_over_the_page_says_what_judged_and_which_judges_now(mara: Client) -> None:
    line, now = a_line(), timezone.now()
    first, second = a_version("2026.11.1", is_default=False), a_version("2026.11.2")
    VersionChange.objects.create(
        kind=ChangeKind.PROMOTE, version=second, previous=first, state=ChangeState.ACTIVE, asked_at=now, decided_at=now,
    )  # fmt: skip
    text = words_of(text_of(mara, f"/lines/{line.slug}/"))
    assert "Model and threshold in force Model 2026.11.1 2026.11.2 the mill’s, now Threshold" in text


def test_the_latest_captures_of_a_period_that_is_over_are_its_own(mara: Client, night: Camera) -> None:
    old, new = judged(night, at=NIGHT + 7.9 * HOUR, data=a_png(1)), judged(night, at=timezone.now(), data=a_png(2))
    text = text_of(mara, PAGE)
    assert "Latest captures of this period" in text
    assert (f'id="l-{old.pk}"' in text, f'id="l-{new.pk}"' in text) == (True, False)
    assert f'id="l-{new.pk}"' in text_of(mara, "/lines/loom-1/")
    assert "Nothing was received in this period." in text_of(
        mara, "/lines/loom-1/?from=2026-01-02T06:00&to=2026-01-02T14:00"
    )


def test_escape_and_overkill_say_when_there_is_not_enough(mara: Client) -> None:
    a_line()
    text = text_of(mara, "/lines/loom-1/")
    assert text.count("not enough data") == 2
    assert "0 of at least 10 audits answered" in text


def test_escape_and_overkill_have_intervals_where_people_answered(mara: Client) -> None:
    camera, olga, now = a_camera(), cast.olga(), timezone.now()
    volume(camera.line, now - DAY, 4000, flagged=0)
    for number in range(12):
        audited(olga, camera, "hole" if number == 3 else "good", now - timedelta(days=2, hours=number), seed=number)
    for number in range(12):
        capture = judged(camera, "cut", 0.9, now - timedelta(days=1, minutes=number))
        said(olga, capture, "good" if number % 3 else "cut", now)
    text = text_of(mara, "/lines/loom-1/")
    assert "not enough data" not in text
    assert text.count("95 % between ") == 2


# --- empty, new and wrong -----------------------------------------------------------------------------------------


def test_a_new_line_says_what_is_missing_everywhere(mara: Client) -> None:
    a_line()
    text = text_of(mara, "/lines/loom-1/")
    assert text.count("Nothing was judged in this period.") == 4
    assert "Nothing received yet" in text
    assert "plot-data-" not in text


def test_a_period_without_anomalies_says_so(mara: Client) -> None:
    good(a_camera(), 30, [NIGHT + HOUR])
    text = text_of(mara, PAGE)
    assert text.count("No anomaly in this period.") == 2
    assert [spot["y"] for spot in spec(text, "rate")["series"][0]["spots"]] == [0.0]


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-11-17T06:00&to=2026-11-16T22:00",
        "from=1976-11-17T06:00&to=2026-11-16T22:00",
        "when=yesterday",
        "when=shift-7-2026-11-16",
        "compare=moon",
        "compare=shift-7-2026-11-16",
        "compare-from=2026-11-17T06:00&compare-to=2026-11-16T22:00",
        "compare-from=x",
        "class=wool",
        "class=good",
        "class=a%27%3B--",
        "from=x&to=y",
    ],
)
def test_a_damaged_address_is_told_and_shows_the_usual_period(mara: Client, night: Camera, query: str) -> None:
    text = text_of(mara, f"/lines/loom-1/?{query}", status=400)
    assert 'role="alert"' in text
    assert "hx-trigger" not in text
    assert "24 hours" in text


def test_an_unknown_line_is_404_whatever_the_period(mara: Client) -> None:
    text_of(mara, f"/lines/nowhere/?{PERIOD}", status=404)


# --- who sees what ------------------------------------------------------------------------------------------------


def test_files_are_offered_to_managers_alone_and_the_threshold_to_all(mara: Client, night: Camera) -> None:
    whole, theirs = text_of(mara, PAGE), text_of(signed_in(cast.olga()), PAGE)
    assert 'id="tool-threshold"' in whole
    assert 'id="tool-threshold"' in theirs
    for name in ("tool-csv", "tool-report", "tool-shift"):
        assert f'id="{name}"' in whole
        assert f'id="{name}"' not in theirs


def test_the_last_shift_of_this_line_is_one_press_away(mara: Client, night: Camera) -> None:
    found = re.search(r'id="tool-shift" href="([^"]+)"', text_of(mara, PAGE))
    assert found
    assert found[1] == "/reports/shift.pdf?line=loom-1"
    assert mara.get(found[1]).headers["Content-Type"] == "application/pdf"


def test_the_csv_is_of_the_same_period(mara: Client, night: Camera) -> None:
    found = re.search(r'id="tool-csv" href="([^"]+)"', text_of(mara, PAGE))
    assert found
    assert "from=2026-11-16T22%3A00" in unescape(found[1])


def test_every_table_is_a_file_with_the_filters_of_the_page(mara: Client, night: Camera) -> None:
    many_judged(night, 50, NIGHT - DAY + HOUR, "cut", 0.9)
    page = text_of(mara, f"{PAGE}&compare=day&class=cut")
    assert re.findall(r'id="table-csv-(\w+)"', page) == ["rate", "pareto", "classes", "cameras"]  # no place was said
    for key in ("rate", "pareto", "classes"):
        head, *found = rows(mara, page, key)
        shown = table(page, key)
        assert len(found) == len(shown) > 0
        assert [row[0] for row in found] == [row[0] for row in shown]
        assert len(head) == len(found[0]) == len(shown[0])
    assert rows(mara, page, "pareto")[2] == ["Cut", "10", "0.1724137931", "1", "50", "-0.8"]
    by_cut = next(row for row in rows(mara, page, "rate") if row[0] == "Tue 17 Nov 02:40 – 02:50")
    assert by_cut[1:4] == ["105", "5", f"{5 / 105:.10g}"]
    left = rows(mara, page, "cameras")[1]
    assert [left[1], left[2], left[3], left[6]] == ["4800", "48", "0.01", "1"]


def rows(client: Client, page: str, key: str) -> list[list[str]]:
    found = re.search(rf'id="table-csv-{key}" href="([^"]+)"', page)
    assert found
    response = client.get(unescape(found[1]))
    assert response.status_code == 200
    data = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(StringIO(data, newline="")))


def test_a_file_of_a_table_is_in_the_log_and_a_table_or_class_that_is_none_is_refused(
    mara: Client, night: Camera
) -> None:
    rows(mara, text_of(mara, f"{PAGE}&class=cut"), "rate")
    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.detail["rows"]) == ("export", "table loom-1-rate", 48)
    assert event.detail["filters"]["class"] == "cut"
    for query, status in (("rate.csv?class=wool", 400), ("rate.csv?compare=moon", 400), ("quality.csv", 404)):
        assert mara.get(f"/lines/loom-1/tables/{query}").status_code == status
    assert AuditEvent.objects.count() == 1


def test_the_report_is_of_the_class_that_is_charted(mara: Client, night: Camera) -> None:
    found = re.search(r'id="tool-report" href="([^"]+)"', text_of(mara, f"{PAGE}&class=cut"))
    assert found
    assert unescape(found[1]).endswith("&class=cut")


# --- long periods -------------------------------------------------------------------------------------------------


def test_a_week_is_drawn_by_hours_a_month_by_six_and_half_a_year_by_days(mara: Client, night: Camera) -> None:
    by_hours = text_of(mara, "/lines/loom-1/?from=2026-11-13T00:00&to=2026-11-20T00:00")
    assert "Points are hours, because the period is long" in by_hours
    spots = spec(by_hours, "rate")["series"][0]["spots"]
    assert [len(spots), sum("cut" in spot["words"] for spot in spots)] == [9, 0]
    by_six = spec(text_of(mara, "/lines/loom-1/?from=2026-11-01T00:00&to=2026-11-20T00:00"), "rate")
    sixes = [(round(spot["y"], 3), spot["words"].partition("\n")[0]) for spot in by_six["series"][0]["spots"]]
    assert sixes == [
        (round(100 * 62 / 1250, 3), "Mon 16 Nov 18:00 – 00:00"),
        (round(100 * 46 / 3610, 3), "Tue 17 Nov 00:00 – 06:00"),
    ]
    by_days = text_of(mara, "/lines/loom-1/?from=2026-06-01T00:00&to=2026-11-20T00:00")
    assert "Points are days, because the period is long" in by_days
    points = spec(by_days, "rate")["series"][0]["spots"]
    assert [round(spot["y"], 3) for spot in points] == [round(100 * 62 / 1250, 3), round(100 * 46 / 3610, 3)]


def test_hours_of_a_long_period_are_held_against_the_same_baseline(mara: Client, night: Camera) -> None:
    Baseline.objects.create(
        line=night.line, kind="p", subgroup_by="time", size=10, since=NIGHT - 9 * DAY, until=NIGHT - 8 * DAY,
        subgroups=144, judged=14_400, centre=0.01, confirmed_at=NIGHT - 7 * DAY,
    )  # fmt: skip
    spots = spec(text_of(mara, "/lines/loom-1/?from=2026-11-13T00:00&to=2026-11-20T00:00"), "rate")["series"][0][
        "spots"
    ]
    quiet, evening = spots[-1], spots[0]
    assert round(quiet["upper"], 3) == round(100 * (0.01 + 3 * (0.01 * 0.99 / 600) ** 0.5), 3)
    assert "signal" not in quiet
    assert evening["signal"] == "above the upper limit"


@pytest.mark.parametrize(("kind", "limits"), [("ewma", "± 0.77 σ"), ("cusum", "± 4.00 σ")])
def test_limits_of_a_chart_with_a_memory_are_told_in_standard_deviations(
    mara: Client, night: Camera, kind: str, limits: str
) -> None:
    Chart.objects.create(line=night.line, kind=kind, decision=4.0)
    Baseline.objects.create(
        line=night.line, kind=kind, subgroup_by="time", size=10, since=NIGHT - 9 * DAY, until=NIGHT - 8 * DAY,
        subgroups=144, judged=14_400, centre=0.01, confirmed_at=NIGHT - 7 * DAY,
    )  # fmt: skip
    text = text_of(mara, PAGE)
    told = [row[4] for row in table(text, "rate")]
    assert told[-1] == limits
    assert not any("%" in one for one in told)
    assert spec(text, "rate")["unit"] == "σ"


@pytest.mark.parametrize("kind", ["ewma", "cusum"])
def test_a_chart_with_a_memory_draws_rates_until_a_baseline_stands(mara: Client, night: Camera, kind: str) -> None:
    Chart.objects.create(line=night.line, kind=kind)
    text = text_of(mara, f"{PAGE}&compare=day")
    data = spec(text, "rate")
    assert data["unit"] == "%"
    assert [round(spot["y"], 1) for spot in data["series"][0]["spots"][:2]] == [1.0, 1.0]
    assert "No baseline stands, so there are no limits. Until one does, rates are drawn." in text


@pytest.mark.parametrize(
    "query", ["when=24h", "when=28d", "when=180d&compare=previous", "when=7d&class=hole", "when=8h&compare=week"]
)
def test_the_page_asks_the_same_however_much_there_is(mara: Client, query: str) -> None:
    camera, now = a_camera(), timezone.now()
    judged(camera, "hole", at=now)
    address = f"/lines/loom-1/?{query}"
    before = asked(mara, address)
    many_judged(camera, 300, now - timedelta(days=150), "hole", 0.9, step=timedelta(hours=12))
    many_judged(a_camera(slug="right"), 300, now - timedelta(days=20), step=timedelta(hours=1))
    assert asked(mara, address) == before


def asked(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        text_of(client, address)
    return len(found)


# --- steps of time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [HOUR, 8 * HOUR, DAY, 7 * DAY, 28 * DAY, 180 * DAY])
def test_a_period_is_told_in_some_steps_and_none_is_lost(length: timedelta) -> None:
    since = datetime(2026, 10, 20, 13, 35, tzinfo=UTC)
    bounds = bounds_of(since, since + length, step_of(length), timezone.get_current_timezone())
    assert (bounds[0], bounds[-1]) == (since, since + length)
    assert bounds == sorted(set(bounds))
    assert 8 <= len(bounds) <= 53


def test_days_are_local_where_the_clock_changes(settings: Any) -> None:
    with timezone.override("Europe/Berlin"):
        zone = timezone.get_current_timezone()
        since, until = datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 26, 23, tzinfo=UTC)
        days = bounds_of(since, until, DAY, zone)
    assert [after - before for before, after in zip(days, days[1:], strict=False)] == [DAY, DAY + HOUR, DAY]


@pytest.mark.parametrize("cut", [0, 35, 60])
def test_steps_count_everything_once(night: Camera, cut: int) -> None:
    since, until = NIGHT + cut * MINUTE, NIGHT + 8 * HOUR - cut * MINUTE
    zone = timezone.get_current_timezone()
    slots = SlotCount.objects.filter(line=night.line_id, slot__gte=since, slot__lt=until)
    every, anomalies = slots.aggregate(judged=Sum("judged"), anomalies=Sum("anomalies")).values()
    assert anomalies
    for step in (10 * MINUTE, HOUR, 6 * HOUR, DAY):
        counted = total(by_step(night.line_id, bounds_of(since, until, step, zone)))
        assert (counted.judged, counted.anomalies) == (every, anomalies)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu"])
def test_a_day_is_the_same_on_the_page_in_its_table_in_the_file_and_by_the_api(mara: Client, zone: str) -> None:
    """Also where the mill's midnight is no full hour of UTC."""
    with timezone.override(zone):
        midnight = timezone.make_aware(datetime(2026, 11, 15)).astimezone(UTC)
        line, camera = a_line().pk, a_camera().pk
        moments = [midnight + timedelta(seconds=40 * number) for number in range(-20, 40)]
        tally.add(tally.Counted(line, at, camera, "hole", flagged=True) for at in moments)
        query = "from=2026-11-01T00:00&to=2026-11-20T00:00"
        page = mara.get(f"/lines/loom-1/?{query}").context["classes"].table
        table = rows_of(mara, f"/lines/loom-1/tables/classes.csv?{query}")
        file = rows_of(mara, f"/lines/loom-1/rates.csv?{query}&by=day")
        ends = {"from": (midnight - 14 * DAY).isoformat(), "to": (midnight + 5 * DAY).isoformat()}
        told = mara.get("/api/v1/lines/loom-1/rates/", {"bucket": "day", **ends}).json()
    assert table[1:] == [["Sun 15 Nov", "40", "40"], ["Sat 14 Nov", "20", "20"]]
    assert [[cell.text for cell in row] for row in page.rows] == table[1:]
    assert {row[2]: row[5] for row in file[1:] if row[5] != "0"} == {"2026-11-14": "20", "2026-11-15": "40"}
    days = {one["day"]: one["anomalies"] for one in told["buckets"] if one["anomalies"]}
    assert days == {"2026-11-14": 20, "2026-11-15": 40}


def rows_of(client: Client, address: str) -> list[list[str]]:
    text = b"".join(client.get(address).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(StringIO(text)))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_weeks_count_every_place_once_whether_by_day_or_by_hour(zone: str) -> None:
    camera, until = a_camera(), datetime(2026, 11, 22, 14, tzinfo=UTC)
    moments = [until - 7 * HOUR * number - MINUTE for number in range(300)]
    tally.add(
        tally.Counted(camera.line_id, at, camera.pk, "hole", flagged=number % 3 == 0, offset_mm=100.0 * (number % 7))
        for number, at in enumerate(moments)
    )
    with timezone.override(zone):
        bounds = bounds_of(*whole_hours(moments[-1], until), step_of(100 * DAY), timezone.get_current_timezone(), HOUR)
    found = {(one.step, one.band): one.tally for one in by_place(camera.line_id, bounds)}
    for step, (since, end) in enumerate(pairwise(bounds)):
        for band in range(7):
            inside = [number for number, at in enumerate(moments) if since <= at < end and number % 7 == band]
            anomalies = sum(number % 3 == 0 for number in inside)
            assert found.get((step, band), NOTHING) == Tally(judged=len(inside), anomalies=anomalies)


def test_what_a_plot_says_cannot_end_its_script() -> None:
    named = "</script><script>alert(1)</script> & “≥”"
    plot = Plot("rate", named, "", "control", {"series": []}, NO_TABLE)
    inside = plot.script.removeprefix('<script id="plot-data-rate" type="application/json">').removesuffix("</script>")
    assert not set("<>&") & set(inside)
    assert json.loads(inside)["title"] == named
