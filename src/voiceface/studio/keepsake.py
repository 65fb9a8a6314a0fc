"""What can be downloaded: the sound, the faces, and what they are, as one zip made in memory."""

import hashlib
import io
import zipfile
from typing import Any

import soundfile

from voiceface.data.sheets import png_of
from voiceface.errors import VoicefaceError
from voiceface.files import json_text
from voiceface.studio.painters import Painter
from voiceface.studio.people import SIMILARITY, Near
from voiceface.studio.recording import Recording
from voiceface.studio.room import Room

ABOUT = "studio.json"
SOUND = "voice.wav"


def keepsake(room: Room, recording: Recording) -> bytes:
    """A zip with `SOUND`, `<model>.png` for each that drew, and `ABOUT`.

    Raises:
        VoicefaceError: nothing was drawn yet.
    """
    if not recording.faces:
        raise VoicefaceError("there is no face yet to download; speak for a second")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(SOUND, _wav(recording))
        drew = [one for one in room.painters.all if one.name in recording.faces]
        for painter in drew:
            pixels = recording.faces[painter.name].pixels
            archive.writestr(f"{painter.name}.png", png_of(pixels))
        archive.writestr(ABOUT, json_text(_about(room, recording, drew)))
    return target.getvalue()


def _wav(recording: Recording) -> bytes:
    target = io.BytesIO()
    rate_hz = recording.listener.rate_hz
    soundfile.write(target, recording.listener.sound, rate_hz, format="WAV", subtype="PCM_16")
    return target.getvalue()


def _about(room: Room, recording: Recording, drew: list[Painter]) -> dict[str, Any]:
    listener = recording.listener
    return {
        "sound": {
            "file": SOUND,
            "seconds": round(listener.sound_s, 3),
            "speech_s": round(listener.spoken_s(), 3),
            "sample_rate_hz": listener.rate_hz,
            "samples_sha256": hashlib.sha256(listener.sound.astype("<i2").tobytes()).hexdigest(),
        },
        "models": [_model(recording, painter) for painter in drew],
        "similarity": SIMILARITY,
        "speaking": {
            "by": room.speaking_words,
            "people": [_person(one) for one in recording.speaking],
        },
    }


def _model(recording: Recording, painter: Painter) -> dict[str, Any]:
    face = recording.faces[painter.name]
    return {
        "name": painter.name,
        "file": f"{painter.name}.png",
        "paper": painter.entry.paper,
        "weights_sha256": painter.card["sha256"],
        "dataset": painter.card["data"],
        "steps": painter.card["steps"],
        "drawn_from_s": round(face.seconds, 3),
        "draw_ms": round(1000 * face.draw_s, 1),
        "nearest": [_person(one) for one in recording.near.get(painter.name, [])],
    }


def _person(near: Near) -> dict[str, Any]:
    return {"name": near.name, "similarity": near.similarity}
