"""Sound in memory: as it is on the disk, and never more than was asked for."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.media_builder import make_media
from voiceface.errors import VoicefaceError
from voiceface.media.audio import decode_pcm
from voiceface.media.incoming import Resampler, decode_bytes

RATE = 16_000


def _tone(rate: int, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_pieces_at_any_rate_become_one_sound(rate: int) -> None:
    resampler = Resampler(rate, RATE)
    sound, piece = _tone(rate), rate // 25
    parts = [resampler.feed(sound[at : at + piece]) for at in range(0, len(sound), piece)]
    heard = np.concatenate([*parts, resampler.finish()])
    assert len(heard) == pytest.approx(RATE, abs=40)
    inner = slice(RATE // 10, RATE // 2)
    assert np.abs(heard[inner] - _tone(RATE)[inner].astype(int)).max() < 400
    assert sum(map(len, parts[:5])) > RATE / 5 - 200  # it does not wait for the end


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.ogg", "a.webm", "a.mp4"])
def test_every_kind_of_file_is_heard_as_the_dataset_hears_it(tmp_path: Path, name: str) -> None:
    is_sound = name.endswith(("wav", "mp3", "flac", "ogg", "webm"))
    path = make_media(tmp_path / name, **({"picture": None} if is_sound else {}))
    heard = decode_bytes(path.read_bytes(), name, RATE, most_s=5)
    there = np.concatenate(list(decode_pcm(path, RATE, 0)))
    assert len(heard) == pytest.approx(2 * RATE, abs=RATE // 10)
    spectrum = [np.abs(np.fft.rfft(pcm[RATE // 4 : RATE])) for pcm in (heard, there)]
    assert spectrum[0].argmax() == spectrum[1].argmax()
    assert np.std(heard) == pytest.approx(np.std(there), rel=0.1)


def test_what_can_not_be_heard_is_one_line(tmp_path: Path) -> None:
    whole = make_media(tmp_path / "a.wav", picture=None).read_bytes()
    mute = make_media(tmp_path / "a.mp4", sound=None).read_bytes()
    for data, words in [
        (b"", "can't be read"),
        (b"just a text\n" * 100, "can't be read"),
        (whole[:44], "damaged"),
        (mute, "has no sound"),
        (whole, "over 1 s long"),
    ]:
        with pytest.raises(VoicefaceError, match=f"^me.wav: .*{words}") as caught:
            decode_bytes(data, "me.wav", RATE, most_s=1)
        assert "\n" not in str(caught.value)


def test_what_a_damaged_file_still_holds_is_heard(tmp_path: Path) -> None:
    data = make_media(tmp_path / "a.mp3", picture=None).read_bytes()
    heard = decode_bytes(data[: len(data) // 2], "a.mp3", RATE, most_s=5)
    assert len(heard) == pytest.approx(RATE, rel=0.2)


def test_a_list_of_other_files_opens_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    monkeypatch.chdir(make_media(tmp_path / "a.wav", picture=None).parent)
    with HTTPServer(("127.0.0.1", 0), Host) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{host.server_port}/a.ts"
        hls = (
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"
        )
        dash = f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>'
        lists = [hls.format(url), hls.format("a.wav"), "ffconcat version 1.0\nfile a.wav\n", dash]
        for text in lists:
            with pytest.raises(VoicefaceError):
                decode_bytes(text.encode(), "list", RATE, most_s=5)
        host.shutdown()
    assert asked == []
