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
    split = np.array(samples["split"].to_pylist(), object)
    rows = np.arange(len(names))
    prints = samples["audio_prints"].combine_chunks()
    counts = np.diff(prints.offsets.to_numpy())
    kinds = {
        "video": (_codes(samples, "video"), rows),
        "sound": (_codes(samples, "audio_sha256"), rows),
        "sound_prints": (prints.flatten().to_numpy(), np.repeat(rows, counts)),
        "face": (_codes(samples, "face_sha256"), rows),
    }
    _refuse(_overlap(samples, split), names, split, "a stretch of one video")
    for kind, (keys, owners) in kinds.items():
        words = "a stretch of sound" if kind == "sound_prints" else f"a {kind}"
        _refuse(_shared(keys, owners, split), names, split, words)
    seen = np.where(split == "unseen", "unseen", "known")
    _refuse(_shared(_codes(samples, "speaker"), rows, seen), names, split, "a speaker")
    return {
        "samples": {name: int((split == name).sum()) for name in SPLITS},
        "compared": {kind: len(np.unique(keys)) for kind, (keys, _) in kinds.items()},
        "shared_between_splits": 0,
    }


def _codes(samples: pa.Table, column: str) -> np.ndarray:
    """A whole number for each row (n,): equal for equal values."""
    return samples[column].combine_chunks().dictionary_encode().indices.to_numpy()


def _shared(keys: np.ndarray, owners: np.ndarray, split: np.ndarray) -> tuple[int, int] | None:
    """Two rows of different splits that have a key in common; None when there are none.

    Args:
        keys: (m,) what is compared.
        owners: (m,) row of each key.
        split: (n,) split of each row.
    """
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], owners[order]
    # Within a run of equal keys, two splits meet somewhere side by side.
    equal = keys[1:] == keys[:-1]
    leaks = np.flatnonzero(equal & (split[owners[1:]] != split[owners[:-1]]))
    return (int(owners[leaks[0]]), int(owners[leaks[0] + 1])) if len(leaks) else None


def _overlap(samples: pa.Table, split: np.ndarray) -> tuple[int, int] | None:
    """Two rows of different splits that overlap in the time of one video; None without any."""
    video = _codes(samples, "video")
    start, end = (samples[name].to_numpy() for name in ("start_us", "end_us"))
    order = np.lexsort((start, video))
    latest: dict[str, int] = {}  # of this video: row of each split that ends last
    before = None
    for row in order.tolist():
        if video[row] != before:
            latest, before = {}, video[row]
        for name, other in latest.items():
            if name != split[row] and end[other] > start[row]:
                return other, row
        if split[row] not in latest or end[row] > end[latest[split[row]]]:
            latest[split[row]] = row
    return None


def _refuse(leak: tuple[int, int] | None, names: list[str], split: np.ndarray, what: str) -> None:
    if leak is None:
        return
    one, other = leak
    raise VoicefaceError(
        f"leak between splits: {names[one]} ({split[one]}) and {names[other]} ({split[other]})"
        f" share {what}; drop one of them with `voiceface mark`, and report this defect"
    )
