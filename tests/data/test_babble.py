"""Babble: others of the split behind a voice, at the ratio that was asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.builders import packed_dataset
from voiceface.data.babble import VOICES, add_babble
from voiceface.data.batches import Batches
from voiceface.data.packed import Packed, read_packed
from voiceface.evaluation.voices import in_babble

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """3 speakers × 2 samples, each of which holds the one tone of its speaker."""
    folder = packed_dataset(tmp_path_factory.mktemp("packed"), per_speaker=2, test_per_speaker=0)
    split = read_packed(folder / "train")
    time = np.arange(8000) / 16000
    tones = [2000 * np.sin(2 * np.pi * 400 * (label + 1) * time) for label in split.labels]
    return replace(split, audio=np.array(tones).astype(np.int16))


def loudness_of_tones(audio: np.ndarray) -> np.ndarray:
    """Root mean square of each speaker's tone: (n, samples) → (n, 3)."""
    spectrum = np.abs(np.fft.rfft(audio, axis=1)) / audio.shape[1] * 2**0.5
    hz = np.fft.rfftfreq(audio.shape[1], 1 / 16000)
    bins = [int(np.abs(hz - 400 * (label + 1)).argmin()) for label in range(3)]
    return spectrum[:, bins]


def test_babble_is_as_loud_as_was_asked_for_and_its_voices_are_alike() -> None:
    random = torch.Generator().manual_seed(0)
    voices = 0.1 * torch.randn(3, 20_000, generator=random)
    others = torch.randn(3, VOICES, 20_000, generator=random)
    others *= torch.tensor([0.001, 0.01, 0.1, 0.2, 0.02])[:, None]  # as loud as they like
    noise = add_babble(voices, others, 10.0) - voices
    ratio = 20 * torch.log10(voices.square().mean(1).sqrt() / noise.square().mean(1).sqrt())
    assert torch.allclose(ratio, torch.full((3,), 10.0), atol=0.01)
    shares = (noise[:, None] * others).sum(2) / others.square().sum(2).sqrt()
    assert (shares.std(1) / shares.mean(1) < 0.1).all()


def test_silence_stays_silent() -> None:
    silent, others = torch.zeros(1, 100), torch.zeros(1, VOICES, 100)
    assert torch.equal(add_babble(silent, others, 0.0), silent)


def test_evaluated_voices_have_the_others_of_the_split_behind_them(packed: Packed) -> None:
    rows = np.arange(6)
    mixed = in_babble(packed, rows, packed.audio, 6.0, 1, CPU)
    assert mixed is not None
    assert (mixed.dtype, mixed.shape) == (np.int16, packed.audio.shape)
    loud = loudness_of_tones(mixed)
    own = loud[rows, packed.labels]
    assert np.allclose(own, 2000 / 2**0.5, rtol=0.02)  # nobody else has that tone
    assert (loud.sum(1) > own + 100).all()
    assert np.array_equal(mixed, in_babble(packed, rows, packed.audio, 6.0, 1, CPU))
    # Behind a longer voice the others go on as long.
    longer = in_babble(packed, rows, np.tile(packed.audio, 2), 6.0, 1, CPU)
    assert longer is not None
    assert np.allclose(loudness_of_tones(longer[:, 8000:]), loud, rtol=0.05)
    assert not np.array_equal(mixed, in_babble(packed, rows, packed.audio, 6.0, 2, CPU))


def test_there_is_no_babble_where_a_speaker_is_alone(packed: Packed) -> None:
    alone = replace(packed, people=["Ana"] * 6)
    assert in_babble(alone, np.arange(6), alone.audio, 6.0, 1, CPU) is None


def test_training_voices_have_others_behind_them_and_the_stream_can_be_gone_on_with(
    packed: Packed,
) -> None:
    def batches(snr_db: float | None) -> Batches:
        return Batches(
            packed, px=64, samples=(4000, 4000), batch=6, flip=False, seed=0, device=CPU,
            babble_snr_db=snr_db,
        )  # fmt: skip

    noisy, clean = batches(0.0), batches(None)
    batch = noisy.next()
    loud = loudness_of_tones(batch.audio.numpy())
    own = loud[np.arange(6), batch.labels.numpy()]
    assert np.allclose(own, loudness_of_tones(clean.next().audio.numpy()).max(1), rtol=0.02)
    others = np.sqrt((loud**2).sum(1) - own**2)
    assert np.allclose(others, own, rtol=0.05)  # 0 dB
    state = noisy.state_dict()
    after = noisy.next()
    noisy.load_state_dict(state)
    assert torch.equal(noisy.next().audio, after.audio)
