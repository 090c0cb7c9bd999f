from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle import Quality
from ml.inspector import Inspector, Item, Judgement, Undecodable
from tests.ml.bundles import CLASSES, WIDTH, tiny_bundle
from tests.ml.pictures import encode, plain, ramp, with_hole


def judge(inspector: Inspector, data: bytes, **options: object) -> Judgement:
    answer = inspector.judge([Item(data, **options)])[0]  # type: ignore[arg-type]
    assert isinstance(answer, Judgement)
    return answer


def test_even_grey_is_good_and_not_flagged(inspector: Inspector) -> None:
    found = judge(inspector, plain())
    assert (found.label, found.flagged, found.warnings) == ("good", False, ())
    assert found.anomaly_score is not None and found.probabilities is not None
    assert found.anomaly_score == pytest.approx(1 - found.probabilities["good"])
    assert found.embedding.dtype == np.float16 and found.embedding.shape == (WIDTH,)


def test_a_hole_is_found_flagged_and_shown(inspector: Inspector) -> None:
    found = judge(inspector, with_hole(at=(16, 40), side=16))
    assert (found.label, found.flagged) == ("hole", True)
    assert found.confidence is not None and found.confidence > 0.9
    assert found.heatmap.shape == (8, 8) and found.heatmap.max() == 255
    assert np.argwhere(found.heatmap == 255).tolist() == [[5, 2], [5, 3], [6, 2], [6, 3]]


def test_a_bad_image_does_not_disturb_the_others(inspector: Inspector) -> None:
    items = [Item(with_hole()), Item(b"no image"), Item(plain()), Item(b""), Item(with_hole())]
    answers = inspector.judge(items)
    assert [type(answer) for answer in answers] == [Judgement, Undecodable, Judgement, Undecodable, Judgement]
    assert [a.label for a in answers if isinstance(a, Judgement)] == ["hole", "good", "hole"]


def test_nothing_asked_is_nothing_answered(inspector: Inspector) -> None:
    assert inspector.judge([]) == []
    assert isinstance(inspector.judge([Item(b"")])[0], Undecodable)


def test_a_batch_says_what_single_images_say(inspector: Inspector) -> None:
    images = [with_hole(side=4 + index % 14) for index in range(70)]
    together = inspector.judge([Item(image) for image in images])
    for image, answer in zip(images, together, strict=True):
        assert isinstance(answer, Judgement)
        assert judge(inspector, image).anomaly_score == pytest.approx(answer.anomaly_score, abs=1e-6)


def test_threads_that_share_it_get_the_answers_of_their_own_images(inspector: Inspector) -> None:
    alike = [[Item(with_hole(side=4 + 2 * index))] * (3 + index) for index in range(4)]
    alone = [[one.anomaly_score for one in _judged(inspector, items)] for items in alike]

    def again(items: list[Item]) -> list[list[float | None]]:
        return [[one.anomaly_score for one in _judged(inspector, items)] for _ in range(60)]

    with ThreadPoolExecutor(4) as pool:
        for wanted, found in zip(alone, pool.map(again, alike), strict=True):
            assert found == [pytest.approx(wanted, abs=1e-6)] * 60


def _judged(inspector: Inspector, items: list[Item]) -> list[Judgement]:
    answers = inspector.judge(items)
    assert all(isinstance(answer, Judgement) for answer in answers)
    return [answer for answer in answers if isinstance(answer, Judgement)]


def test_the_items_threshold_comes_before_the_bundles(inspector: Inspector) -> None:
    score = judge(inspector, plain()).anomaly_score
    assert score is not None
    assert judge(inspector, plain(), threshold=score).flagged
    assert not judge(inspector, plain(), threshold=float(np.nextafter(score, 1))).flagged
    assert not judge(inspector, plain(), threshold=0.9).flagged


def test_a_threshold_that_is_no_number_flags(inspector: Inspector) -> None:
    assert judge(inspector, plain(), threshold=float("nan")).flagged


def test_expected_shares_move_the_probabilities(inspector: Inspector) -> None:
    shares = dict.fromkeys(CLASSES, 0.004) | {"good": 0.98}
    before, after = judge(inspector, with_hole(side=11)), judge(inspector, with_hole(side=11), shares=shares)
    assert before.probabilities and after.probabilities
    odds = [p.probabilities["hole"] / p.probabilities["good"] for p in (before, after)]  # type: ignore[index]
    assert odds[1] / odds[0] == pytest.approx(0.004 / 0.98, rel=1e-6)


def test_shares_of_other_classes_are_a_mistake(inspector: Inspector) -> None:
    with pytest.raises(ValueError, match="shares"):
        inspector.judge([Item(plain(), shares={"good": 1.0})])


def test_an_answer_that_is_no_number_is_unknown_and_flagged(tmp_path: Path) -> None:
    inspector = Inspector.load(tiny_bundle(tmp_path / "nan", nan_above=220), device="cpu")
    found = judge(inspector, plain(240), threshold=1.0)
    assert (found.label, found.flagged, found.warnings) == ("unknown", True, ("not-a-number",))
    assert (found.confidence, found.anomaly_score, found.probabilities) == (None, None, None)
    assert found.heatmap.shape == (8, 8)
    assert judge(inspector, plain(128)).label == "good"


def test_unfamiliar_cloth_is_unknown_whatever_the_softmax_says(tmp_path: Path) -> None:
    inspector = Inspector.load(tiny_bundle(tmp_path / "near", unknown_limit=1e-6), device="cpu")
    found = judge(inspector, plain(), threshold=1.0)
    assert (found.label, found.flagged, found.warnings) == ("unknown", True, ("unfamiliar",))
    assert found.probabilities is not None and found.probabilities["good"] > 0.9


@pytest.mark.parametrize(
    ("level", "warning"), [(0, "dark"), (255, "bright"), (128, "blurred")], ids=["black", "white", "even grey"]
)
def test_what_cannot_be_judged_is_unknown(tmp_path: Path, level: int, warning: str) -> None:
    limits = Quality(dark=20, bright=240, blurred=5)
    inspector = Inspector.load(tiny_bundle(tmp_path / "strict", quality=limits), device="cpu")
    found = judge(inspector, plain(level), threshold=1.0)
    assert found.label == "unknown" and found.flagged and warning in found.warnings
    assert found.brightness == level and found.focus == 0


def test_a_large_image_is_resized_where_the_bundle_says_so(inspector: Inspector) -> None:
    found = judge(inspector, with_hole(size=(640, 480), at=(160, 120), side=160))
    assert found.label == "hole" and found.tiles is None and found.heatmap.shape == (8, 8)


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = tmp_path_factory.mktemp("tiled") / "bundle"
    return Inspector.load(tiny_bundle(folder, large="tiles", max_tiles=40), device="cpu")


def test_the_worst_tile_decides_and_its_place_is_told(tiled: Inspector) -> None:
    found = judge(tiled, with_hole(size=(320, 256), at=(200, 140), side=16))
    assert found.label == "hole" and found.tiles is not None
    assert (found.tiles.rows, found.tiles.cols, found.tiles.judged, found.tiles.left_out) == (4, 5, 20, 0)
    assert found.tiles.worst == (192, 128, 64, 64)
    assert found.heatmap.shape == (32, 40)
    y, x = np.unravel_index(found.heatmap.argmax(), found.heatmap.shape)
    assert (140 // 8 <= y <= 156 // 8) and (200 // 8 <= x <= 216 // 8)


def test_tiles_are_bounded_and_what_was_left_out_is_told(tiled: Inspector) -> None:
    found = judge(tiled, plain(size=(64 * 64, 256)))
    assert found.tiles is not None and found.tiles.judged <= 40
    assert found.tiles.left_out == pytest.approx(1 - found.tiles.judged / 256, abs=0.01)
    assert found.warnings == ("tiles-left-out",) and found.label == "good"


def test_an_image_of_one_tile_is_one_tile(tiled: Inspector) -> None:
    assert judge(tiled, with_hole()).label == "hole"
    assert judge(tiled, plain(size=(30, 50))).label == "good"


def test_a_turned_image_is_judged_upright(inspector: Inspector) -> None:
    image = Image.open(io.BytesIO(with_hole(at=(0, 0), side=16)))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise: the top left corner is shown at the top right
    found = judge(inspector, encode(image, "PNG", exif=exif))
    assert np.argwhere(found.heatmap == 255).tolist() == [[0, 6], [0, 7], [1, 6], [1, 7]]


def test_a_grey_bundle_judges_colour_and_deep_grey(tmp_path: Path) -> None:
    inspector = Inspector.load(tiny_bundle(tmp_path / "grey", channels=1), device="cpu")
    deep = np.full((64, 64), 33000, dtype=np.uint16)
    deep[:24, :24] = 900
    assert judge(inspector, encode(Image.fromarray(deep))).label == "hole"
    assert judge(inspector, encode(ramp(64, 64))).label in CLASSES
