"""The fonts of the reports, embedded: a mill's names need more letters than the PDF's own fonts have."""

import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import getFont, registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).parent / "fonts" / "dejavu-2.35"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
UNJOINED = ("ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO")  # the letters are there, their joining and order are not


@cache
def register() -> None:
    """Once a process: reading them takes a tenth of a second."""
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, str(FOLDER / f"{name}.ttf")))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def unprintable(text: str) -> bool:
    """True where the font lacks a letter, or the script is one whose letters must be joined or reversed."""
    return not (text.isascii() or all(map(_is_printable, text)))


@cache
def _is_printable(letter: str) -> bool:
    register()
    is_known = letter.isspace() or ord(letter) in getFont(REGULAR).face.charToGlyph
    return is_known and not _is_unjoined(letter)


def _is_unjoined(letter: str) -> bool:
    return ord(letter) > 0x58F and unicodedata.name(letter, "").startswith(UNJOINED)
