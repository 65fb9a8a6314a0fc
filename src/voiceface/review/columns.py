"""Columns of the manifest in memory: each gives a value, a mask for a filter, and keys to sort by.

Numbers are arrays, repeated text is codes, digests are bytes: a million samples take 300 MB.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.errors import VoicefaceError

_MANY = 1000  # looked up at once: it takes as long as to look up so many one by one


class Column(Protocol):
    """What filters and sorting need of a column."""

    @property
    def kind(self) -> str:
        """number, text, name, time, flags or truth: tells which operators it takes."""

    def value(self, row: int) -> Any:
        """The row's value as JSON has it; None when it is not known."""

    def mask(self, operator: str, value: str) -> np.ndarray:
        """Which rows a filter lets through: bool (rows,).

        Raises:
            VoicefaceError: the column does not take that operator or value.
        """

    def keys(self) -> np.ndarray:
        """Numbers (rows,) in the order of the values; NaN, or the highest, where not known."""


class Numbers:
    """Numbers; NaN is not known."""

    kind = "number"

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def value(self, row: int) -> float | int | None:
        value = self._values[row].item()
        if isinstance(value, int):
            return value
        return None if math.isnan(value) else round(value, 6)

    def mask(self, operator: str, value: str) -> np.ndarray:
        if value == "" and operator in ("=", "!="):
            return np.isnan(self._values) == (operator == "=")
        try:
            number: Any = float(value)
        except ValueError:
            raise VoicefaceError(f"filter: {value!r} is no number") from None
        if self._values.dtype == np.float32:
            number = np.float32(number)  # 0.1 is to be the stored 0.1
        return _compare(self._values, operator, number) & ~np.isnan(self._values)

    def keys(self) -> np.ndarray:
        return self._values


class Texts:
    """Text that repeats: codes into a list of values; -1 is not known."""

    kind = "text"

    def __init__(self, codes: np.ndarray, values: list[str]) -> None:
        self.codes = codes
        self.values = values

    def value(self, row: int) -> str | None:
        code = self.codes[row]
        return None if code < 0 else self.values[code]

    def mask(self, operator: str, value: str) -> np.ndarray:
        wanted = _text_test(operator, value)
        # The last entry is that of the code -1.
        hits = np.array([*(wanted(text) for text in self.values), wanted("")], bool)
        return hits[self.codes]

    def keys(self) -> np.ndarray:
        ranks = np.full(len(self.values) + 1, len(self.values), np.int32)  # not known: the last
        order = sorted(range(len(self.values)), key=self.values.__getitem__)
        ranks[order] = np.arange(len(order), dtype=np.int32)
        return ranks[self.codes]


class Names:
    """Text that hardly repeats, kept as Arrow has it."""

    kind = "name"

    def __init__(self, values: pa.Array) -> None:
        self.values = values

    @cached_property
    def order(self) -> np.ndarray:
        """The rows in the order of their text."""
        return pc.sort_indices(self.values).to_numpy().astype(np.int32)

    def row_of(self, text: str) -> int | None:
        """A row with this text; None when there is none."""
        place = bisect_left(self.order, text, key=self.value)
        row = int(self.order[place]) if place < len(self.order) else -1
        return row if row >= 0 and self.value(row) == text else None

    def rows_of(self, texts: list[str]) -> list[int | None]:
        """The row of each text, as `row_of`."""
        if len(texts) < _MANY:
            return [self.row_of(text) for text in texts]
        rows: list[int | None] = pc.index_in(pa.array(texts), self.values).to_pylist()
        return rows

    def value(self, row: int) -> str:
        return self.values[row].as_py()

    def mask(self, operator: str, value: str) -> np.ndarray:
        find = {"=": pc.equal, "~": pc.match_substring}.get(operator.replace("!=", "=")[-1:])
        if find is None or operator not in ("=", "!=", "~", "!~"):
            raise VoicefaceError(f"filter: text is not compared by {operator!r}")
        hits = pc.fill_null(find(self.values, value), False)
        found = hits.to_numpy(zero_copy_only=False).astype(bool)
        return ~found if operator.startswith("!") else found

    def keys(self) -> np.ndarray:
        ranks = np.empty(len(self.order), np.int32)
        ranks[self.order] = np.arange(len(ranks), dtype=np.int32)
        return ranks


class Times:
    """Moments, µs since 1970; NaN is none."""

    kind = "time"

    def __init__(self, values: np.ndarray) -> None:
        self._values = values  # float64 (rows,)

    def value(self, row: int) -> str | None:
        value = float(self._values[row])
        if math.isnan(value):
            return None
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        return moment.isoformat(timespec="seconds")

    def mask(self, operator: str, value: str) -> np.ndarray:
        if value == "" and operator in ("=", "!="):
            return np.isnan(self._values) == (operator == "=")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise VoicefaceError(f"filter: {value!r} is no time as in 2026-11-20T09:30") from None
        bound = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1e6
        return _compare(self._values, operator, bound) & ~np.isnan(self._values)

    def keys(self) -> np.ndarray:
        return self._values


class Digests:
    """SHA-256 digests; all zero is not known."""

    kind = "name"

    def __init__(self, values: np.ndarray) -> None:
        self.values = values  # uint8 (rows, 32)

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self._first(slice(None)), kind="stable").astype(np.int32)

    def row_of(self, digest: str) -> int | None:
        """A row with this digest; None when there is none."""
        try:
            wanted = np.frombuffer(bytes.fromhex(digest), np.uint8)
        except ValueError:
            return None
        if len(wanted) != 32 or not wanted.any():
            return None
        first = int.from_bytes(wanted[:8].tobytes(), "big")
        place = bisect_left(self._order, first, key=lambda row: int(self._first(row)))
        while place < len(self._order) and self._first(self._order[place]) == first:
            row = int(self._order[place])
            if (self.values[row] == wanted).all():
                return row
            place += 1
        return None

    def _first(self, rows: Any) -> Any:
        """The first 64 bits of a row's digest, or of all."""
        return np.ascontiguousarray(self.values[rows, :8]).view(">u8")[..., 0]

    def value(self, row: int) -> str | None:
        digest = self.values[row]
        return digest.tobytes().hex() if digest.any() else None

    def mask(self, operator: str, value: str) -> np.ndarray:
        if operator not in ("=", "!=", "~", "!~"):
            raise VoicefaceError(f"filter: a digest is not compared by {operator!r}")
        known = np.asarray(self.values.any(axis=1))
        found = self._starts_with(value.lower()) if value else ~known
        return ~found if operator.startswith("!") else found

    def keys(self) -> np.ndarray:
        # The first 52 bits order them well enough, and are whole in a double.
        first = self._first(slice(None)).astype(np.uint64) >> np.uint64(12)
        return np.where(self.values.any(axis=1), first.astype(np.float64), np.nan)

    def _starts_with(self, text: str) -> np.ndarray:
        try:
            whole = np.frombuffer(bytes.fromhex(text[: len(text) // 2 * 2]), np.uint8)
            half = int(text[-1], 16) if len(text) % 2 else None
        except ValueError:
            raise VoicefaceError(f"filter: {text!r} is no hex digest") from None
        if len(text) > 64:
            return np.zeros(len(self.values), bool)
        found = (self.values[:, : len(whole)] == whole).all(axis=1)
        if half is not None:
            found &= self.values[:, len(whole)] >> 4 == half
        return found


class Flags:
    """A set of flags in each row, as bits; the worst flag is the lowest bit."""

    kind = "flags"

    def __init__(self, bits: np.ndarray, names: list[str]) -> None:
        self.bits = bits  # uint64 (rows,)
        self.names = names

    def value(self, row: int) -> list[str]:
        bits = int(self.bits[row])
        return [name for place, name in enumerate(self.names) if bits >> place & 1]

    def mask(self, operator: str, value: str) -> np.ndarray:
        if operator not in ("=", "!="):
            raise VoicefaceError(f"filter: flags are not compared by {operator!r}")
        if value == "":
            found = self.bits == 0
        elif value in self.names:
            found = (self.bits >> np.uint64(self.names.index(value))) & np.uint64(1) == 1
        else:
            found = np.zeros(len(self.bits), bool)
        return ~found if operator == "!=" else found

    def keys(self) -> np.ndarray:
        return np.bitwise_count(self.bits)

    def first(self) -> np.ndarray:
        """Place of each row's worst flag in `names`; -1 without a flag."""
        lowest = self.bits & (~self.bits + np.uint64(1))
        places = np.bitwise_count(lowest - np.uint64(1)).astype(np.int16)
        return np.where(self.bits > 0, places, -1)


class Truths:
    """Yes or no."""

    kind = "truth"

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def value(self, row: int) -> bool:
        return bool(self.values[row])

    def mask(self, operator: str, value: str) -> np.ndarray:
        if operator not in ("=", "!=") or value not in ("yes", "no"):
            raise VoicefaceError(f"filter: must be yes or no, not {operator}{value}")
        return self.values == ((value == "yes") == (operator == "="))

    def keys(self) -> np.ndarray:
        return self.values


def _compare(values: np.ndarray, operator: str, bound: Any) -> np.ndarray:
    tests: dict[str, Callable[[Any, Any], Any]] = {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "=": np.equal,
        "!=": np.not_equal,
    }
    if operator not in tests:
        raise VoicefaceError(f"filter: numbers are not compared by {operator!r}")
    return tests[operator](values, bound)


def _text_test(operator: str, value: str) -> Callable[[str], bool]:
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda text: text == value,
        "!=": lambda text: text != value,
        "~": lambda text: value.lower() in text.lower(),
        "!~": lambda text: value.lower() not in text.lower(),
    }
    if operator not in tests:
        raise VoicefaceError(f"filter: text is not compared by {operator!r}")
    return tests[operator]
