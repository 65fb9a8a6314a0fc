"""The studio over HTTP and its socket: who may, what it answers, and what it never does."""

import base64
import gc
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tests.media_builder import make_media
from tests.studio.conftest import HEADERS, as_file
from tests.voice_builder import RATE, spoken
from voiceface.config import Settings
from voiceface.errors import VoicefaceError
from voiceface.files import read_json, write_json
from voiceface.ids import video_mark
from voiceface.layout import TAKEDOWNS
from voiceface.models.drawing import draw_faces
from voiceface.studio.limits import MOST_S, MOST_TABS
from voiceface.studio.recording import Recording
from voiceface.studio.room import Room
from voiceface.takedowns import Takedown, add_takedowns

PIECE = RATE // 25


@contextmanager
def live(client: TestClient, **headers: str) -> Iterator[WebSocketTestSession]:
    with client.websocket_connect("/live", headers={**HEADERS, **headers}) as socket:
        yield socket


def told(socket: WebSocketTestSession, kind: str) -> dict[str, Any]:
    """The next message of a kind; an error on the way is one, unless it is asked for."""
    while (message := socket.receive_json())["kind"] != kind:
        assert message["kind"] != "error", message
    return message


def say(socket: WebSocketTestSession, pcm: np.ndarray, rate: int = RATE) -> None:
    socket.send_json({"do": "begin", "rate": rate})
    for at in range(0, len(pcm), PIECE):
        socket.send_bytes(pcm[at : at + PIECE].tobytes())


def give(socket: WebSocketTestSession, data: bytes, name: str = "me.wav") -> None:
    socket.send_json({"do": "file", "name": name})
    socket.send_bytes(data)


def pixels(face: dict[str, Any]) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(face["rgb"]), np.uint8)
    return data.reshape(face["px"], face["px"], 3)


@pytest.mark.parametrize("path", ["/", "/api/state", "/people/0.png", "/nothing"])
def test_without_the_token_nothing_is_told(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    if path == "/":
        assert "`voiceface studio` printed" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "v=wrong"},
        {"cookie": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"host": "evil.example:8000"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_nobody_else_opens_the_socket(client: TestClient, headers: dict[str, str]) -> None:
    with live(client) as socket:
        socket.send_json({"do": "save"})
        assert told(socket, "error")
    with pytest.raises(WebSocketDisconnect), live(client, **headers):
        pass


def test_the_page_and_the_people_are_told_of(client: TestClient, room: Room) -> None:
    page = client.get("/", headers=HEADERS)
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    state = client.get("/api/state", headers=HEADERS).json()
    assert [one["name"] for one in state["models"]] == ["wav2pix"]
    assert state["models"][0]["need_s"] == 1
    assert "dlib" in state["faces"]
    for number in range(len(state["people"])):
        picture = client.get(f"/people/{number}.png", headers=HEADERS)
        assert Image.open(io.BytesIO(picture.content)).size == (128, 128)
        assert picture.headers["cache-control"] == "no-store"
    assert client.get("/people/9.png", headers=HEADERS).status_code == 404


def test_a_face_comes_while_one_speaks_and_again(client: TestClient, voice_pcm: np.ndarray) -> None:
    with live(client) as socket:
        say(socket, voice_pcm)
        first = told(socket, "face")
        assert first["model"] == "wav2pix"
        assert 1 <= first["from_s"] <= 3
        assert 1.5 <= first["second_at_s"] < 2.2
        near = told(socket, "near")["people"]
        assert len(near) == 3
        assert near == sorted(near, key=lambda one: -one["similarity"])
        assert told(socket, "speaking")["people"][0]["name"].startswith("speaker")
        socket.send_json({"do": "end"})
        assert told(socket, "face")["px"] == 64
        assert told(socket, "done")


def test_in_the_end_the_face_is_the_one_of_all_the_speech(
    client: TestClient, room: Room, voice_pcm: np.ndarray
) -> None:
    listener = room.listener()
    listener.feed(voice_pcm)
    listener.finish()
    model = room.painters.all[0].model
    drawn = draw_faces(model, listener.speech(MOST_S)[None], torch.device("cpu"))[0]
    with live(client) as socket:
        give(socket, as_file(voice_pcm))
        assert told(socket, "frames")["speech_s"] > 2
        assert (pixels(told(socket, "face")) == drawn).all()


def test_a_microphone_of_another_rate_is_heard_alike(
    client: TestClient, voice_pcm: np.ndarray
) -> None:
    times = np.arange(3 * len(voice_pcm)) / 3
    fast = np.interp(times, np.arange(len(voice_pcm)), voice_pcm).astype(np.int16)
    spoken_s = []
    for pcm, rate in ((voice_pcm, RATE), (fast, 3 * RATE)):
        with live(client) as socket:
            say(socket, pcm, rate)
            socket.send_json({"do": "end"})
            while (message := socket.receive_json())["kind"] != "done":
                if message["kind"] == "frames":
                    last = message["speech_s"]
            spoken_s.append(last)
    assert spoken_s[0] > 2.5
    assert spoken_s[0] == pytest.approx(spoken_s[1], abs=0.2)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("text.wav", b"just a text" * 50, "text.wav: can't be read"),
        ("empty.wav", b"", "empty.wav: can't be read"),
        ("still.wav", as_file(np.zeros(2 * RATE, np.int16)), "still.wav: no speech in 2.0 s"),
        ("short.wav", as_file(spoken(1, 0.7)), r"short.wav: (only 0.[3-8] s|no) (of )?speech"),
        ("long.wav", as_file(np.zeros(61 * RATE, np.int16)), "long.wav: over 60 s long"),
        ("x" * 999, b"nothing", f"^{'x' * 120}: can't"),
    ],
)
def test_a_file_that_serves_nothing_is_one_line(
    client: TestClient, name: str, data: bytes, words: str
) -> None:
    with live(client) as socket:
        give(socket, data, name)
        line = told(socket, "error")["words"]
        assert "\n" not in line
        assert re.search(words, line), line
        socket.send_json({"do": "save"})
        assert "no face yet" in told(socket, "error")["words"]


def test_a_picture_without_sound_is_one_line(client: TestClient, tmp_path: Path) -> None:
    with live(client) as socket:
        give(socket, make_media(tmp_path / "a.mp4", sound=None).read_bytes(), "a.mp4")
        assert "a.mp4: has no sound" in told(socket, "error")["words"]


def test_what_no_page_sends_is_refused_and_the_socket_goes_on(
    client: TestClient, voice_pcm: np.ndarray
) -> None:
    with live(client) as socket:
        for words in ("{", "[1]", "[" * 100_000, '{"do": "begin"}', '{"do": "reboot"}'):
            socket.send_text(words)
            assert told(socket, "error")
        for rate in (0, 10**9, "16000", None, 1.5, True):
            socket.send_json({"do": "begin", "rate": rate})
            assert "samples a second" in told(socket, "error")["words"]
        socket.send_json({"do": "file", "name": "never.wav"})
        socket.send_json({"do": "begin", "rate": RATE})
        for piece in (b"x", bytes(10**6)):
            socket.send_bytes(piece)
            assert "a piece of sound" in told(socket, "error")["words"]
        say(socket, voice_pcm)
        assert told(socket, "face")


def test_a_recording_ends_by_itself_when_it_is_full(
    client: TestClient, voice_pcm: np.ndarray
) -> None:
    with live(client) as socket:
        say(socket, voice_pcm)
        silence = np.zeros(RATE, np.int16).tobytes()
        for _ in range(int(MOST_S)):
            socket.send_bytes(silence)
        assert told(socket, "full")
        assert told(socket, "done")


def test_only_so_many_tabs_are_served(client: TestClient) -> None:
    with ExitStack() as tabs:
        for _ in range(MOST_TABS):
            tabs.enter_context(live(client)).send_json({"do": "save"})
        with live(client) as one_more, pytest.raises(WebSocketDisconnect) as closed:
            one_more.receive_json()
        assert "close one" in closed.value.reason


def test_the_download_has_the_sound_the_faces_and_what_they_are(
    client: TestClient, studio_project: Path, voice_pcm: np.ndarray
) -> None:
    with live(client) as socket:
        give(socket, as_file(voice_pcm))
        face = pixels(told(socket, "face"))
        near = told(socket, "near")["people"]
        speaking = told(socket, "speaking")["people"]
        assert told(socket, "done")
        socket.send_json({"do": "save"})
        archive = zipfile.ZipFile(io.BytesIO(socket.receive_bytes()))
    assert sorted(archive.namelist()) == ["studio.json", "voice.wav", "wav2pix.png"]
    assert (np.asarray(Image.open(archive.open("wav2pix.png"))) == face).all()
    sound, rate = soundfile.read(archive.open("voice.wav"), dtype="int16")
    assert rate == RATE
    np.testing.assert_array_equal(sound, voice_pcm)
    about = json.loads(archive.read("studio.json"))
    (model,) = about["models"]
    card = read_json(studio_project / "models/wav2pix/model.json")
    assert model["weights_sha256"] == card["sha256"]
    assert [one["similarity"] for one in model["nearest"]] == [one["similarity"] for one in near]
    assert [one["name"] for one in about["speaking"]["people"]] == [one["name"] for one in speaking]


def test_what_was_said_is_forgotten_with_the_tab_and_never_on_the_disk(
    client: TestClient, studio_project: Path, tmp_path: Path, voice_pcm: np.ndarray
) -> None:
    before = {path: path.stat().st_mtime_ns for path in studio_project.rglob("*")}
    with live(client) as socket:
        give(socket, as_file(voice_pcm))
        told(socket, "speaking")
        assert _recordings()
    gc.collect()
    assert not _recordings()
    assert {path: path.stat().st_mtime_ns for path in studio_project.rglob("*")} == before


def _recordings() -> list[Recording]:
    return [one for one in gc.get_objects() if type(one) is Recording]


def test_models_that_can_not_draw_are_named_and_none_at_all_is_one_line(
    studio_project: Path, tmp_path: Path
) -> None:
    with pytest.raises(VoicefaceError, match="holds no trained model; train one with"):
        Room(tmp_path, Settings())
    broken = tmp_path / "models/acgan"
    broken.mkdir(parents=True)
    (broken / "generator.safetensors").write_bytes(b"no weights")
    (broken / "model.json").write_text("{}")
    with pytest.raises(VoicefaceError, match=r"holds no trained model .*acgan") as caught:
        Room(tmp_path, Settings())
    assert "\n" not in str(caught.value)
    os.symlink(studio_project / "models/wav2pix", tmp_path / "models/wav2pix")
    room = Room(tmp_path, Settings())
    state = room.state()
    assert [one["name"] for one in state["models"]] == ["wav2pix"]
    assert "acgan" in state["left_out"][0]
    assert state["people"] == []
    assert "No faces to compare with" in state["faces"]
    assert "sincnet" in state["speaking"]


def test_an_experiment_s_models_draw_where_they_are_named(
    studio_project: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    for name in ("wav2pix", "wav2pix-seed1"):
        os.symlink(studio_project / "models/wav2pix", tmp_path / "models" / name)
    usual = Room(tmp_path, Settings()).state()
    assert [one["name"] for one in usual["models"]] == ["wav2pix"]
    assert usual["left_out"] == [
        "left out, models of experiments: 1; name those that are to draw, as in `voiceface studio"
        " wav2pix-seed1`"
    ]
    both = Room(tmp_path, Settings(), ["wav2pix-seed1", "wav2pix"]).state()
    assert [one["name"] for one in both["models"]] == ["wav2pix-seed1", "wav2pix"]
    assert both["left_out"] == []
    with pytest.raises(VoicefaceError, match="models/nobody: holds no trained model"):
        Room(tmp_path, Settings(), ["nobody"])


def test_an_experiment_s_model_of_what_was_taken_down_does_not_draw_and_is_named(
    studio_project: Path, tmp_path: Path
) -> None:
    (tmp_path / "models/wav2pix-seed1").mkdir(parents=True)
    os.symlink(studio_project / "models/wav2pix", tmp_path / "models/wav2pix")
    for name in ("generator.safetensors", "model.json"):
        shutil.copy(studio_project / "models/wav2pix" / name, tmp_path / "models/wav2pix-seed1")
    write_json(tmp_path / "models/wav2pix-seed1/model.json", {"videos": [video_mark("web-a")]})
    row = Takedown(video="web-a", date="2026-11-26", reason="asked")
    add_takedowns(tmp_path / TAKEDOWNS, [row])
    (told,) = Room(tmp_path, Settings()).state()["left_out"]
    assert "trained for experiments on what was taken down, and stale: wav2pix-seed1; " in told
    with pytest.raises(VoicefaceError, match=r"no trained model .*stale: wav2pix-seed1"):
        Room(tmp_path, Settings(), ["wav2pix-seed1"])


def test_without_a_model_the_command_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").touch()
    (tmp_path / "config.yaml").touch()
    command = [sys.executable, "-m", "voiceface", "studio", "--port=0"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "models: holds no trained model; train one with `voiceface build`" in told.stderr
    assert told.stdout == ""


def test_a_model_that_needs_more_speech_waits_and_all_else_is_told(
    client: TestClient, room: Room, voice_pcm: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.painters.all[0], "need_s", 9.0)
    with live(client) as socket:
        give(socket, as_file(voice_pcm))
        assert [socket.receive_json()["kind"] for _ in range(4)] == [
            *("frames", "frames", "speaking", "done")
        ]
        give(socket, as_file(spoken(1, 12)))
        assert told(socket, "face")["from_s"] >= 9


@pytest.mark.parametrize(
    ("error", "words"),
    [(VoicefaceError("no room left"), "no room left"), (KeyError("wide\n"), "printed says why")],
)
def test_what_can_t_be_drawn_is_told_and_the_tab_goes_on(
    client: TestClient,
    room: Room,
    voice_pcm: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with live(client) as socket:
        with monkeypatch.context() as patch:
            patch.setattr(type(room.painters.all[0]), "draw", fail)
            give(socket, as_file(voice_pcm))
            line = told(socket, "error")["words"]
            assert words in line
            assert "\n" not in line
            assert told(socket, "speaking")
            assert told(socket, "done")
        give(socket, as_file(voice_pcm))
        assert told(socket, "face")


def test_nothing_is_told_of_a_recording_once_the_next_has_begun(
    client: TestClient, voice_pcm: np.ndarray
) -> None:
    with live(client) as socket:
        say(socket, voice_pcm)
        socket.send_json({"do": "end"})
        give(socket, as_file(voice_pcm))
        give(socket, as_file(voice_pcm))
        numbers, ends = [], 0
        while not numbers or numbers[-1] < 3 or not ends:
            message = socket.receive_json()
            numbers.append(message["recording"])
            ends += message["kind"] == "done" and numbers[-1] == 3
    assert numbers == sorted(numbers)
    assert set(numbers) == {1, 2, 3}
