"""Wav2Pix's released data: faces and one second of sound of YouTube's speakers.

Layout: `<split>/<speaker>/preprocessed_frame_N.wav` (1 s, 16 kHz, 16 bit) beside
`<split>/<speaker>/cropped_face_frame_N.png`, which is a JPEG with red and blue swapped. Source:
Duarte et al., "Wav2Pix: Speech-conditioned Face Generation using Generative Adversarial Networks",
ICASSP 2019; https://github.com/imatge-upc/wav2pix (the folder `dataset`).

It comes in as sound and as pictures of one person each, joined by identity. A pair's number would
say no more: its second is any of the ±4 s around the face, and the face stands again under other
numbers with other seconds. The splits are drawn anew, as the released ones share sound.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from voiceface.corpora.found import Found, label, source
from voiceface.corpora.tables import People

_FACE = re.compile(r"cropped_face_frame_(\d+)\.png")
_SOUND = re.compile(r"preprocessed_frame_(\d+)\.wav")
_RATE_HZ = 16_000
_VAD_MODE, _VAD_FRAME_MS = 3, 30
_LEAST_VOICED = 0.5
_LEAST_SPEECH = 0.5


def find(top: Path, people: People) -> Found:
    """A row for each folder of a speaker; duplicated faces and clips without speech are listed."""
    found = Found()
    faces: dict[str, list[Path]] = defaultdict(list)
    for folder in sorted({path.parent for path in top.rglob("preprocessed_frame_*.wav")}):
        speaker = label(folder.absolute().name)
        found.sources.append(source(folder, speaker, language="es"))
        pictures, sounds = (_numbered(folder, pattern) for pattern in (_FACE, _SOUND))
        for number in sorted(pictures.keys() ^ sounds.keys()):
            lone = (pictures.get(number) or sounds[number]).name
            found.note("no_partner", folder / lone, "no sound and face under this number")
        faces[speaker] += pictures.values()
        for path in sounds.values():
            _judge_sound(found, path)
    for of_speaker in faces.values():
        _find_twins(found, of_speaker)
    return found


def mender(folder: Path) -> Callable[[str, bytes], bytes]:
    """What gives the bytes of a picture of any folder, as they are to be used, from its name.

    Wav2Pix's faces, with red and blue swapped, become PNG with the colours put right. All else
    stays as it is, also what has such a name in a folder without a clip of Wav2Pix.
    """
    if any(_SOUND.fullmatch(path.name) for path in folder.iterdir()):
        return _mend_picture
    return lambda name, data: data


def _mend_picture(name: str, data: bytes) -> bytes:
    if not (_FACE.fullmatch(name) and data.startswith(b"\xff\xd8\xff")):
        return data
    import cv2  # takes a while to load, and downloads need it only here
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return data
    return bytes(cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))[1])


def _numbered(folder: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    """The files whose names match, by the number in it, ascending."""
    matches = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in matches if match))


def _judge_sound(found: Found, path: Path) -> None:
    import soundfile

    from voiceface.media.silero import speech_probability
    from voiceface.media.vad import VoicedFrames

    try:
        pcm, rate = soundfile.read(path, dtype="int16")
    except soundfile.LibsndfileError as error:
        found.note("damaged", path, str(error))
        return
    if rate != _RATE_HZ or pcm.ndim != 1 or not len(pcm):
        found.note("other_format", path, f"{rate} Hz, shape {pcm.shape}; not judged")
        return
    flags = VoicedFrames(rate, _VAD_MODE, _VAD_FRAME_MS).feed(pcm)
    voiced = float(flags.mean()) if len(flags) else 0.0
    speech = speech_probability(pcm, rate)
    if voiced < _LEAST_VOICED or speech < _LEAST_SPEECH:
        found.note("non_speech", path, f"voiced {voiced:.2f}, speech {speech:.2f}")


def _find_twins(found: Found, pictures: list[Path]) -> None:
    """Note faces of which there are several, by their decoded pixels."""
    import cv2

    of_pixels: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        pixels = cv2.imread(str(path))
        if pixels is None:
            found.note("damaged", path, "not a picture")
        else:
            digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
            of_pixels[digest].append(path)
    for first, *others in of_pixels.values():
        if others:
            names = ", ".join(map(str, others))
            found.note("duplicated_face", first, f"{len(others) + 1} times: also {names}")
