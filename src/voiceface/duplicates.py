"""What was recorded once and stands twice: pairs of samples with nearly the same sound or face.

Re-uploads, intros, jingles. Pairs are found by sorting: samples that have a part of their
fingerprints in common meet side by side, and only those are compared.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.parts import in_one_piece

STRETCH_MARKS = 40
"""So many marks in a row must be alike (1.6 s of sound)."""

SAME_SOUND_ERRORS = 0.18
"""Greatest share of wrong bits of a stretch that is the same sound. What the proof of no leakage
refuses must be well within it, so that the splits keep together whatever it would find."""

SAME_FACE_BITS = 7
"""Most bits of 256 by which the prints of one picture of a face differ."""

_SAME_PRINTS = 4  # about half a second of bit-identical sound
_BANDS = 8  # of a face print: one of them is equal when at most 7 bits differ
_MEETINGS = 2  # so many equal marks at one shift, before two clips are compared
_NEIGHBOURS = 8  # entries with the same key that each is compared with, beside the first
_FACE_NEIGHBOURS = 64
_BLOCK = 1 << 16
_MARKS_AT_ONCE = 1 << 22
_PORTION_BITS = 5
_PORTIONS = 1 << _PORTION_BITS
_LARGE = 1 << 20  # keys; fewer are sorted at once


def sound_pairs(
    samples: pa.Table, errors: float = SAME_SOUND_ERRORS, among: np.ndarray | None = None
) -> np.ndarray:
    """Pairs of samples that have a second of sound in common, also after another encoding.

    Args:
        samples: columns video, start_us and audio_marks, as in `tables.SAMPLES`.
        errors: greatest share of wrong bits of a stretch.
        among: bool (n,), the samples that are compared; None: all.

    Returns: rows (m, 2), the earlier one first, each pair once, in ascending order. Of many
        samples with one sound, each is paired with the first and with some others, not with all.
    """
    marks, bounds = _listed(samples, "audio_marks")
    marks = marks.view(np.uint32)
    met = _meetings(marks, partial(_in_turn, bounds), _NEIGHBOURS, _entries(bounds, among))
    met = met[:, _often_met(met, bounds)]
    found = []
    for start in range(0, met.shape[1], _BLOCK):
        block = met[:, start : start + _BLOCK]
        alike = _least_errors(marks, bounds, block) <= errors
        found.append(block[2:, alike].T)
    return _unique_pairs(found, _segments(samples))


def print_pairs(samples: pa.Table, least: int, among: np.ndarray | None = None) -> np.ndarray:
    """Pairs of samples that have at least `least` bit-exact sound prints in common.

    Args:
        samples: columns video, start_us and audio_prints, as in `tables.SAMPLES`.
        among: as for `sound_pairs`.

    Returns: as `sound_pairs`.
    """
    prints, bounds = _listed(samples, "audio_prints")
    met = _meetings(prints, partial(_in_turn, bounds), _NEIGHBOURS, _entries(bounds, among))
    pairs, counts = np.unique(np.sort(met[2:].T, axis=1), axis=0, return_counts=True)
    return _unique_pairs([pairs[counts >= least]], _segments(samples))


def face_pairs(
    samples: pa.Table, bits: int = SAME_FACE_BITS, among: np.ndarray | None = None
) -> np.ndarray:
    """Pairs of samples of different videos with nearly the same picture of a face.

    Within a video they are no finding: one second of a calm person looks like the next.

    Args:
        samples: columns video and face_print, as in `tables.SAMPLES`.
        bits: greatest number of differing bits, at most `SAME_FACE_BITS`.
        among: as for `sound_pairs`.

    Returns: as `sound_pairs`.
    """
    wanted = pc.is_valid(samples["face_print"]).to_numpy()
    there = np.flatnonzero(wanted if among is None else wanted & among)
    data = in_one_piece(samples["face_print"]).take(pa.array(there)).buffers()[1]
    prints = np.frombuffer(data, np.uint32, _BANDS * len(there)).reshape(-1, _BANDS)
    video = in_one_piece(samples["video"]).dictionary_encode().indices.to_numpy()[there]
    found = []
    for band in range(_BANDS):
        one, other, *_ = _meetings(prints[:, band], video.__getitem__, _FACE_NEIGHBOURS)
        for start in range(0, len(one), _BLOCK):
            first, second = one[start : start + _BLOCK], other[start : start + _BLOCK]
            alike = np.bitwise_count(prints[first] ^ prints[second]).sum(axis=1) <= bits
            found.append(np.stack([there[first[alike]], there[second[alike]]], axis=1))
    return _unique_pairs(found, None)


def repeats(
    samples: pa.Table,
    sound_errors: float | None,
    face_bits: int | None,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Which samples to leave out so that no sound and no face is there twice: (n,) bool.

    Args:
        samples: columns as for the functions above; the first of those that are alike stays.
        sound_errors: as for `sound_pairs`; None: sound is not compared.
        face_bits: as for `face_pairs`; None: faces are not compared.
        among: as for `sound_pairs`; the others are not left out.
    """
    wanted = np.ones(len(samples), bool) if among is None else among
    left = wanted
    unsure = True
    while unsure:
        pairs = [print_pairs(samples, _SAME_PRINTS, left)]
        if sound_errors is not None:
            pairs.append(sound_pairs(samples, sound_errors, left))
        if face_bits is not None:
            pairs.append(face_pairs(samples, face_bits, left))
        met = np.concatenate(pairs)
        again = _later_twins(met, len(samples))
        # Where many are alike not all have met each other: one that is left, though it met others
        # that are not, may have a twin among those that are left.
        unsure = bool((again[met[:, 0]] & ~again[met[:, 1]]).any())
        left = left & ~again
    return wanted & ~left


def _later_twins(pairs: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` rows to leave out so that of each pair the first stays, if it can."""
    out = np.zeros(count, bool)
    # By the later row: when its turn comes, all that comes before it is decided.
    for one, other in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
        if not out[one]:
            out[other] = True
    return out


def _listed(samples: pa.Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The entries of a column of lists, one after the other (m,), and where each row's begin.

    The bounds are (n + 1,): the last one is the end.
    """
    lists = in_one_piece(samples[column])
    counts = pc.list_value_length(lists).fill_null(0).to_numpy()
    return lists.flatten().to_numpy(), np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _in_turn(bounds: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The row of each entry, given the places in ascending order (k,)."""
    counts = np.diff(np.searchsorted(places, bounds))
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _entries(bounds: np.ndarray, among: np.ndarray | None) -> np.ndarray | None:
    return None if among is None or among.all() else np.repeat(among, np.diff(bounds))


def _meetings(
    keys: np.ndarray,
    owners_of: Callable[[np.ndarray], np.ndarray],
    neighbours: int,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Entries of different owners that have a key in common, the earlier one first.

    Each entry meets those that follow it and the first of its key; so the work stays linear
    where a key is in thousands of them.

    Args:
        keys: (m,) of the entries.
        owners_of: gives the owners of entries, given their places in ascending order.
        among: bool (m,), the entries that are looked at; None: all.

    Returns: int32 (4, k): the places of the two, then their owners.
    """
    # There are fewer than 2 ** 31 entries: Arrow could not count more.
    met: list[list[np.ndarray]] = [[np.zeros((4, 0), np.int32)] for _ in range(neighbours + 1)]
    for portion in _portions(keys, among):
        order, first = _recurring(keys[portion])
        places, owners = portion[order], owners_of(portion)[order]
        several = np.flatnonzero(np.arange(len(order)) > first).astype(np.int32)
        first = first[several]
        for lag in range(neighbours + 1):
            earlier = several - lag if lag else first
            meet = earlier > first if lag else np.ones(len(several), bool)
            one, other = earlier[meet], several[meet]
            apart = owners[one] != owners[other]
            one, other = one[apart], other[apart]
            both = [places[one], places[other], owners[one], owners[other]]
            met[lag].append(np.array(both, np.int32))
    return np.concatenate([one for of_lag in met for one in of_lag], axis=1)


def shared_keys(keys: np.ndarray) -> Iterator[np.ndarray]:
    """Places of the entries (m,) whose key occurs more than once: those of one key side by side.

    With some others, where keys are of 64 bits.
    """
    for portion in _portions(keys, None):
        yield portion[_recurring(keys[portion])[0]]


def _recurring(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The entries whose key occurs more than once: by key, and of one key in their order.

    Returns: places (k,) of the entries; and for each of these the first in it with the same key.
    """
    codes = _mixed(keys)
    # Sorted as one number with the place: numpy does that several times as fast as `argsort`.
    packed = codes.astype(np.uint64) << np.uint64(32) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    places = _of_several(packed >> np.uint64(32), packed.astype(np.uint32))
    if keys.itemsize > codes.itemsize:  # two keys may have one code
        places.sort()
        places = places[np.argsort(keys[places], kind="stable")]
    starts = np.flatnonzero(np.diff(keys[places], prepend=~keys[places[:1]]))
    counts = np.diff(np.append(starts, len(places)))
    return places, np.repeat(starts.astype(np.int32), counts)


def _of_several(sorted_codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The places of those codes that stand beside the same one."""
    same = np.zeros(len(places) + 1, bool)
    same[1:-1] = sorted_codes[1:] == sorted_codes[:-1]
    return places[same[1:] | same[:-1]]


def _mixed(keys: np.ndarray) -> np.ndarray:
    """An evenly spread code uint32 (m,) for each key; of 32-bit keys each has its own."""
    if keys.itemsize == 4:
        return keys.view(np.uint32) * np.uint32(0x9E3779B1)
    return (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)).astype(np.uint32)


def _portions(keys: np.ndarray, among: np.ndarray | None) -> Iterator[np.ndarray]:
    """The places of the keys, ascending, in portions: all entries of a key are in one.

    To sort a portion after the other takes a part of the memory. Their number is fixed, so that the
    time stays linear.
    """
    count = _PORTIONS if len(keys) > _LARGE else 1
    portion = np.empty(len(keys), np.uint8)
    for start in range(0, len(keys), _LARGE):
        block = slice(start, start + _LARGE)
        portion[block] = _mixed(keys[block]) >> np.uint32(32 - _PORTION_BITS) if count > 1 else 0
        if among is not None:
            portion[block][~among[block]] = _PORTIONS
    for number in range(count):
        yield np.flatnonzero(portion == number)


def _often_met(met: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Which of the meetings (4, m) are not alone: one of each two clips and shift.

    Two clips with the same sound meet in many marks, and by chance in one.
    """
    longest = int(np.diff(bounds).max(initial=0))
    # The two clips and the shift in one number.
    pair = np.empty(met.shape[1], np.int64)
    for start in range(0, len(pair), _BLOCK):
        one, other, left, right = met[:, start : start + _BLOCK].astype(np.int64)
        shift = (one - bounds[left]) - (other - bounds[right]) + longest
        pair[start : start + _BLOCK] = (left * len(bounds) + right) * (2 * longest + 1) + shift
    often = np.sort(np.concatenate([np.zeros(0, np.int64), *shared_keys(pair)]))
    _, first, times = np.unique(pair[often], return_index=True, return_counts=True)
    return np.asarray(often[first[times >= _MEETINGS]])


def _least_errors(marks: np.ndarray, bounds: np.ndarray, met: np.ndarray) -> np.ndarray:
    """Share of wrong bits of the best stretch of two clips, laid together as they met (m,).

    1 where they do not overlap so far, or where it says nothing (silence, a hum).
    """
    one, other, left, right = met.astype(np.int64)
    before = np.minimum(one - bounds[left], other - bounds[right])
    after = np.minimum(bounds[left + 1] - one, bounds[right + 1] - other)
    overlap = before + after
    best = np.ones(len(one))
    by_length = np.argsort(overlap, kind="stable")
    by_length = by_length[np.searchsorted(overlap[by_length], STRETCH_MARKS) :]
    while len(by_length):
        # The longest first: as many at once as take the same memory, whatever their length.
        some = max(1, _MARKS_AT_ONCE // int(overlap[by_length[-1]]))
        by_length, now = by_length[:-some], by_length[-some:]
        best[now] = _best_stretch(marks, (one - before)[now], (other - before)[now], overlap[now])
    return best


def _best_stretch(
    marks: np.ndarray, one: np.ndarray, other: np.ndarray, overlap: np.ndarray
) -> np.ndarray:
    """The same for overlaps (k,) of at least a stretch that begin at `one` and at `other`."""
    steps = np.arange(overlap.max())
    # Past its end an overlap goes on with its last mark: those stretches are left out below.
    steps = np.minimum(steps, overlap[:, None] - 1)
    here, there = marks[one[:, None] + steps], marks[other[:, None] + steps]
    wrong = _sums(np.bitwise_count(here ^ there), STRETCH_MARKS)
    changes = _sums(np.bitwise_count(here[:, 1:] ^ here[:, :-1]), STRETCH_MARKS - 1)
    told = changes >= 2 * STRETCH_MARKS
    told &= np.arange(wrong.shape[1]) <= overlap[:, None] - STRETCH_MARKS
    least = np.where(told, wrong, 32 * STRETCH_MARKS).min(axis=1)
    return np.asarray(least / (32 * STRETCH_MARKS))


def _sums(values: np.ndarray, window: int) -> np.ndarray:
    """Sums of each `window` neighbours: (k, m) to (k, m - window + 1)."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    return sums[:, window:] - sums[:, :-window]


def _segments(samples: pa.Table) -> np.ndarray:
    """A whole number for each row's segment (n,): the faces of one segment share its sound."""
    video = in_one_piece(samples["video"]).dictionary_encode().indices.to_numpy()
    start = samples["start_us"].to_numpy()
    return video * (start.max(initial=0) + 1) + start


def _unique_pairs(found: list[np.ndarray], segments: np.ndarray | None) -> np.ndarray:
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    if segments is not None:
        pairs = pairs[segments[pairs[:, 0]] != segments[pairs[:, 1]]]
    return np.unique(np.sort(pairs, axis=1), axis=0)
