"""The noisy training split: what an automatic check held back, beside the clean samples."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.splits import find_groups
from voiceface.tables import REASONS

_NEVER = {"outside_clips", "no_speech", "too_short", "no_face", "duplicate"}
"""Reasons for which there is no pair, or one that is in the dataset already."""

NOISY = tuple(reason for reason in REASONS if reason not in _NEVER)


def with_noisy(kept: pa.Table, read: Callable[[str], pa.Table]) -> pa.Table:
    """The kept samples, and in the training split the flagged ones of its videos, too.

    The other splits stay as they are, so that a model trained on noisy data is judged by the same
    voices and faces. What a curator dropped stays out. So do all flagged samples of a video of
    which one shares sound or a face with another split.

    Args:
        kept: columns as `splits.find_groups` takes them, and split.
        read: the samples of a fate, with the same columns but split.
    """
    of_video = dict(zip(kept["video"].to_pylist(), kept["split"].to_pylist(), strict=True))
    found = pa.concat_tables([read(reason) for reason in NOISY])
    split = pa.array([of_video.get(video) for video in found["video"].to_pylist()], pa.string())
    found = found.append_column(kept.schema.field("split"), split)
    found = found.filter(pc.and_(pc.equal(split, "train"), pc.is_valid(found["face_sha256"])))
    both = pa.concat_tables([kept, found])
    shared = [
        video
        for group in find_groups(both)
        if len({of_video[video] for video in group.videos}) > 1
        for video in group.videos
    ]
    found = found.filter(pc.invert(pc.is_in(found["video"], pa.array(shared, pa.string()))))
    # The samples of a video together, in time: speech goes on from one to the next.
    both = pa.concat_tables([kept, found])
    place = pc.index_in(both["video"], pa.array(of_video))
    order = [(name, "ascending") for name in ("place", "start_us", "face_number")]
    return both.append_column("place", place).sort_by(order).drop_columns(["place"])
