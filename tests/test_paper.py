"""A report's sheet: tables that go over pages, words too long for their place, figures that stand under each other."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pypdfium2
import pytest

from inspections.paper.drawings import Dot, RateChart, Scene
from inspections.paper.sheet import Sheet

HEAD = ("Line", "Judged")
MANY = 150


def pages_of(*parts: object, write: str = "") -> list[pypdfium2.PdfTextPage]:
    sheet = Sheet("Selvedge", "page %(page)d of %(pages)d")
    sheet.add(*parts)
    if write:
        sheet.write(write)
    document = pypdfium2.PdfDocument(sheet.pdf("A sheet", "Mara"))
    return [document[number].get_textpage() for number in range(len(document))]


def a_table(rows: list[list[str]]) -> object:
    return Sheet("", "").table(HEAD, rows, (80, 20))


def test_a_table_goes_on_over_pages_with_its_head_and_loses_no_row() -> None:
    texts = [page.get_text_range() for page in pages_of(a_table([[f"row-{n}.", str(n)] for n in range(MANY)]))]
    assert len(texts) > 1
    assert all(text.startswith("Line") and "Judged" in text for text in texts)
    found = [[number for number in range(MANY) if f"row-{number}." in text] for text in texts]
    assert [number for some in found for number in some] == list(range(MANY))
    assert all(some for some in found)


def test_words_too_long_for_their_cell_are_broken_and_none_is_lost() -> None:
    long = " ".join(f"word{number}" for number in range(60))
    (page,) = pages_of(a_table([[long, "7"], ["short", "8"]]))
    text = page.get_text_range()
    assert " ".join(text.split()).count(long) == 1
    assert page.search("short").get_next() is not None


def test_words_longer_than_a_line_of_the_sheet_are_broken_and_short_ones_stand_on_one() -> None:
    long = " ".join(f"word{number}" for number in range(60))
    for words, lines in (("short words", 1), (long, 4)):
        (page,) = pages_of(write=words)
        assert words in " ".join(page.get_text_range().split())
        assert page.count_rects(0, len(words)) == pytest.approx(lines, abs=1)


def test_figures_end_at_the_same_edge() -> None:
    (page,) = pages_of(a_table([["a", "7"], ["b", "12 345"], ["c", "88"]]))
    edges = []
    for figures in ("7", "12 345", "88"):
        found = page.search(figures).get_next()
        assert found is not None
        edges.append(page.get_charbox(found[0] + found[1] - 1, loose=True)[2])
    assert all(one == pytest.approx(other, abs=0.3) for one, other in pairwise(edges))


def test_a_table_of_facts_has_no_head_and_its_names_stand_left_of_what_they_are() -> None:
    facts = Sheet("", "").facts([("Period", "last night"), ("Lines", "all")])
    (page,) = pages_of(facts)
    assert page.get_text_range().split()[:5] == ["Period", "last", "night", "Lines", "all"]


# --- a rate's chart -----------------------------------------------------------------------------------------------

SIX = datetime(2026, 11, 16, 6, tzinfo=UTC)
TEN = timedelta(minutes=10)


def blue(*dots: tuple[int, float | None], steps: int = 12) -> np.ndarray:
    """Which pixels of the sheet the line of these dots (tens of minutes, percent) paints."""
    made = [Dot(SIX + place * TEN, SIX + (place + 1) * TEN, value) for place, value in dots]
    sheet = Sheet("Selvedge", "page %(page)d of %(pages)d")
    sheet.add(RateChart(Scene(SIX, SIX + steps * TEN, made, (), ())))
    page = pypdfium2.PdfDocument(sheet.pdf("A sheet", "Mara"))[0]
    pixels = page.render(scale=2).to_numpy()[..., ::-1].astype(int)
    return np.asarray(pixels[..., 2] - pixels[..., 0] > 30)  # all else is nearly grey


def test_neighbours_are_joined_and_a_gap_stays_open() -> None:
    found = np.flatnonzero(blue((0, 4.0), (1, 4.0), (8, 4.0), (9, 4.0)).any(axis=0))
    widest = int(np.diff(found).max())
    assert widest / (found[-1] - found[0]) == pytest.approx(7 / 9, abs=0.05)  # of the nine steps from first to last
    assert (np.diff(found) > 1).sum() == 1


def test_a_dot_without_a_value_parts_the_line() -> None:
    found = np.flatnonzero(blue((0, 4.0), (1, 4.0), (2, None), (3, 4.0), (4, 4.0)).any(axis=0))
    assert (np.diff(found) > 1).sum() == 1


def test_a_peak_reaches_no_further_than_its_value() -> None:
    alone = np.flatnonzero(blue((5, 4.0), steps=36).any(axis=1))[0]
    peak = np.flatnonzero(blue((4, 0.0), (5, 4.0), (6, 0.0), steps=36).any(axis=1))[0]
    assert abs(int(peak) - int(alone)) <= 1


def test_nothing_is_drawn_where_nothing_has_a_value() -> None:
    assert not blue((0, None), (1, None)).any()
