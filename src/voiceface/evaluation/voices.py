"""Other sound than the packed segments: voices of a given length, in babble, and noise."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from voiceface.data.babble import VOICES, add_babble
from voiceface.data.batches import unit
from voiceface.data.packed import Packed
from voiceface.data.recordings import chains, segment_counts

AT_A_TIME = 16


class Voices(NamedTuple):
    """Sound of some rows of a split."""

    rows: np.ndarray
    """int64 (n,)."""
    audio: np.ndarray
    """int16 (n, samples)."""


def longer_voices(split: Packed, rows: np.ndarray, seconds: list[float]) -> Voices:
    """The longest voices of these lengths that at least half of the rows have.

    A voice goes on with the segments of its video that follow, and after the last with the first;
    segments without speech are not there, so it may have leaps. The same rows serve for each
    shorter length, so that lengths are compared on the same people.

    Args:
        seconds: the lengths, ascending.

    Returns: no rows where most have less than the shortest, or no length is asked for.
    """
    segment = split.audio.shape[1]
    samples = [round(length * split.sample_rate_hz) for length in seconds]
    there = segment_counts(split)[rows] * segment
    for wanted in reversed(samples):
        fits = there >= wanted
        if 2 * fits.sum() >= len(rows) > 0:
            chosen = rows[fits]
            parts = chains(split, -(-wanted // segment), repeats=False)[chosen].numpy()
            return Voices(chosen, split.audio[parts].reshape(len(chosen), -1)[:, :wanted])
    return Voices(rows[:0], np.empty((0, 0), np.int16))


def noise_like(audio: np.ndarray, seed: int) -> np.ndarray:
    """White noise, each row as loud (root mean square) as that of the sound: int16 (n, samples)."""
    loudness = np.sqrt(np.mean(audio.astype(np.float64) ** 2, axis=1, keepdims=True))
    noise = np.random.default_rng(seed).normal(size=audio.shape) * loudness
    return np.clip(noise.round(), -32768, 32767).astype(np.int16)


def in_babble(
    split: Packed,
    rows: np.ndarray,
    audio: np.ndarray,
    snr_db: float,
    seed: int,
    device: torch.device,
) -> np.ndarray | None:
    """The voices of some rows with other speakers of the split behind them: int16 (n, samples).

    At each SNR the same others talk. None where a speaker is alone in the split.

    Args:
        audio: int16 (n, samples), the rows' voices.
    """
    random = torch.Generator(device).manual_seed(seed)
    everyone = torch.from_numpy(np.unique(split.people, return_inverse=True)[1]).to(device)
    found, samples = [audio[:0]], audio.shape[1]
    for start in range(0, len(rows), AT_A_TIME):
        part = rows[start : start + AT_A_TIME]
        drawn = _draw_others(everyone[torch.from_numpy(part).to(device)], everyone, random)
        if drawn is None:
            return None
        others = torch.from_numpy(split.audio[drawn[0].cpu().numpy()]).to(device)
        others = _turned(others, drawn[1], samples)
        voices = torch.from_numpy(audio[start : start + AT_A_TIME]).to(device)
        mixed = add_babble(unit(voices), unit(others), snr_db)
        found.append((mixed * 32767).round().to(torch.int16).cpu().numpy())
    return np.concatenate(found)


def _draw_others(
    owners: Tensor, pool: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor] | None:
    """Who talks behind each voice: rows of a pool, and where in these it begins.

    Args:
        owners: int64 (n,), whose each voice is.
        pool: int64 (m,), whose each row is.

    Returns: int64 (n, VOICES) rows, and float64 (n, VOICES) from 0 to 1; None where somebody is
        alone in the pool.
    """
    strangers = (pool[None] != owners[:, None]).double()
    if not strangers.any(1).all():
        return None
    rows = torch.multinomial(strangers, VOICES, replacement=True, generator=random)
    starts = torch.rand(rows.shape, generator=random, device=rows.device, dtype=torch.float64)
    return rows, starts


def _turned(sound: Tensor, starts: Tensor, samples: int) -> Tensor:
    """Sound (…, n) that begins at another place, 0 to 1, and after its end again: (…, samples)."""
    count = sound.shape[-1]
    places = (starts * count).long()[..., None] + torch.arange(samples, device=sound.device)
    return sound.gather(-1, places % count)
