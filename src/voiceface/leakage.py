"""Proof that nothing is in two splits: by content and by time, not by name.

It shares no code with what draws the splits, so that a mistake there shows here.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.errors import VoicefaceError
from voiceface.ids import PICTURES
from voiceface.parts import in_one_piece
from voiceface.tables import SPLITS

NEAR_ERRORS = 0.14
"""Share of wrong bits up to which a stretch of two sound fingerprints is one recording."""

NEAR_MARKS = 40
"""Length of such a stretch, in marks (1.6 s of sound)."""

NEAR_BITS = 3
"""Bits of 256 up to which two face prints are one picture; at most 7."""

_PRINT_BYTES = 32
_NEAR = {
    "sound": {"marks": NEAR_MARKS, "wrong_bits_at_most": NEAR_ERRORS},
    "face": {"bits": 8 * _PRINT_BYTES, "wrong_bits_at_most": NEAR_BITS},
}
_BLOCK = 1 << 16
_SHARES = 32
_MANY = 1 << 20  # keys; fewer are sorted at once
_SPREAD = np.uint32(0x85EBCA6B)  # odd: each key has a code of its own, and they are spread evenly
_32 = np.uint64(32)
_NEAREST = 4  # entries of the other split with the same mark that each is compared with
_NEAREST_FACES = 64  # with the same part of a print


def prove_no_leak(samples: pa.Table, same_person: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Check that splits share no video, no stretch of a video, no sound, no face and no person.

    Sound and faces that are nearly the same (another encoding) are a leak as well.

    Args:
        samples: columns sample, speaker, video, start_us, end_us, face_video, audio_sha256,
            face_sha256, audio_prints, audio_marks, face_print and split, as in `tables.MANIFEST`
            and `tables.DATASET`.
        same_person: pairs of speakers that are one person, as far as their faces tell.

    Returns: what was compared: counts per split, and the number of distinct things of each kind.

    Raises:
        VoicefaceError: there is a leak; two of the samples are named.
    """
    split = pc.index_in(samples["split"], pa.array(SPLITS)).to_numpy().astype(np.int8)
    rows = np.arange(len(samples))
    refuse = partial(_refuse, samples)
    refuse(_overlap(samples, split), "a stretch of one video")
    compared: dict[str, int] = {}
    keys, owners = _videos(samples)
    refuse(_shared(keys, owners, split), "a video")
    compared["video"] = _distinct(keys)
    for kind, column in {"sound": "audio_sha256", "face": "face_sha256"}.items():
        keys = _codes(samples, column)
        refuse(_shared(keys, rows, split), f"a {kind}")
        compared[kind] = _distinct(keys)
    keys, lengths = _listed(samples, "audio_prints")
    refuse(_shared(keys, np.repeat(rows.astype(np.int32), lengths), split), "a stretch of sound")
    compared["sound_prints"] = _distinct(keys)
    marks, lengths = _listed(samples, "audio_marks")
    compared["sound_marks"] = len(marks)
    near_sound = near_sounds(marks.view(np.uint32), lengths, split)
    refuse(next(near_sound, None), "nearly the same sound")
    pictures, picture_owners = _face_prints(samples)
    compared["face_prints"] = len(pictures)
    refuse(next(near_faces(pictures, picture_owners, split), None), "nearly the same face")
    known = split != SPLITS.index("unseen")
    refuse(_shared(_codes(samples, "speaker"), rows, known), "a speaker")
    refuse(_one_person(samples["speaker"], known, same_person), "a person under two labels")
    return {
        "samples": {name: int((split == side).sum()) for side, name in enumerate(SPLITS)},
        "compared": compared,
        "near": _NEAR,
        "shared_between_splits": 0,
    }


def near_sounds(
    marks: np.ndarray, lengths: np.ndarray, side: np.ndarray, least: int = NEAR_MARKS
) -> Iterator[tuple[int, int]]:
    """Pairs of clips of different sides with a stretch of nearly the same sound.

    Args:
        marks: uint32 (m,), the clips' fingerprints one after the other.
        lengths: (n,), number of marks of each clip.
        side: (n,), side of each clip.
        least: length of the stretch in marks, for clips that are shorter than `NEAR_MARKS`.
    """
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    sides = np.repeat(side.astype(np.int8), lengths)
    longest = int(np.diff(starts).max(initial=0))
    met: list[tuple[np.ndarray, ...]] = [(np.zeros(0, np.int64),) * 3]
    for one, other in _across(marks, sides, _NEAREST):
        clips, others = (np.searchsorted(starts, place, side="right") - 1 for place in (one, other))
        # The two clips and the shift in one number, which sorts much faster than three.
        shifts = (one - starts[clips]) - (other - starts[others]) + longest
        met.append((one, other, (clips * len(side) + others) * (2 * longest + 1) + shifts))
    one, other, pair = map(np.concatenate, zip(*met, strict=True))
    _, first, counts = np.unique(pair, return_index=True, return_counts=True)
    # One equal mark is chance: the same sound has several at one shift.
    often = first[counts > 1]
    for place in often.tolist():
        left, right = (
            int(np.searchsorted(starts, mark, side="right")) - 1
            for mark in (one[place], other[place])
        )
        shift = int(one[place] - other[place])
        begin = max(starts[left], starts[right] + shift)
        end = min(starts[left + 1], starts[right + 1] + shift)
        if _alike(marks[begin:end], marks[begin - shift : end - shift], least):
            yield left, right


def _alike(one: np.ndarray, other: np.ndarray, least: int) -> bool:
    """Whether two aligned fingerprints (uint32, (m,)) have a stretch with few wrong bits.

    A stretch in which hardly anything changes, as in silence or a hum, tells nothing.
    """
    if len(one) < least:
        return False
    window = np.ones(min(len(one), NEAR_MARKS), np.int32)
    wrong = np.convolve(np.bitwise_count(one ^ other).astype(np.int32), window, "valid")
    change = np.bitwise_count(one[1:] ^ one[:-1]).astype(np.int32)
    change = np.convolve(change, window[:-1], "valid")
    few = wrong <= NEAR_ERRORS * 32 * len(window)
    return bool((few & (change >= 2 * len(window))).any())


def near_faces(
    prints: np.ndarray, owners: np.ndarray, side: np.ndarray, bits: int = NEAR_BITS
) -> Iterator[tuple[int, int]]:
    """Pairs of rows of different sides whose face prints are nearly equal; some more than once.

    Args:
        prints: uint8 (m, 32).
        owners: (m,), row of each print.
        side: (n,), side of each row.
        bits: greatest number of differing bits, at most 7.
    """
    # Of eight parts of 32 bits at least one is equal when at most seven bits differ.
    for part in range(8):
        keys = np.ascontiguousarray(prints[:, 4 * part : 4 * part + 4]).view(np.uint32)[:, 0]
        for one, other in _across(keys, side[owners], _NEAREST_FACES):
            wrong = np.bitwise_count(prints[one] ^ prints[other]).sum(axis=1)
            for place in np.flatnonzero(wrong <= bits):
                yield int(owners[one[place]]), int(owners[other[place]])


def _across(
    keys: np.ndarray, side: np.ndarray, nearest: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of entries of two sides with one key, in blocks: each with the nearest of the other.

    Args:
        keys: (m,) what is compared.
        side: (m,) side of each entry.
    """
    turned = dict.fromkeys(np.unique(side)[:-1].tolist(), 0)
    for codes, inside in _met_by_sides(keys, side):
        for name in turned:
            here, there = side[inside] == name, side[inside] > name
            mine, theirs = inside[here], inside[there]
            low = np.searchsorted(codes[there], codes[here], side="left")
            count = np.searchsorted(codes[there], codes[here], side="right") - low
            mine, low, count = mine[count > 0], low[count > 0], count[count > 0]
            # Not all with the same ones, where a key is in many.
            turn = turned[name] + np.arange(len(mine))
            turned[name] += len(mine)
            for step in range(nearest):
                some = np.flatnonzero(count > step)
                found = low[some] + (turn[some] + step) % count[some]
                for start in range(0, len(some), _BLOCK):
                    block = slice(start, start + _BLOCK)
                    yield mine[some[block]], theirs[found[block]]


def _met_by_sides(keys: np.ndarray, side: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The entries whose key (uint32) several sides have, in shares.

    A share of the keys is sorted at a time, which takes a part of the memory. Their number is
    fixed, so that the time stays linear.

    Returns: a code for each key, ascending, and the places of the entries.
    """
    shares = _SHARES if len(keys) > _MANY else 1
    share = np.zeros(len(keys), np.uint8)
    for start in range(0, len(keys), _MANY):
        block = slice(start, start + _MANY)
        share[block] = (keys[block] * _SPREAD).astype(np.uint64) * np.uint64(shares) >> _32
    for number in range(shares):
        inside = np.flatnonzero(share == number)
        # The code above the place in one number: to sort those is the quickest.
        both = (keys[inside] * _SPREAD).astype(np.uint64) << _32
        both |= np.arange(len(inside), dtype=np.uint64)
        both.sort()
        same = np.zeros(len(both) + 1, bool)
        same[1:-1] = (both[1:] >> _32) == (both[:-1] >> _32)
        both = both[same[1:] | same[:-1]]  # most keys occur once
        codes, inside = (both >> _32).astype(np.uint32), inside[both.astype(np.uint32)]
        if not len(codes):
            continue
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        sides = side[inside]
        several = np.minimum.reduceat(sides, starts) < np.maximum.reduceat(sides, starts)
        chosen = np.repeat(several, np.diff(np.append(starts, len(codes))))
        yield codes[chosen], inside[chosen]


def _listed(samples: pa.Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The entries of a column of lists, one after the other, and how many each row has."""
    lists = in_one_piece(samples[column])
    return lists.flatten().to_numpy(), pc.list_value_length(lists).to_numpy()


def _face_prints(samples: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The face prints that are there, uint8 (m, 32), and the row of each."""
    rows = np.flatnonzero(pc.is_valid(samples["face_print"]).to_numpy())
    prints = in_one_piece(samples["face_print"]).take(pa.array(rows)).buffers()[1]
    return np.frombuffer(prints, np.uint8, _PRINT_BYTES * len(rows)).reshape(-1, _PRINT_BYTES), rows


def _videos(samples: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """A code for the video of each row's sound, then for those of other videos' faces; the rows.

    A face of a folder of pictures, which is no video, is compared by content alone.
    """
    video, face_video = samples["video"], samples["face_video"]
    is_other = pc.invert(pc.or_(pc.equal(face_video, video), pc.starts_with(face_video, PICTURES)))
    others = np.flatnonzero(is_other.to_numpy())
    names = pa.chunked_array([*video.chunks, *face_video.take(pa.array(others)).chunks])
    rows = np.concatenate([np.arange(len(video)), others])
    return in_one_piece(names).dictionary_encode().indices.to_numpy(), rows


def _codes(samples: pa.Table, column: str) -> np.ndarray:
    """A whole number for each row (n,): equal for equal values."""
    return in_one_piece(samples[column]).dictionary_encode().indices.to_numpy()


def _distinct(keys: np.ndarray) -> int:
    # Sorted, as np.unique's hash table takes ten times as long for millions of keys.
    return int(np.count_nonzero(np.diff(np.sort(keys)))) + (len(keys) > 0)


def _shared(keys: np.ndarray, owners: np.ndarray, split: np.ndarray) -> tuple[int, int] | None:
    """Two rows of different splits that have a key in common; None when there are none.

    Args:
        keys: (m,) what is compared.
        owners: (m,) row of each key.
        split: (n,) split of each row, or another number for the side that it is on.
    """
    # Most keys occur once: only the others are put side by side.
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return None
    nearest = np.searchsorted(twice[:-1], keys)
    some = np.flatnonzero(twice[nearest] == keys)
    order = some[np.argsort(keys[some], kind="stable")]
    keys, owners = keys[order], owners[order]
    # Within a run of equal keys, two splits meet somewhere side by side.
    equal = keys[1:] == keys[:-1]
    side = split[owners]
    leaks = np.flatnonzero(equal & (side[1:] != side[:-1]))
    return (int(owners[leaks[0]]), int(owners[leaks[0] + 1])) if len(leaks) else None


def _one_person(
    speakers: pa.ChunkedArray, known: np.ndarray, same_person: Iterable[tuple[str, str]]
) -> tuple[int, int] | None:
    """A row of each of two labels of one person of which one is unseen; None without any."""
    encoded = in_one_piece(speakers).dictionary_encode()
    first = np.unique(encoded.indices.to_numpy(), return_index=True)[1].tolist()
    row_of = dict(zip(encoded.dictionary.to_pylist(), first, strict=True))
    for one, other in same_person:
        if {one, other} <= row_of.keys() and known[row_of[one]] != known[row_of[other]]:
            return row_of[one], row_of[other]
    return None


def _overlap(samples: pa.Table, split: np.ndarray) -> tuple[int, int] | None:
    """Two rows of different splits that overlap in the time of one video; None without any."""
    code = _codes(samples, "video")
    sides = np.zeros((int(code.max(initial=-1)) + 1, len(SPLITS)), bool)
    sides[code, split] = True
    # Only where a video has rows of several splits.
    rows = np.flatnonzero((sides.sum(axis=1) > 1)[code])
    start, end = (samples[name].to_numpy() for name in ("start_us", "end_us"))
    order = rows[np.lexsort((start[rows], code[rows]))]
    columns = (code, start, end, split)
    latest: dict[int, tuple[int, int]] = {}  # of this video: end and row, by split, that ends last
    before = None
    for row, video, begin, stop, side in zip(
        order.tolist(), *(column[order].tolist() for column in columns), strict=True
    ):
        if video != before:
            latest, before = {}, video
        for other_side, (other_stop, other) in latest.items():
            if other_side != side and other_stop > begin:
                return other, row
        latest[side] = max(latest.get(side, (stop, row)), (stop, row))
    return None


def _refuse(samples: pa.Table, leak: tuple[int, int] | None, what: str) -> None:
    if leak is None:
        return
    one, other = (f"{samples['sample'][row]} ({samples['split'][row]})" for row in leak)
    raise VoicefaceError(
        f"leak between splits: {one} and {other} share {what};"
        " drop one of them with `voiceface mark`, and report this defect"
    )
