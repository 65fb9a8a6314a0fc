"""Pictures of faces in rows, for logs and reports."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from voiceface import files

Row = tuple[str, np.ndarray]
"""A label, and faces: uint8 (n, px, px, 3)."""

_GUTTER = 86  # room for the labels
_GAP = 2


def sheet(rows: list[Row]) -> np.ndarray:
    """Rows of faces under each other, each with its label on the left: uint8 (h, w, 3)."""
    px = rows[0][1].shape[1]
    most = max(len(faces) for _, faces in rows)
    size = (_GUTTER + most * (px + _GAP), len(rows) * (px + _GAP))
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for line, (label, faces) in enumerate(rows):
        top = line * (px + _GAP)
        pen.text((4, top + px // 2 - 6), label, fill="black")
        for number, face in enumerate(faces):
            picture.paste(Image.fromarray(face), (_GUTTER + number * (px + _GAP), top))
    return np.asarray(picture)


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture (uint8, h × w × 3, RGB) as PNG, atomically."""
    files.write_bytes(path, png_of(picture))


def png_of(picture: np.ndarray) -> bytes:
    """A picture (uint8, h × w × 3, RGB) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()
