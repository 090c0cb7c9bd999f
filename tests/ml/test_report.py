from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml import report
from ml.cli import main
from ml.judged import Judged, figures
from ml.report_charts import curve
from ml.report_mistakes import Seen, worst
from tests.ml.bundles import tiny_bundle
from tests.ml.pictures import plain, with_hole
from tests.ml.test_judged import some


def page(judged: Judged, **more: str) -> str:
    return report.html("a model", {"Licence": "CC0", **more}, figures(judged, draws=50), judged, 0.4)


def told(html: str, name: str) -> float:
    found = re.search(rf'data-figure="{name}">.*?<data value="([^"]+)"', html)
    assert found, name
    return float(found[1])


def test_the_figures_of_the_page_are_those_of_the_json() -> None:
    judged = some()
    html, found = page(judged), figures(judged, draws=50)
    for name in ("accuracy", "macro_f1", "auroc", "average_precision", "ece", "brier", "escape_rate", "overkill"):
        assert told(html, name) == found[name]
        low, high = found["interval"][name]
        assert f"{low:.3f} to {high:.3f}" in html
    for part in found["per_class"].values():
        assert f'<data value="{part["f1"]!r}">' in html


def test_names_from_outside_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    judged = some()
    classes = ("good", evil, "hole & $title")
    renamed = dict(zip(judged.classes, classes, strict=True))
    spoilt = replace(
        judged,
        classes=classes,
        truth=[renamed[name] for name in judged.truth],
        said=[renamed[name] for name in judged.said],
        groups=[f"{evil}{group}" for group in judged.groups],
        names=[f"{evil}.png"] * len(judged.names),
    )
    html = page(spoilt, Manifest=evil)
    assert "<script" not in html and "&lt;script&gt;" in html and "hole &amp; $title" in html


def test_the_page_asks_nothing_of_anyone() -> None:
    html = page(some())
    assert not re.search(r"<(script|link|iframe)|@import|url\(|(src|href)=\"(?!data:)", html)
    assert "default-src 'none'" in html and "prefers-color-scheme: dark" in html


def test_a_model_without_numbers_is_reported_as_such() -> None:
    judged = some(30)
    silent = replace(
        judged, said=["unknown"] * 30, flagged=np.ones(30, dtype=bool), probabilities=np.full((30, 3), np.nan)
    )
    html = page(silent)
    assert "answered none of them in numbers" in html and "no numbers" in html and told(html, "unknown_rate") == 1


def test_a_model_without_good_has_no_curves_of_good_against_defect() -> None:
    html = page(some(classes=("crazing", "patches", "scratches")))
    assert "ROC" not in html and "Reliability" in html and "good flagged" not in html


def test_a_class_without_images_is_shown_with_none() -> None:
    judged = some()
    wider = replace(
        judged, classes=(*judged.classes, "thread"), probabilities=np.hstack([judged.probabilities, np.zeros((300, 1))])
    )
    assert re.search(r"thread</th>(<td>none </td>){3}<td>0</td>", page(wider))


def test_no_images_make_a_page_that_says_so() -> None:
    html = page(Judged(("good", "hole"), [], [], np.zeros(0, dtype=bool), np.empty((0, 2)), []))
    assert "No images whose class the model knows" in html


def test_a_perfect_model_has_no_mistakes() -> None:
    judged = some()
    assert "every answer was right" in page(replace(judged, said=judged.truth))


def test_the_worst_mistakes_come_first_and_few_of_a_source() -> None:
    judged = some(skill=0.2)
    rows = worst(judged)
    chances = [judged.probabilities[row, judged.targets[row]] for row in rows]
    assert len(rows) == 24 and chances == sorted(chances)
    assert all(judged.truth[row] != judged.said[row] for row in rows)
    sources = [judged.groups[row] for row in rows]
    assert max(sources.count(name) for name in sources) <= 3


def test_each_mistake_is_shown_plain_and_with_its_heat() -> None:
    judged = some(40, skill=0.2)
    heat = np.zeros((8, 8), dtype=np.uint8)
    heat[2:4] = 255

    def look(row: int) -> Seen:
        return Seen(np.full((64, 48, 1), 90, dtype=np.uint8), heat)

    html = report.html("a model", {}, figures(judged, draws=0), judged, 0.4, look)
    assert html.count("data:image/png;base64,") == 2 * len(worst(judged))


def test_the_roc_curve_holds_the_area_that_is_told() -> None:
    judged = some()
    points = curve(judged.positive, judged.score)
    alarms, hits = np.append(0, points[:, 0]), np.append(0, points[:, 1])
    assert np.trapezoid(hits, alarms) == pytest.approx(figures(judged, draws=0)["auroc"])
    assert points[-1, 2] == pytest.approx(judged.positive.mean())


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    pictures = {"good-1": plain(), "good-2": with_hole(), "hole-1": with_hole(), "hole-2": plain(), "steel-1": plain(0)}
    for name, data in pictures.items():
        (tmp_path / f"{name}.png").write_bytes(data)
    lines = [f"{name}.png,{name.split('-')[0]},{name}" for name in pictures]
    (tmp_path / "m.csv").write_text("path,label,source\n" + "\n".join(lines))
    return tmp_path / "m.csv"


def test_evaluate_writes_both_and_they_agree(labelled: Path) -> None:
    folder = labelled.parent
    words = ["evaluate", str(tiny_bundle(folder / "tiny")), "--manifest", str(labelled), "--as-unknown"]
    assert main([*words, "--json", str(folder / "f.json"), "--html", str(folder / "f.html")]) == 0
    found, html = json.loads((folder / "f.json").read_text()), (folder / "f.html").read_text()
    assert found["accuracy"] == told(html, "accuracy") == 0.5
    assert found["images"] == 4 and found["side"] == "all" and found["as_unknown"]["images"] == 1
    assert html.count("data:image/png") == 4 and str(folder) not in html


def test_what_should_be_unknown_is_counted_apart(labelled: Path) -> None:
    from ml.bundle import Quality

    folder = labelled.parent
    careful = tiny_bundle(folder / "tiny", quality=Quality(dark=20, bright=256, blurred=-1))
    words = ["evaluate", str(careful), "--manifest", str(labelled), "--json", str(folder / "f.json")]
    for asked, expected in ((["--as-unknown"], 1.0), (["--as-unknown", "steel,hole"], 1 / 3)):
        assert main([*words, *asked]) == 0
        assert json.loads((folder / "f.json").read_text())["unknown_recall"] == pytest.approx(expected)
    assert main([*words, "--as-unknown", "all"]) == 0
    everything = json.loads((folder / "f.json").read_text())
    assert everything["images"] == 0 and everything["accuracy"] is None
    assert everything["as_unknown"]["by_label"]["steel"] == 1


def test_a_foreign_class_is_refused_unless_it_should_be_unknown(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tiny_bundle(labelled.parent / "tiny")), "--manifest", str(labelled)]
    assert main(words) == 2
    assert "no class steel" in capsys.readouterr().err
