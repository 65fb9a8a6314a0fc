"""The rows of the CSV files that people write."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from voiceface.errors import VoicefaceError


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not empty, each with the line on which it starts.

    Raises:
        VoicefaceError: the file is missing, or is no CSV in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file; make it, see docs/sources.md") from None
    except UnicodeDecodeError as error:
        raise VoicefaceError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None
    # newline="" keeps the line ends within quoted cells, as the csv module wants it.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise VoicefaceError(f"{path}: line {line}: not CSV: {error}") from None
