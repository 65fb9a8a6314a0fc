"""Speech stage: segments, chunks, and a timeline that adds up."""

import io
import itertools
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from tests.flash_builder import ffmpeg
from tests.media_builder import make_media
from tests.voice_builder import as_pcm, spoken
from voiceface.config import Speech
from voiceface.demo.sound import music
from voiceface.files import read_table
from voiceface.media import audio
from voiceface.media.fingerprint import mark_errors
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import parse_clips
from voiceface.stages import speech
from voiceface.tables import CHUNKS, SPEECH, TIMELINE

ANYWHERE = Speech(max_voice_change=1000)  # cut across changes of the voice, too


def _run(folder: Path, media: Path, config: Speech | None = None, clips: str = "") -> Path:
    write_outcome(folder / "o.json", Outcome(video="file-1", status="ok", duration_us=20_000_000))
    tables = [folder / f"{name}.parquet" for name in ("speech", "chunks", "timeline")]
    speech.run(config or Speech(), "file-1", media, folder / "o.json", *tables, clips)
    return folder


@pytest.fixture
def talking(demo_world: Path) -> Path:
    """A demo video with some trouble in it."""
    return sorted((demo_world / "demo-01").iterdir())[0]


def test_segments_are_four_seconds_and_never_overlap(tmp_path: Path, talking: Path) -> None:
    rows = read_table(_run(tmp_path, talking) / "speech.parquet", SPEECH).to_pylist()
    assert len(rows) >= 3
    assert all(row["end_us"] - row["start_us"] == 4_000_000 for row in rows)
    assert all(a["end_us"] <= b["start_us"] for a, b in itertools.pairwise(rows))
    assert all(row["voiced"] >= 0.8 for row in rows)


def test_the_stored_sound_is_that_of_its_time(tmp_path: Path, talking: Path) -> None:
    rows = read_table(_run(tmp_path, talking) / "speech.parquet", SPEECH).to_pylist()
    start_us = audio.first_sound_us(talking)
    assert start_us is not None
    whole = np.concatenate(list(audio.decode_pcm(talking, 16000, start_us)))
    for row in rows:
        stored, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        assert rate == 16000
        at = (row["start_us"] - start_us) * 16 // 1000
        assert np.array_equal(stored, whole[at : at + 64_000])


def test_a_long_file_read_in_blocks_gives_the_same_as_a_short_one(
    tmp_path: Path, talking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of 3 s cut through segments and through what is around them."""
    whole = pq.read_table(_run(tmp_path, talking) / "speech.parquet")
    (tmp_path / "b").mkdir()
    monkeypatch.setattr(audio, "_BLOCK_S", 3)
    blocks = pq.read_table(_run(tmp_path / "b", talking) / "speech.parquet")
    assert blocks.equals(whole)


def test_each_segment_has_four_chunks_with_their_own_voicing(tmp_path: Path, talking: Path) -> None:
    _run(tmp_path, talking)
    segments = read_table(tmp_path / "speech.parquet", SPEECH).to_pylist()
    chunks = read_table(tmp_path / "chunks.parquet", CHUNKS).to_pylist()
    assert len(chunks) == 4 * len(segments)
    for segment in segments:
        own = [chunk for chunk in chunks if chunk["start_us"] == segment["start_us"]]
        assert [c["chunk_start_us"] - c["start_us"] for c in own] == [
            0,
            10**6,
            2 * 10**6,
            3 * 10**6,
        ]
        mean = np.mean([chunk["chunk_voiced"] for chunk in own])
        assert mean == pytest.approx(segment["voiced"], abs=0.02)


def test_the_timeline_adds_up_to_the_duration(tmp_path: Path, talking: Path) -> None:
    _run(tmp_path, talking)
    rows = read_table(tmp_path / "timeline.parquet", TIMELINE).to_pylist()
    assert sum(row["duration_us"] for row in rows) == 20_000_000
    segments = read_table(tmp_path / "speech.parquet", SPEECH, ["video"]).num_rows
    times = {row["reason"]: row["duration_us"] for row in rows}
    assert times["segment"] == segments * 4_000_000


def test_other_lengths_and_rates_are_settings(tmp_path: Path, talking: Path) -> None:
    config = Speech(segment_s=2.0, chunk_s=0.5, sample_rate_hz=32000)
    rows = read_table(_run(tmp_path, talking, config) / "speech.parquet", SPEECH).to_pylist()
    sound, rate = soundfile.read(io.BytesIO(rows[0]["audio"]["bytes"]))
    assert (len(sound), rate) == (64_000, 32_000)
    assert read_table(tmp_path / "chunks.parquet", CHUNKS).num_rows == 4 * len(rows)


@pytest.mark.parametrize("rate", [8000, 48000])
def test_the_scores_hardly_depend_on_the_sample_rate(
    tmp_path: Path, talking: Path, rate: int
) -> None:
    """The video's sound is at 44.1 kHz: below and above both."""
    usual = read_table(_run(tmp_path, talking, ANYWHERE) / "speech.parquet", SPEECH).to_pylist()
    config = Speech(sample_rate_hz=rate, max_voice_change=1000)
    rows = read_table(_run(tmp_path, talking, config) / "speech.parquet", SPEECH).to_pylist()
    before = {row["start_us"]: row for row in usual}
    same = [(before[row["start_us"]], row) for row in rows if row["start_us"] in before]
    assert len(same) >= 2
    for one, other in same:
        assert mark_errors(one["audio_marks"], other["audio_marks"], 100) < 0.02
        assert other["speech"] == pytest.approx(one["speech"], abs=0.08)
        assert other["second_voice"] == pytest.approx(one["second_voice"], abs=0.01)


def test_sound_of_a_lower_rate_than_the_stored_one_is_heard(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", spoken(1, 9)[::2], 8000)
    rows = read_table(_run(tmp_path, tmp_path / "a.wav") / "speech.parquet", SPEECH).to_pylist()
    assert len(rows) == 2
    assert all(row["speech"] > 0.7 for row in rows)
    assert all(len(row["audio_marks"]) == 115 for row in rows)


@pytest.mark.parametrize(("length", "marks"), [(1.0, 19), (2.5, 67), (0.3, 0)])
def test_segments_of_any_length_are_scored(
    tmp_path: Path, talking: Path, length: float, marks: int
) -> None:
    config = Speech(segment_s=length, chunk_s=0.1)
    rows = read_table(_run(tmp_path, talking, config) / "speech.parquet", SPEECH).to_pylist()
    assert len(rows) >= 4
    assert {len(row["audio_marks"]) for row in rows} == {marks}
    assert np.median([row["speech"] for row in rows]) > 0.7
    inner = rows[1:-1]  # at the ends of the sound there may be too little around a short segment
    assert np.median([row["snr_db"] for row in inner]) > 10


def test_music_gives_segments_that_are_told_from_speech(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    tune = as_pcm(music(12 * 16000, 16000, rng))
    soundfile.write(tmp_path / "a.wav", np.concatenate([tune, spoken(0, 9)]), 16000)
    folder = _run(tmp_path, tmp_path / "a.wav", ANYWHERE)
    rows = read_table(folder / "speech.parquet", SPEECH).to_pylist()
    alone = [row["speech"] for row in rows if row["end_us"] <= 12_000_000]
    spoke = [row["speech"] for row in rows if row["start_us"] >= 12_000_000]
    assert len(alone) >= 2  # webrtcvad lets music pass
    assert max(alone) < 0.2 < 0.7 < min(spoke)


def test_speech_from_afar_is_quiet_and_a_pause_in_speech_is_not(tmp_path: Path) -> None:
    near = spoken(2, 12)
    near[24_000:33_000] = 0
    for name, pcm, quiet in (("near", near, False), ("far", near / 30, True)):
        soundfile.write(tmp_path / f"{name}.wav", pcm.astype(np.int16), 16000)
        _run(tmp_path, tmp_path / f"{name}.wav", Speech(vad_mode=0))
        rows = read_table(tmp_path / "speech.parquet", SPEECH).to_pylist()
        assert rows
        assert all((row["loudness_db"] < -55) == quiet for row in rows)


def test_silence_gives_no_segment_and_all_its_time_is_accounted(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.mp4", sound="anullsrc=d=20", seconds=20)
    _run(tmp_path, media)
    assert read_table(tmp_path / "speech.parquet", SPEECH).num_rows == 0
    (row,) = read_table(tmp_path / "timeline.parquet", TIMELINE).to_pylist()
    assert row["reason"] == "no_speech"
    assert row["duration_us"] == pytest.approx(20_000_000, abs=100_000)


def test_noise_that_reaches_into_the_edge_of_a_segment_is_heard(
    tmp_path: Path, talking: Path
) -> None:
    """Noise from half a second before the end of a segment on: within it alone it goes unheard."""
    folder = _run(tmp_path, talking, ANYWHERE)
    first = read_table(folder / "speech.parquet", SPEECH).to_pylist()[0]
    assert first["snr_db"] > 10.5
    start_us = audio.first_sound_us(talking)
    assert start_us is not None
    pcm = np.concatenate(list(audio.decode_pcm(talking, 16000, start_us)))
    noise = np.random.default_rng(0).normal(0, 6000, len(pcm))
    noise[: (first["end_us"] - start_us - 500_000) * 16 // 1000] = 0
    noisy = np.clip(pcm + noise, -32768, 32767).astype(np.int16)
    soundfile.write(tmp_path / "noisy.wav", noisy, 16000)
    _run(tmp_path, tmp_path / "noisy.wav", ANYWHERE)
    rows = read_table(folder / "speech.parquet", SPEECH).to_pylist()
    row = next(row for row in rows if row["start_us"] == first["start_us"] - start_us)
    assert row["snr_db"] < 10.5
    at = row["start_us"] * 16 // 1000
    assert audio.snr_db(noisy[at : at + 64_000], 16000) > 10.5


@pytest.mark.parametrize("clips", ["2.5-12", "1-6.2;9.5-16", "0-9999", "100-120", "19-20"])
def test_segments_lie_within_clips_and_the_time_outside_is_counted(
    tmp_path: Path, talking: Path, monkeypatch: pytest.MonkeyPatch, clips: str
) -> None:
    monkeypatch.setattr(audio, "_BLOCK_S", 3)
    stretches = parse_clips(clips)
    rows = read_table(_run(tmp_path, talking, clips=clips) / "speech.parquet", SPEECH).to_pylist()
    for row in rows:
        assert any(a <= row["start_us"] and row["end_us"] <= b for a, b in stretches)
    assert len(rows) == {"2.5-12": 2, "1-6.2;9.5-16": 2, "100-120": 0, "19-20": 0}.get(clips, 4)
    times = {
        row["reason"]: row["duration_us"]
        for row in read_table(tmp_path / "timeline.parquet", TIMELINE).to_pylist()
    }
    assert sum(times.values()) == 20_000_000
    used = sum(max(0, min(end, 20_000_000) - start) for start, end in stretches)
    assert times.get("outside_clips", 0) == 20_000_000 - used


def test_a_clip_is_searched_from_its_own_start(tmp_path: Path, talking: Path) -> None:
    whole = read_table(_run(tmp_path, talking) / "speech.parquet", SPEECH).to_pylist()
    middle = (whole[0]["start_us"] + 1_000_000) / 1_000_000
    [row] = read_table(
        _run(tmp_path, talking, clips=f"{middle:g}-{middle + 4.6:g}") / "speech.parquet", SPEECH
    ).to_pylist()
    assert row["start_us"] > whole[0]["start_us"]


def test_a_sound_as_long_as_a_segment_is_one(tmp_path: Path) -> None:
    """VAD frames of 30 ms do not divide a second."""
    config = Speech(segment_s=1.0)
    pcm = spoken(1, 9)
    found = 0
    for number in range(8):
        own = pcm[number * 16_000 :][:16_000]
        soundfile.write(tmp_path / "a.wav", own, 16000)
        rows = read_table(_run(tmp_path, tmp_path / "a.wav", config) / "speech.parquet", SPEECH)
        for row in rows.to_pylist():
            stored, _ = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
            assert np.array_equal(stored, own)
            found += 1
    assert found >= 3


def test_a_sound_a_little_too_short_is_no_segment(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", spoken(1, 9)[:15_990], 16000)
    _run(tmp_path, tmp_path / "a.wav", Speech(segment_s=1.0, min_voiced=0))
    assert read_table(tmp_path / "speech.parquet", SPEECH).num_rows == 0


def test_no_chunk_is_lost_to_rounding(tmp_path: Path, talking: Path) -> None:
    _run(tmp_path, talking, Speech(segment_s=1.2, chunk_s=0.4))  # 1.2 / 0.4 < 3
    segments = read_table(tmp_path / "speech.parquet", SPEECH).num_rows
    assert read_table(tmp_path / "chunks.parquet", CHUNKS).num_rows == 3 * segments > 0


def test_clips_of_a_clock_that_begins_late_are_counted_from_its_begin(tmp_path: Path) -> None:
    early = make_media(tmp_path / "a.mp4", seconds=20)
    late = ("-i", str(early), "-c", "copy", "-output_ts_offset", "100")
    media = ffmpeg(tmp_path / "a.ts", *late)
    begin = audio.first_sound_us(media)
    assert begin is not None
    assert begin > 100_000_000
    first = begin // 1_000_000 + 2
    _run(tmp_path, media, clips=f"{first}-{first + 5}")
    rows = read_table(tmp_path / "timeline.parquet", TIMELINE).to_pylist()
    times = {row["reason"]: row["duration_us"] for row in rows}
    assert times["outside_clips"] == pytest.approx(15_000_000, abs=50_000)


def test_no_segment_is_cut_across_a_change_of_voice(tmp_path: Path) -> None:
    change_s = 9.3
    sound = np.concatenate([spoken(0, change_s), spoken(3, 10)])
    soundfile.write(tmp_path / "a.wav", sound, 16000)
    for config, across in ((Speech(), False), (ANYWHERE, True)):
        table = read_table(_run(tmp_path, tmp_path / "a.wav", config) / "speech.parquet", SPEECH)
        starts = [row["start_us"] / 1e6 for row in table.to_pylist()]
        assert len(starts) >= 3
        assert any(start + 0.2 < change_s < start + 3.8 for start in starts) == across


def test_segments_begin_anew_where_the_picture_changes(tmp_path: Path) -> None:
    """6 s of one picture, then another: cut from the sound alone, one lies across."""
    soundfile.write(tmp_path / "a.wav", spoken(0, 11), 16000)
    ffmpeg(
        tmp_path / "a.mkv",
        *("-f", "lavfi", "-i", "testsrc=duration=6:rate=25"),
        *("-f", "lavfi", "-i", "mandelbrot=rate=25"),
        *("-i", str(tmp_path / "a.wav"), "-filter_complex"),
        "[1]scale=320:240,setsar=1[b];[0]setsar=1[a];[a][b]concat[v]",
        *("-map", "[v]", "-map", "2", "-c:v", "libx264", "-g", "250", "-t", "11"),
    )
    for media, across in (("a.wav", True), ("a.mkv", False)):
        table = read_table(_run(tmp_path, tmp_path / media, ANYWHERE) / "speech.parquet", SPEECH)
        starts = [row["start_us"] / 1e6 for row in table.to_pylist()]
        assert len(starts) == 2
        assert any(start + 0.2 < 6 < start + 3.8 for start in starts) == across
