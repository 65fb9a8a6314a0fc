"""The emotion of speech, as `sources.csv` tells it: one of a whole video, or some by its time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.sources import parse_clips


def by_segment(table: pa.Table) -> pa.Table:
    """Samples, with `emotion` as of their videos → the same with the emotion of each one's segment.

    What is told by time, as in `anger@12.5-20;fear@31-40`, is a segment's that lies wholly within
    such a stretch; others have none.

    Args:
        table: with video, start_us, end_us and emotion.
    """
    timed = np.flatnonzero(pc.match_substring(table["emotion"], "@").to_numpy())
    if not len(timed):
        return table
    emotions = table["emotion"].to_pylist()
    part = table.select(["start_us", "end_us"]).take(pa.array(timed)).to_pydict()
    for row, start_us, end_us in zip(timed.tolist(), *part.values(), strict=True):
        emotions[row] = _at(emotions[row], start_us, end_us)
    place = table.schema.get_field_index("emotion")
    return table.set_column(place, table.schema.field(place), pa.array(emotions, pa.string()))


def _at(told: str, start_us: int, end_us: int) -> str:
    for stretch in told.split(";"):
        emotion, _, clip = stretch.partition("@")
        [(first_us, last_us)] = parse_clips(clip)
        if first_us <= start_us and end_us <= last_us:
            return emotion
    return ""
