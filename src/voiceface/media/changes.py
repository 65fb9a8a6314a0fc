"""Where a picture changes at once, told from the sizes of its packets without decoding them."""

import numpy as np

_SPIKE = 1.8  # a packet is a change from so many times nearly all before it
_BEFORE_US = 1_500_000  # within which those before it are
_JUST_BEFORE_US = 100_000
_APART_US = 200_000  # nearer changes are one
_BIN_US = 500_000
_LONGEST_GAP = 120  # bins: a damaged packet may lie years away from the others


def find_changes(times_us: np.ndarray, sizes: np.ndarray, keyframes_us: list[int]) -> list[int]:
    """Times (µs) at which the picture changes at once, ascending, told from the packets.

    There a packet is far larger than those of the 1.5 s before; or the packets of 0.5 s are a tenth
    of what is usual, or no more so (the picture freezes, or moves again); or a keyframe comes out
    of turn.

    Args:
        times_us: PTS of the packets without the keyframes, µs, ascending.
        sizes: their bytes.
        keyframes_us: PTS of the keyframes, µs, ascending.
    """
    found = _early_keyframes(keyframes_us)
    if len(times_us) > 1:
        found += _spikes(times_us, sizes) + _freezes(times_us, sizes)
    merged: list[int] = []
    for time_us in sorted(found):
        if not merged or time_us - merged[-1] > _APART_US:
            merged.append(time_us)
    return merged


def _early_keyframes(keyframes_us: list[int]) -> list[int]:
    gaps = np.diff(keyframes_us)
    if len(gaps) < 3:
        return keyframes_us[1:]  # too few to tell what their turn is
    usual = np.quantile(gaps, 0.9)
    return [time for time, gap in zip(keyframes_us[1:], gaps, strict=True) if gap < 0.95 * usual]


def _spikes(times_us: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Packets far larger than all but the largest few of the 1.5 s before them."""
    total = np.concatenate([[0], np.cumsum(sizes)])
    low = np.searchsorted(times_us, times_us - _BEFORE_US)
    high = np.searchsorted(times_us, times_us - _JUST_BEFORE_US)
    mean = (total[high] - total[low]) / np.maximum(high - low, 1)
    found = []
    larger = (sizes > _SPIKE * mean) & (high > low)
    # A quick look first, at those just before: with B-frames every third is larger than the mean.
    for behind in range(3, 9):
        larger[behind:] &= sizes[behind:] > _SPIKE * sizes[:-behind]
    for at in np.flatnonzero(larger):
        before = sizes[low[at] : high[at]]
        if sizes[at] > _SPIKE * np.quantile(before, 0.97):
            found.append(int(times_us[at]))
    return found


def _freezes(times_us: np.ndarray, sizes: np.ndarray) -> list[int]:
    places = (times_us - times_us[0]) // _BIN_US
    steps = np.clip(np.diff(places, prepend=places[:1]), 0, _LONGEST_GAP)
    bins = np.cumsum(steps)
    spent = np.bincount(bins, weights=sizes)
    still = spent < 0.1 * np.median(spent)
    edges = np.flatnonzero(still[1:] != still[:-1]) + 1
    before = np.searchsorted(bins, edges, side="right") - 1  # the last packet that is not later
    found = times_us[0] + (places[before] + edges - bins[before]) * _BIN_US
    return [int(time_us) for time_us in found]
