"""The fonts of the reports, embedded: a mill's names need more letters than the PDF's own fonts have."""

import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import getFont, registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).parent / "fonts" / "dejavu-2.35"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
FROM_THE_RIGHT = ("R", "AL")  # the letters may be there, their joining and their order are not


@cache
def register() -> None:
    """Once a process: reading them takes a tenth of a second."""
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, str(FOLDER / f"{name}.ttf")))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def lacks(text: str) -> bool:
    """True where the font lacks a letter: it stands as a box."""
    return not (text.isascii() or all(map(_is_known, text)))


def is_backward(text: str) -> bool:
    """True where the script is written from the right: its letters stand from left to right, each for itself."""
    return not text.isascii() and any(unicodedata.bidirectional(letter) in FROM_THE_RIGHT for letter in text)


@cache
def _is_known(letter: str) -> bool:
    register()
    return letter.isspace() or ord(letter) in getFont(REGULAR).face.charToGlyph
