"""What comes out of a printer: every chart, for white paper whatever the theme, and nothing to be pressed."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_plots import PLOTS, drawn
from tests.cast import signed_in
from tests.judged import a_version, judged
from tests.plotted import HOUR, NIGHT, PAGE, a_night

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
WHITE = 240
PRESSED = ("Sign out", "Audit log", "Chart and baseline", "Sound is", "As a table", "Earlier", "All lines")


@pytest.fixture
def night(transactional_db: None) -> None:
    a_version()
    camera = a_night()
    for number in range(3):
        judged(camera, "cut", 0.9, NIGHT + number * HOUR + timedelta(minutes=30), offset_mm=50.0 + 400 * number)


@pytest.mark.parametrize("size", [(768, 1024), (1280, 800)])
def test_the_line_page_is_printed_for_white_paper(
    opened: Open, night: None, tmp_path: Path, size: tuple[int, int]
) -> None:
    width, height = size
    page = opened(PAGE, signed_in(cast.mara()), color_scheme="dark", viewport={"width": width, "height": height})
    for key in PLOTS:
        drawn(page, key)
    page.pdf(path=str(tmp_path / "page.pdf"), format="A4", print_background=True)
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        sheets = [(sheet.get_textpage().get_text_bounded(), sheet.render().to_pil().convert("L")) for sheet in document]
    text = "".join("".join(words.split()) for words, _picture in sheets)  # a printer sets letters, not spaces
    for words in ("Anomaly rate over time", "Where across the width", "Cameras", "What review says"):
        assert words.replace(" ", "") in text
    assert [words for words in PRESSED if words.replace(" ", "") in text] == []
    for _words, picture in sheets:
        levels = picture.histogram()
        assert sum(levels[WHITE:]) > 0.6 * sum(levels)
        assert picture.getpixel((2, picture.height - 2)) == 255


def test_the_heat_map_is_drawn_before_the_printer_takes_it(opened: Open, night: None, tmp_path: Path) -> None:
    """What a chart draws in later frames never reaches the paper."""
    page = opened(PAGE, signed_in(cast.mara()), color_scheme="dark", viewport={"width": 768, "height": 1024})
    drawn(page, "width")
    others = "part => part.querySelector('#plot-width') || part.remove()"
    page.evaluate(f"document.querySelectorAll('.line-page > *').forEach({others})")
    page.pdf(path=str(tmp_path / "heat.pdf"), format="A4", print_background=True)
    with pypdfium2.PdfDocument(tmp_path / "heat.pdf") as document:
        red, green, blue = np.moveaxis(np.asarray(document[0].render().to_pil().convert("RGB")), 2, 0)
    hot = (red > 150) & (green < 130) & (blue < 60)
    assert hot.mean() > 0.006, "three cells: the scale beside them has less"
