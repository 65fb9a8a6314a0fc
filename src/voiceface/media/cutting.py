"""Where to cut segments: as many as may be, but apart from where voice or picture change."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_AHEAD = 4  # segments that are planned, of which the first is cut
_APART_S = (0.6, 0.45, 0.3, 0.15)  # from a change, which is not told to the hundredth
_NEAR_COST = 0.05  # of lying at a change, as a share of a segment's worth
_MOST_COST = 0.9  # of lying across changes that may be nothing: some of a segment's worth is left


class Change(NamedTuple):
    """Where voice or picture change.

    Attributes:
        at: number of the frame.
        cost: what a segment across it loses of its worth, which is 1; infinite where none is cut.
    """

    at: int
    cost: float


class Cut(NamedTuple):
    """Where a segment begins, and between which changes that none is cut across it lies."""

    start: int
    before: float
    after: float


def shot_edges(changes: Sequence[int], length: int, frame_s: float) -> list[int]:
    """The changes of the picture at which shots begin or end that hold a segment, ascending.

    Where shots in turn are all too short (a speaker who cuts every breath out), cutting has to go
    across them.

    Args:
        changes: numbers of frames, ascending.
        length: of a segment, in frames.
        frame_s: length of a frame in seconds.
    """
    least = length + 2 * round(_APART_S[-1] / frame_s)
    holds = [True, *(after - before >= least for before, after in pairwise(changes)), True]
    return [at for number, at in enumerate(changes) if holds[number] or holds[number + 1]]


class Cutter:
    """Cuts a sound that comes in blocks; the result does not depend on the blocks.

    A segment is worth 1, less what the changes cost that it lies across. Those are chosen that are
    worth most together; where that is alike, they lie as far from changes, or else as early, as may
    be. All times are numbers of frames from the sound's start.
    """

    def __init__(self, length: int, frame_s: float) -> None:
        """Begin.

        Args:
            length: of a segment.
            frame_s: length of a frame in seconds.
        """
        self.next = 0
        """No later segment begins before."""
        self._length = length
        self._apart = [round(apart_s / frame_s) for apart_s in _APART_S]
        self._ahead = _AHEAD * length

    def cut(self, starts: Sequence[int], changes: Sequence[Change], known: float) -> Iterator[Cut]:
        """Yield where the segments lie, as far as that is certain.

        Args:
            starts: where one may begin, ascending, from `next` on, up to `known` at least.
            changes: where voice or picture change, ascending; from the last ones before `next` on.
            known: frame up to which both are known; infinite at the sound's end.
        """
        hard = [change.at for change in changes if math.isinf(change.cost)]
        while (at := bisect_left(starts, self.next)) < len(starts):
            end = starts[at] + self._ahead
            if end + self._length + self._apart[0] > known:
                return
            start = _Plan(starts, changes, self._length, self._apart, end).first(self.next)
            if start is None:
                self.next = end
                continue
            number = bisect_right(hard, start)
            before, after = [-math.inf, *hard, math.inf][number : number + 2]
            yield Cut(start, before, after)
            self.next = start + self._length


class _Plan:
    """The segments that are worth most, of those that begin before a frame."""

    def __init__(
        self,
        starts: Sequence[int],
        changes: Sequence[Change],
        length: int,
        apart: Sequence[int],
        end: int,
    ) -> None:
        self._starts, self._changes, self._end = starts, changes, end
        self._length, self._apart = length, apart
        self._best: dict[int, tuple[float, int | None]] = {}

    def first(self, since: int) -> int | None:
        """Where the first of them begins, if any does."""
        return self._from(since)[1]

    def _from(self, since: int) -> tuple[float, int | None]:
        """What those from a frame on are worth together, and where the first begins."""
        at = bisect_left(self._starts, since)
        if at == len(self._starts) or self._starts[at] >= self._end:
            return 0.0, None
        start = self._starts[at]
        if start not in self._best:
            near = self._near(start)
            best: tuple[float, int | None] = 0.0, None
            worth = self._worth(start, near)
            if worth > 0:
                best = worth + self._from(start + self._length)[0], start
            # Or later, from a change on.
            later = {change.at + apart for change in near for apart in self._apart}
            for other in sorted(one for one in later if one > start):
                best = max(best, self._from(other), key=lambda one: one[0])
            self._best[start] = best
        return self._best[start]

    def _near(self, start: int) -> Sequence[Change]:
        first, last = start - self._apart[0], start + self._length + self._apart[0]
        low = bisect_left(self._changes, first, key=lambda change: change.at)
        return self._changes[low : bisect_right(self._changes, last, key=lambda change: change.at)]

    def _worth(self, start: int, near: Sequence[Change]) -> float:
        across, beside = 0.0, 0.0
        for change in near:
            outside = max(start - change.at, change.at - start - self._length)
            if outside < self._apart[-1]:
                across += change.cost
            else:
                beside += min(change.cost, 1.0) * (1 - outside / self._apart[0]) ** 2
        if math.isinf(across):
            return 0.0
        return 1 - min(across, _MOST_COST) - _NEAR_COST * beside
