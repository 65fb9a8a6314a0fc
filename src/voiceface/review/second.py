"""Blind second review: two curators mark a share of the samples, neither seeing the other's."""

import hashlib


def needs_second(sample: str, share: float, seed: int) -> bool:
    """Whether a sample is among the share (0 to 1) that two curators mark.

    Told by the name alone, so every server draws the same ones.
    """
    digest = hashlib.sha256(f"{seed}:{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
