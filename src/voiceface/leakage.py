"""Proof that nothing is in two splits: by content and by time, not by name.

It shares no code with what draws the splits, so that a mistake there shows here.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from voiceface.errors import VoicefaceError
from voiceface.tables import SPLITS


def prove_no_leak(samples: pa.Table) -> dict[str, Any]:
    """Check that splits share no video, no stretch of a video, no sound, no face and no person.

    Args:
        samples: columns sample, speaker, video, start_us, end_us, audio_sha256, face_sha256,
            audio_prints and split, as in `tables.MANIFEST` and `tables.DATASET`.

    Returns: what was compared: counts per split, and the number of distinct things of each kind.

    Raises:
        VoicefaceError: there is a leak; two of the samples are named.
    """
    names = samples["sample"].to_pylist()
    split_names = samples["split"].to_pylist()
    split = np.array([SPLITS.index(name) for name in split_names], np.int8)
    rows = np.arange(len(names))
    prints = samples["audio_prints"].combine_chunks()
    counts = np.diff(prints.offsets.to_numpy())
    kinds = {
        "video": (_codes(samples, "video"), rows),
        "sound": (_codes(samples, "audio_sha256"), rows),
        "sound_prints": (prints.flatten().to_numpy(), np.repeat(rows, counts)),
        "face": (_codes(samples, "face_sha256"), rows),
    }
    _refuse(_overlap(samples, split), names, split_names, "a stretch of one video")
    for kind, (keys, owners) in kinds.items():
        words = "a stretch of sound" if kind == "sound_prints" else f"a {kind}"
        _refuse(_shared(keys, owners, split), names, split_names, words)
    known = split != SPLITS.index("unseen")
    _refuse(_shared(_codes(samples, "speaker"), rows, known), names, split_names, "a speaker")
    return {
        "samples": {name: split_names.count(name) for name in SPLITS},
        "compared": {kind: _distinct(keys) for kind, (keys, _) in kinds.items()},
        "shared_between_splits": 0,
    }


def _codes(samples: pa.Table, column: str) -> np.ndarray:
    """A whole number for each row (n,): equal for equal values."""
    return samples[column].combine_chunks().dictionary_encode().indices.to_numpy()


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
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], owners[order]
    # Within a run of equal keys, two splits meet somewhere side by side.
    equal = keys[1:] == keys[:-1]
    side = split[owners]
    leaks = np.flatnonzero(equal & (side[1:] != side[:-1]))
    return (int(owners[leaks[0]]), int(owners[leaks[0] + 1])) if len(leaks) else None


def _overlap(samples: pa.Table, split: np.ndarray) -> tuple[int, int] | None:
    """Two rows of different splits that overlap in the time of one video; None without any."""
    start, end = (samples[name].to_numpy() for name in ("start_us", "end_us"))
    order = np.lexsort((start, _codes(samples, "video")))
    columns = (_codes(samples, "video"), start, end, split)
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


def _refuse(leak: tuple[int, int] | None, names: list[str], split: list[str], what: str) -> None:
    if leak is None:
        return
    one, other = leak
    raise VoicefaceError(
        f"leak between splits: {names[one]} ({split[one]}) and {names[other]} ({split[other]})"
        f" share {what}; drop one of them with `voiceface mark`, and report this defect"
    )
