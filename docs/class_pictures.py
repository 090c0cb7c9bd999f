"""Draws the pictures beside the class definitions: `python docs/class_pictures.py`.

One small picture for each of the six starter classes, all on one cloth, cut close around the planted defect. The same
seeds give the same bytes, so the pictures change only where the drawing or Pillow's WebP does.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ml.fabric import CLASSES, Frame, Roll  # noqa: E402

FOLDER = ROOT / "inspections" / "static" / "inspections" / "classes"
ROLL = 8
FRAMES = {"color": 4, "cut": 5}  # which frame of the roll; else the first
SIZE, DRAWN, CLOSEST = 192, 512, 224  # pixels: of the picture, of the frame, of the closest cut
AROUND = 1.7  # of the defect's longer side
QUALITY = 80


def window(frame: Frame) -> tuple[int, int, int, int]:
    """Left, upper, right, lower: a square around the defect, inside the frame."""
    x, y, width, height = frame.box or (0, 0, DRAWN, DRAWN)
    side = min(DRAWN, max(CLOSEST, round(AROUND * max(width, height))))
    left = min(max(0, x + width // 2 - side // 2), DRAWN - side)
    upper = min(max(0, y + height // 2 - side // 2), DRAWN - side)
    return left, upper, left + side, upper + side


def picture(code: str) -> bytes:
    frame = Roll(ROLL, DRAWN).frame(FRAMES.get(code, 0), code)
    box = window(frame) if frame.box else (0, 0, DRAWN // 2, DRAWN // 2)
    image = Image.fromarray(frame.image).crop(box).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=6)
    return out.getvalue()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for code in CLASSES:
        data = picture(code)
        (FOLDER / f"{code}.webp").write_bytes(data)
        print(f"{code}.webp  {len(data)} bytes")


if __name__ == "__main__":
    main()
