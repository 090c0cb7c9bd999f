"""The sheet's measures and colours. Grey is normal; colour means abnormal, and never alone."""

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

PAGE = A4
MARGIN, FOOT = 16 * mm, 10 * mm
WIDTH = PAGE[0] - 2 * MARGIN
INK, SOFT, HAIR, WASH, ALERT = (HexColor(one) for one in ("#18202b", "#525c6a", "#cfcbc2", "#f3f2ee", "#b84a00"))
BLUE, BAR = HexColor("#22407f"), HexColor("#8d97a5")
