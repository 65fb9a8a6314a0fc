"""Filters of the review page: each is a mask of rows, and the words that describe it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from voiceface.errors import VoicefaceError
from voiceface.review.columns import Column
from voiceface.review.words import COLUMNS, filter_words

_FORM = re.compile(r"([a-z0-9_]+)(<=|>=|!=|!~|<|>|=|~)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Filter:
    """A column, an operator and a value, as in `snr_db<12`."""

    column: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read `<column><operator><value>`; operators are < <= > >= = != ~ (contains) and !~.

        An empty value stands for "not known" (or, of flags, "none").

        Raises:
            VoicefaceError: it has another form, or there is no such column.
        """
        found = _FORM.fullmatch(text)
        if not found or found[1] not in COLUMNS:
            raise VoicefaceError(
                f"filter {text!r}: must be a column of the manifest, an operator and a value,"
                " as in snr_db<12"
            )
        return cls(found[1], found[2], found[3].strip())

    @property
    def words(self) -> str:
        """What it lets through."""
        return filter_words(self.column, self.operator, self.value)

    def mask(self, columns: Mapping[str, Column]) -> np.ndarray:
        """Which rows it lets through: bool (rows,).

        Raises:
            VoicefaceError: the column does not take that operator or value.
        """
        return columns[self.column].mask(self.operator, self.value)
