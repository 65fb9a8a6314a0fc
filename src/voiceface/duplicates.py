"""What was recorded once and stands twice: pairs of samples with nearly the same sound or face.

Re-uploads, intros, jingles. Pairs are found by sorting: samples that have a part of their
fingerprints in common meet side by side, and only those are compared.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

STRETCH_MARKS = 40
"""So many marks in a row must be alike (1.6 s of sound)."""

SAME_SOUND_ERRORS = 0.18
"""Greatest share of wrong bits of a stretch that is the same sound. What the proof of no leakage
refuses must be well within it, so that the splits keep together whatever it would find."""

SAME_FACE_BITS = 7
"""Most bits of 256 by which the prints of one picture of a face differ."""

COMPARED = ["video", "start_us", "audio_prints", "audio_marks", "face_print"]
"""The columns of `tables.SAMPLES` that are looked at."""

_SAME_PRINTS = 4  # about half a second of bit-identical sound
_BANDS = 8  # of a face print: one of them is equal when at most 7 bits differ
_MEETINGS = 2  # so many equal marks at one shift, before two clips are compared
_NEIGHBOURS = 8  # entries with the same key that each is compared with, beside the first
_FACE_NEIGHBOURS = 64
_BLOCK = 1 << 16


def sound_pairs(samples: pa.Table, errors: float = SAME_SOUND_ERRORS) -> np.ndarray:
    """Pairs of samples that have a second of sound in common, also after another encoding.

    Args:
        samples: columns video, start_us and audio_marks, as in `tables.SAMPLES`.
        errors: greatest share of wrong bits of a stretch.

    Returns: rows (m, 2), the earlier one first, each pair once, in ascending order. Of many
        samples with one sound, each is paired with the first and with some others, not with all.
    """
    lists = samples["audio_marks"].combine_chunks()
    counts = np.diff(lists.offsets.to_numpy())
    marks = lists.flatten().to_numpy().view(np.uint32)
    owners = np.repeat(np.arange(len(samples), dtype=np.int32), counts)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    one, other = _meetings(marks, owners, _NEIGHBOURS)
    one, other = _often_met(one, other, owners, bounds)
    found = []
    for start in range(0, len(one), _BLOCK):
        first, second = one[start : start + _BLOCK], other[start : start + _BLOCK]
        alike = _least_errors(marks, bounds, owners, first, second) <= errors
        found.append(np.stack([owners[first[alike]], owners[second[alike]]], axis=1))
    return _unique_pairs(found, _segments(samples))


def print_pairs(samples: pa.Table, least: int) -> np.ndarray:
    """Pairs of samples that have at least `least` bit-exact sound prints in common.

    Args:
        samples: columns video, start_us and audio_prints, as in `tables.SAMPLES`.

    Returns: as `sound_pairs`.
    """
    lists = samples["audio_prints"].combine_chunks()
    owners = np.repeat(np.arange(len(samples)), np.diff(lists.offsets.to_numpy()))
    one, other = _meetings(lists.flatten().to_numpy(), owners, _NEIGHBOURS)
    met = np.sort(np.stack([owners[one], owners[other]], axis=1), axis=1)
    pairs, counts = np.unique(met, axis=0, return_counts=True)
    return _unique_pairs([pairs[counts >= least]], _segments(samples))


def face_pairs(samples: pa.Table, bits: int = SAME_FACE_BITS) -> np.ndarray:
    """Pairs of samples of different videos with nearly the same picture of a face.

    Within a video they are no finding: one second of a calm person looks like the next.

    Args:
        samples: columns video and face_print, as in `tables.SAMPLES`.
        bits: greatest number of differing bits, at most `SAME_FACE_BITS`.

    Returns: as `sound_pairs`.
    """
    there = np.flatnonzero(pc.is_valid(samples["face_print"]).to_numpy())
    joined = b"".join(samples["face_print"].take(pa.array(there)).to_pylist())
    prints = np.frombuffer(joined, np.uint32).reshape(-1, _BANDS)
    video = samples["video"].combine_chunks().dictionary_encode().indices.to_numpy()[there]
    found = []
    for band in range(_BANDS):
        one, other = _meetings(prints[:, band], video, _FACE_NEIGHBOURS)
        for start in range(0, len(one), _BLOCK):
            first, second = one[start : start + _BLOCK], other[start : start + _BLOCK]
            alike = np.bitwise_count(prints[first] ^ prints[second]).sum(axis=1) <= bits
            found.append(np.stack([there[first[alike]], there[second[alike]]], axis=1))
    return _unique_pairs(found, None)


def repeats(samples: pa.Table, sound_errors: float | None, face_bits: int | None) -> np.ndarray:
    """Which samples to leave out so that no sound and no face is there twice: (n,) bool.

    Args:
        samples: columns as for the functions above; the first of those that are alike stays.
        sound_errors: as for `sound_pairs`; None: sound is not compared.
        face_bits: as for `face_pairs`; None: faces are not compared.
    """
    samples = samples.select(COMPARED)
    left = np.arange(len(samples))
    unsure = True
    while unsure:
        rest = samples if len(left) == len(samples) else samples.take(pa.array(left))
        pairs = [print_pairs(rest, _SAME_PRINTS)]
        if sound_errors is not None:
            pairs.append(sound_pairs(rest, sound_errors))
        if face_bits is not None:
            pairs.append(face_pairs(rest, face_bits))
        met = np.concatenate(pairs)
        again = _later_twins(met, len(left))
        # Where many are alike not all have met each other: one that is left, though it met others
        # that are not, may have a twin among those that are left.
        unsure = bool((again[met[:, 0]] & ~again[met[:, 1]]).any())
        left = left[~again]
    return ~np.isin(np.arange(len(samples)), left)


def _later_twins(pairs: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` rows to leave out so that of each pair the first stays, if it can."""
    out = np.zeros(count, bool)
    # By the later row: when its turn comes, all that comes before it is decided.
    for one, other in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
        if not out[one]:
            out[other] = True
    return out


def _meetings(
    keys: np.ndarray, owners: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places of entries of different owners that have a key in common, the earlier one first.

    Each entry meets those that follow it and the first of its key; so the work stays linear
    where a key is in thousands of them.
    """
    order = np.argsort(keys, kind="stable").astype(np.int32)
    sorted_keys = keys[order]
    starts = np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1]) + 1
    starts = np.concatenate([[0], starts]).astype(np.int32)
    first = np.repeat(starts, np.diff(np.append(starts, len(keys))))
    several = np.flatnonzero(np.arange(len(keys)) > first).astype(np.int32)
    first = first[several]
    found = []
    for lag in range(neighbours + 1):
        earlier = several - lag if lag else first
        meet = earlier > first if lag else np.ones(len(several), bool)
        one, other = order[earlier[meet]], order[several[meet]]
        apart = owners[one] != owners[other]
        found.append((one[apart], other[apart]))
    return np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])


def _often_met(
    one: np.ndarray, other: np.ndarray, owners: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of the meetings those that are not alone: one in each stretch of two clips at one shift.

    Two clips with the same sound meet in many marks, and by chance in one.
    """
    left, right = owners[one].astype(np.int64), owners[other]
    longest = int(np.diff(bounds).max(initial=0))
    shift = (one - bounds[left]) - (other - bounds[right]) + longest
    pair = (left * len(bounds) + right) * (2 * longest + 1) + shift
    _, group, counts = np.unique(pair, return_inverse=True, return_counts=True)
    often = np.flatnonzero(counts[group] >= _MEETINGS)
    places = np.stack([group[often], one[often] // STRETCH_MARKS], axis=1)
    _, chosen = np.unique(places, axis=0, return_index=True)
    return one[often[chosen]], other[often[chosen]]


def _least_errors(
    marks: np.ndarray,
    bounds: np.ndarray,
    owners: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
) -> np.ndarray:
    """Share of wrong bits of the best stretch that ends, is centred or starts at a meeting (m,).

    1 where no whole stretch lies in both clips, or where it says nothing (silence, a hum).
    """
    best = np.ones(len(one))
    for back in (STRETCH_MARKS - 1, STRETCH_MARKS // 2, 0):
        first, second = one - back, other - back
        whole = np.ones(len(one), bool)
        for start, owner in ((first, owners[one]), (second, owners[other])):
            whole &= start >= bounds[owner]
            whole &= start + STRETCH_MARKS <= bounds[owner + 1]
        steps = np.arange(STRETCH_MARKS)
        here = marks[first[whole, None] + steps]
        there = marks[second[whole, None] + steps]
        wrong = np.bitwise_count(here ^ there).sum(axis=1) / (32 * STRETCH_MARKS)
        changes = np.bitwise_count(here[:, 1:] ^ here[:, :-1]).sum(axis=1)
        wrong[changes < 2 * STRETCH_MARKS] = 1.0
        best[whole] = np.minimum(best[whole], wrong)
    return best


def _segments(samples: pa.Table) -> np.ndarray:
    """A whole number for each row's segment (n,): the faces of one segment share its sound."""
    video = samples["video"].combine_chunks().dictionary_encode().indices.to_numpy()
    keys = np.stack([video.astype(np.int64), samples["start_us"].to_numpy()], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def _unique_pairs(found: list[np.ndarray], segments: np.ndarray | None) -> np.ndarray:
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    if segments is not None:
        pairs = pairs[segments[pairs[:, 0]] != segments[pairs[:, 1]]]
    return np.unique(np.sort(pairs, axis=1), axis=0)
