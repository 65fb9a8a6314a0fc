"""Blind second review: two curators mark a share of the samples, neither seeing the other's."""

import hashlib
from collections.abc import Mapping

from voiceface.review.ledger import Event


def needs_second(sample: str, share: float, seed: int) -> bool:
    """Whether a sample is among the share (0 to 1) that two curators mark.

    Told by the name alone, so every server draws the same ones.
    """
    digest = hashlib.sha256(f"{seed}:{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def seen_by(
    curator: str, sample: str, marks: Mapping[str, Event], share: float, seed: int
) -> dict[str, Event]:
    """Those of a sample's standing marks that a curator may see, by curator.

    Of a sample that two are to mark, nobody sees the others' before having marked it.
    """
    if curator in marks or not needs_second(sample, share, seed):
        return dict(marks)
    return {}
