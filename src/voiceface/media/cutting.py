"""Where to cut segments: as early as may be, but apart from where the voice changes."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_AHEAD_S = 2.0  # changes are looked for so much further than two segments reach
_APART_S = (0.6, 0.45, 0.3, 0.15)  # from a change, which is not told to the hundredth


class Cut(NamedTuple):
    """Where a segment begins, and the changes before and after it, as far as they matter."""

    start: int
    before: int
    after: int


class Cutter:
    """Cuts a sound that comes in blocks; the result does not depend on the blocks.

    What lies between two changes has one voice. A segment begins as early as may be; where a change
    is near, as many as fit between it and the one before are put as far apart from both as may be.
    All times are numbers of frames from the sound's start.
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
        self._ahead = 2 * length + round(_AHEAD_S / frame_s)
        self._apart = [round(apart_s / frame_s) for apart_s in _APART_S]

    def cut(self, starts: Sequence[int], changes: Sequence[int], known: float) -> Iterator[Cut]:
        """Yield where the segments lie, as far as that is certain.

        Args:
            starts: where one may begin, ascending, from `next` on, up to `known` at least.
            changes: where the voice changes, ascending; from the last one before `next` on.
            known: frame up to which both are known; infinite at the sound's end.
        """
        while (at := bisect_left(starts, self.next)) < len(starts):
            start = starts[at]
            if start + self._ahead > known:
                return
            number = bisect_right(changes, start)
            before = changes[number - 1] if number else -self._ahead
            after = changes[number] if number < len(changes) else start + self._ahead
            if after < start + self._ahead:
                for one in self._between(starts, max(before, self.next), before, after):
                    yield Cut(one, before, after)
                self.next = after
            elif start < before + self._apart[0]:
                self.next = before + self._apart[0]
            else:
                yield Cut(start, before, after)
                self.next = start + self._length

    def _between(self, starts: Sequence[int], first: int, before: int, after: int) -> list[int]:
        """As many as fit from `first` on, as far from both changes as may be."""
        found = [
            self._earliest(starts, max(first, before + apart), after - apart)
            for apart in self._apart
        ]
        return next(one for one in found if len(one) == len(found[-1]))

    def _earliest(self, starts: Sequence[int], first: int, end: int) -> list[int]:
        found: list[int] = []
        while (at := bisect_left(starts, first)) < len(starts):
            if starts[at] + self._length > end:
                break
            found.append(starts[at])
            first = starts[at] + self._length
        return found
