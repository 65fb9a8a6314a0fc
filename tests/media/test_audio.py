"""Sound: decoding in step with the timestamps, levels, digests."""

from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from tests.media_builder import make_media
from voiceface.errors import VoicefaceError
from voiceface.media import audio

RATE = 16000


def _decoded(media: Path) -> tuple[int, np.ndarray]:
    start_us = audio.first_sound_us(media)
    assert start_us is not None
    return start_us, np.concatenate(list(audio.decode_pcm(media, RATE, start_us)))


def _onset_s(pcm: np.ndarray) -> float:
    """When the sound gets loud, in seconds from its first sample."""
    return float(np.argmax(np.abs(pcm.astype(int)) > 3000)) / RATE


@pytest.mark.parametrize(
    ("end", "stopped"), [("kill -KILL $$", True), ("exit 255", True), ("exit 69", False)]
)
def test_an_ffmpeg_that_was_killed_is_told_from_a_damaged_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, stopped: bool
) -> None:
    """The real ffmpeg's output and then the end that it takes: out of memory, SIGTERM, an error."""
    media = make_media(tmp_path / "a.m4a", picture=None, seconds=2)
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\n{imageio_ffmpeg.get_ffmpeg_exe()} "$@"\n{end}\n')
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    blocks = audio.decode_pcm(media, RATE, 0)
    assert len(next(blocks)) == pytest.approx(2 * RATE, rel=0.05)
    if stopped:
        with pytest.raises(VoicefaceError, match="build again"):
            next(blocks)
    else:
        assert next(blocks, None) is None


BEEP_AT_2_S = "aevalsrc='0.5*sin(2*PI*880*t)*gte(t,2)':s=48000:d=4"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.mov", "a.ts"])
def test_a_beep_is_found_at_its_own_time_in_every_container(tmp_path: Path, name: str) -> None:
    media = make_media(tmp_path / name, sound=BEEP_AT_2_S, seconds=4)
    start_us, pcm = _decoded(media)
    with av.open(str(media)) as container:
        origin = next(container.decode(video=0)).time  # 1.48 s in MPEG-TS, about 0 elsewhere
    assert start_us / 1e6 + _onset_s(pcm) == pytest.approx(2 + origin, abs=0.03)


def test_sound_that_starts_later_than_the_picture_keeps_its_offset(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.mkv", sound=BEEP_AT_2_S, seconds=4, sound_offset_s=0.7)
    start_us, pcm = _decoded(media)
    assert start_us / 1e6 + _onset_s(pcm) == pytest.approx(2.7, abs=0.03)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_any_rate_and_layout_becomes_16_khz_mono(tmp_path: Path, rate: int, layout: str) -> None:
    media = make_media(tmp_path / "a.mkv", sound=BEEP_AT_2_S, seconds=4, rate=rate, layout=layout)
    start_us, pcm = _decoded(media)
    assert pcm.dtype == np.int16
    assert len(pcm) / RATE == pytest.approx(4, abs=0.1)
    assert start_us / 1e6 + _onset_s(pcm) == pytest.approx(2, abs=0.03)


def test_a_picture_without_sound_has_no_first_sound(tmp_path: Path) -> None:
    assert audio.first_sound_us(make_media(tmp_path / "a.mp4", sound=None, seconds=1)) is None


def test_loudness_is_in_decibels_of_full_scale() -> None:
    sine = (32767 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
    assert audio.loudness_db(sine) == pytest.approx(-3.01, abs=0.05)
    assert audio.loudness_db(np.zeros(RATE, np.int16)) == -120


def test_flat_tops_are_clipping_and_a_loud_sine_is_not() -> None:
    sine = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    assert audio.clipped_share((32767 * np.clip(4 * sine, -1, 1)).astype(np.int16), RATE) > 0.5
    speech_like = sine * np.abs(np.sin(2 * np.pi * 3 * np.arange(RATE) / RATE)) ** 2
    assert audio.clipped_share((32767 * speech_like).astype(np.int16), RATE) < 0.02
    assert audio.clipped_share(np.zeros(100, np.int16), RATE) == 0


def test_half_a_second_of_clipping_counts_as_much_as_four() -> None:
    sine = np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)
    clipped = 30000 * np.clip(4 * sine, -1, 1)
    part = np.concatenate([clipped[: RATE // 2], 0.2 * clipped[RATE // 2 :]]).astype(np.int16)
    whole = audio.clipped_share(clipped.astype(np.int16), RATE)
    assert audio.clipped_share(part, RATE) == pytest.approx(whole / 2, rel=0.05)
    assert audio.clipped_share(clipped[: RATE // 2].astype(np.int16), RATE) == pytest.approx(
        whole, rel=0.05
    )


def test_a_second_that_is_too_low_to_be_voiced_all_the_time_is_quiet() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)
    sine[2 * RATE : 3 * RATE] *= 0.01
    voiced = np.ones(4 * RATE, bool)
    voiced[2 * RATE : 3 * RATE] = np.arange(RATE) % 1000 < 300
    pcm = (32768 * sine).astype(np.int16)
    assert audio.quietest_db(pcm, voiced, RATE) == pytest.approx(-9.03 - 40 + 3, abs=0.2)
    voiced[2 * RATE : 3 * RATE] = False  # a long pause
    assert audio.quietest_db(pcm, voiced, RATE) > -13


def test_quiet_speech_counts_and_pauses_do_not() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)
    voiced = np.ones(4 * RATE, bool)
    sine[RATE : RATE + RATE * 6 // 10] *= 0.01
    pcm = (32768 * sine).astype(np.int16)
    assert audio.quietest_db(pcm, voiced, RATE) == pytest.approx(-9.03 - 40, abs=0.1)
    voiced[RATE + 100 : 2 * RATE : RATE // 10] = False  # now and then not loud enough for a voice
    assert audio.quietest_db(pcm, voiced, RATE) == pytest.approx(-9.03 - 40, abs=0.1)
    voiced[RATE : RATE + RATE * 6 // 10] = False  # a pause
    assert audio.quietest_db(pcm, voiced, RATE) == pytest.approx(-9.03, abs=1)
    nowhere = np.zeros(4 * RATE, bool)
    assert audio.quietest_db(pcm, nowhere, RATE) == audio.loudness_db(pcm)
    assert audio.quietest_db(pcm[:1000], voiced[:1000], RATE) == audio.loudness_db(pcm[:1000])


def test_noise_in_the_gaps_lowers_the_signal_to_noise_ratio() -> None:
    random = np.random.default_rng(0)
    time = np.arange(4 * RATE) / RATE
    syllables = np.sin(2 * np.pi * 150 * time) * (np.sin(2 * np.pi * 2 * time) > 0)
    noise = random.normal(size=len(time))
    ratios = [
        audio.snr_db((8000 * syllables + level * noise).astype(np.int16), RATE)
        for level in (8, 80, 800, 4000)
    ]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 40
    assert ratios[-1] < 10


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000, 11025])
def test_resampling_keeps_time_level_and_pitch(rate: int) -> None:
    """A chirp that ends in the middle of the last quarter of a second."""

    def chirp(hz: int) -> np.ndarray:
        time = np.arange(round(2.125 * hz)) / hz
        return np.sin(2 * np.pi * (300 + 400 * time) * time) * np.sin(np.pi * time / 2.125)

    back = audio.resampled((20000 * chirp(rate)).astype(np.int16), rate, 16000)
    assert back.dtype == np.float32
    wanted = chirp(16000)[: len(back)] * 20000 / 32768
    assert len(back) == pytest.approx(34000, abs=2)
    assert np.abs(back - wanted).max() < 0.002


def test_resampling_leaves_nothing_above_the_lower_rates_half() -> None:
    high = (20000 * np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE)).astype(np.int16)
    assert np.abs(audio.resampled(high, RATE, 8000)[400:-400]).max() < 0.001


def test_flac_gives_back_every_sample(tmp_path: Path) -> None:
    pcm = np.random.default_rng(2).integers(-32768, 32767, RATE, dtype=np.int16)
    path = tmp_path / "a.flac"
    path.write_bytes(audio.to_flac(pcm, RATE))
    back, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    assert np.array_equal(back, pcm)
