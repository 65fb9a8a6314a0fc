"""Babble: the voices of other people, who talk at the same time, mixed into a voice."""

from torch import Tensor

VOICES = 5
"""So many others talk: more of them are less and less like speech."""


def add_babble(voices: Tensor, others: Tensor, snr_db: float) -> Tensor:
    """The voices with the others behind them; each of these is as loud as the next.

    Args:
        voices: float (n, samples), -1 to 1.
        others: float (n, VOICES, samples), -1 to 1.
        snr_db: by how much a voice is louder than all of the others together (root mean square).

    Returns: float (n, samples), cut off at -1 and 1.
    """
    loudness = others.square().mean(2, keepdim=True).sqrt()
    crowd = (others / loudness.clamp_min(1e-6)).sum(1)
    wanted = voices.square().mean(1, keepdim=True).sqrt() / 10 ** (snr_db / 20)
    crowd = crowd * wanted / crowd.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
    return (voices + crowd).clamp(-1, 1)
