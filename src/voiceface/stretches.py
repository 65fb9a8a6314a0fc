"""Bit-identical stretches of sound between two sets of clips, wherever each was cut."""

from collections.abc import Iterator

import numpy as np

from voiceface.media.rolling import block_hashes, rolling_hashes

LEAST_SAMPLES = 64
"""So long a stretch of true sound is in two recordings only when one was copied."""

_BLOCK = LEAST_SAMPLES // 2  # any stretch of LEAST_SAMPLES holds one whole aligned block
_LEAST_RANGE = 64  # of full-scale 65,535: a flatter block is near silence, which all clips share
_LEAST_VALUES = 8  # different ones: fewer are a click, a square wave or a fade
_SIEVE_BITS = 24


class StretchIndex:
    """The clips of one set, as hashes of their aligned blocks of 32 samples.

    The memory is half a byte per sample and the clips themselves are not kept: a match must be
    verified bit by bit by who can read them.
    """

    def __init__(self, clips: Iterator[tuple[int, int, np.ndarray]]) -> None:
        """Index the clips.

        Args:
            clips: number of the clip, place of its first sample, and int16 mono samples; a long
                clip may come in several parts.
        """
        hashes, owners, places = [], [], []
        for clip, first, pcm in clips:
            blocks = pcm[: pcm.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
            telling = np.flatnonzero(np.ptp(blocks.astype(np.int32), axis=1) >= _LEAST_RANGE)
            hashes.append(block_hashes(blocks[telling]))
            owners.append(np.full(len(telling), clip, np.int32))
            places.append(first + telling.astype(np.int64) * _BLOCK)
        joined = np.concatenate([np.zeros(0, np.uint64), *hashes])
        owner = np.concatenate([np.zeros(0, np.int32), *owners])
        place = np.concatenate([np.zeros(0, np.int64), *places])
        order = np.lexsort((place, owner, joined))
        # A tone repeats its blocks: one of each clip is enough.
        again = (np.diff(joined[order]) == 0) & (np.diff(owner[order]) == 0)
        order = order[np.concatenate([np.ones(min(len(order), 1), bool), ~again])]
        self._hashes, self._owners, self._places = joined[order], owner[order], place[order]
        self._dropped = np.zeros(int(owner.max(initial=-1)) + 1, bool)
        self._sieve = np.zeros(1 << _SIEVE_BITS, bool)
        self._sieve[self._hashes >> np.uint64(64 - _SIEVE_BITS)] = True

    def find(self, pcm: np.ndarray) -> Iterator[tuple[int, int, int]]:
        """Blocks of the indexed clips that lie anywhere in `pcm`, by hash: to be verified.

        Args:
            pcm: int16 mono samples.

        Yields: place in `pcm`, number of the indexed clip, place in it.
        """
        if pcm.size < _BLOCK:
            return
        hashes = rolling_hashes(pcm, _BLOCK)
        near = np.flatnonzero(self._sieve[hashes >> np.uint64(64 - _SIEVE_BITS)])
        low = np.searchsorted(self._hashes, hashes[near], side="left")
        high = np.searchsorted(self._hashes, hashes[near], side="right")
        some = high > low
        for place, start, stop in zip(
            near[some].tolist(), low[some].tolist(), high[some].tolist(), strict=True
        ):
            clips = self._owners[start:stop]
            for entry in np.flatnonzero(~self._dropped[clips]).tolist():
                yield place, int(clips[entry]), int(self._places[start + entry])

    def drop(self, clip: int) -> None:
        """Find this clip no more: what all clips share is then not found over and over."""
        self._dropped[clip] = True


def shared_stretch(
    one: np.ndarray, one_at: int, other: np.ndarray, other_at: int
) -> tuple[int, int, int]:
    """The longest bit-identical stretch around a place of each clip.

    Args:
        one, other: int16 mono samples.
        one_at, other_at: places that should hold the same.

    Returns: its start in each, and its length in samples; 0 when it is shorter than
        `LEAST_SAMPLES`, or near silence.
    """
    before = min(one_at, other_at)
    first, second = one_at - before, other_at - before
    length = min(one.size - first, other.size - second)
    differ = np.flatnonzero(one[first : first + length] != other[second : second + length])
    cut = int(np.searchsorted(differ, before))
    start = int(differ[cut - 1]) + 1 if cut else 0
    stop = int(differ[cut]) if cut < len(differ) else length
    found = one[first + start : first + stop].astype(np.int32)
    shared = stop - start
    if (
        shared < LEAST_SAMPLES
        or np.ptp(found) < _LEAST_RANGE
        or len(np.unique(found)) < _LEAST_VALUES
    ):
        shared = 0
    return first + start, second + start, shared
