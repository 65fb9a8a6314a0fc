"""Segments joined again to the recording that they were cut from."""

from collections import Counter

import numpy as np
import torch
from torch import Tensor

from voiceface.data.packed import Packed

WHOLE_S = 20.0
"""So much of a recording is heard where a model takes all of it: what a mean over more would add
is little, and what it costs grows."""


def whole_recordings(packed: Packed, rows: np.ndarray) -> np.ndarray:
    """The sound of the videos of some rows, each from its row's segment on: int16 (n, samples).

    At most `WHOLE_S` of each, and what is shorter than the longest is said again, so that all are
    of one length. Segments without speech are not there, so it may have leaps.
    """
    segment, most = packed.audio.shape[1], round(WHOLE_S * packed.sample_rate_hz)
    links = min(segment_counts(packed)[rows].max(initial=1), -(-most // segment))
    joined = packed.audio[chains(packed, links, repeats=False)[rows].numpy()]
    return joined.reshape(len(rows), links * segment)[:, : max(segment, most)]


def segment_counts(packed: Packed) -> np.ndarray:
    """How many segments there are of each row's video: int64 (n,)."""
    every = zip(packed.recordings, packed.segments or range(len(packed.labels)), strict=True)
    counts = Counter(video for video, _ in {*every})
    return np.array([counts[video] for video in packed.recordings], np.int64)


def chains(packed: Packed, links: int, repeats: bool) -> Tensor:
    """For each row, itself and rows of the segments that follow in the video: int64 (n, links).

    After a video's last segment comes its first again. If it `repeats`, each row is followed by
    itself.
    """
    if repeats:
        return torch.arange(len(packed.labels))[:, None].repeat(1, links)
    videos = np.unique(packed.recordings, return_inverse=True)[1]
    order = np.argsort(videos, kind="stable")
    # Faces of one segment stand together: of each, the first row's sound goes on.
    segments = np.array(packed.segments or np.arange(len(order)))[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (segments[1:] != segments[:-1]) | np.diff(videos[order]).astype(bool)
    firsts, segment = order[begins], np.cumsum(begins) - 1
    owners = videos[firsts]
    first = np.searchsorted(owners, videos[order], side="left")
    count = np.searchsorted(owners, videos[order], side="right") - first
    place = segment - first
    found = np.empty((len(order), links), np.int64)
    for link in range(links):
        found[order, link] = firsts[first + (place + link) % np.maximum(count, 1)]
    found[:, 0] = np.arange(len(order))
    return torch.from_numpy(found)
