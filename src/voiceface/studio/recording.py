"""One recording or file, where speech is in it, and what was drawn of it; in memory alone."""

import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from voiceface.errors import VoicefaceError
from voiceface.media.incoming import Resampler, decode_bytes
from voiceface.studio.limits import LEAST_S, MOST_FILE_BYTES, MOST_S, RATES_HZ
from voiceface.studio.listener import Found
from voiceface.studio.painters import Face, Painter
from voiceface.studio.people import Near
from voiceface.studio.room import Room

Message = dict[str, Any]
"""To the page; "kind" says what it is."""

_SPEAKER, _END = "/speaker", "/end"
"""What is computed beside the faces; no model is called so."""
_AGAIN_S = 0.5
"""New speech after which everything is drawn again."""


class Recording:
    """Takes sound, finds the speech in it, and knows what is to be drawn."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._resampler: Resampler | None = None
        self.listener = room.listener()
        self.ended = False
        self.faces: dict[str, Face] = {}
        self.near: dict[str, list[Near]] = {}
        self.speaking: list[Near] = []
        self._told_s: dict[str, float] = {}
        """how much speech there was when something was last computed, by model, …"""

    def begin(self, rate_hz: Any) -> None:
        """Pieces of sound at that rate will come.

        Raises:
            VoicefaceError: it is at no rate that can be.
        """
        low, high = RATES_HZ
        if not isinstance(rate_hz, int) or not low <= rate_hz <= high:
            raise VoicefaceError(f"a microphone gives {low} to {high} samples a second")
        self._resampler = Resampler(rate_hz, self.listener.rate_hz)

    def hear(self, data: bytes) -> Iterator[Message]:
        """The next piece: little-endian int16, mono. What comes after the end is not heard.

        Raises:
            VoicefaceError: it is no such sound.
        """
        if len(data) % 2 or len(data) > 2 * RATES_HZ[1]:
            raise VoicefaceError("a piece of sound is at most a second of 16-bit samples")
        if self._resampler is None:
            return
        yield self._found(self.listener.feed(self._resampler.feed(np.frombuffer(data, "<i2"))))
        if self.listener.is_full:
            yield {"kind": "full"}
            yield from self.end()

    def end(self) -> Iterator[Message]:
        """No more will come: what waits is judged, and all is to be drawn once more."""
        if self._resampler is not None:
            yield self._found(self.listener.feed(self._resampler.finish()))
            self._resampler = None
            yield from self._finish("the recording")

    def take_file(self, data: bytes, name: str) -> Iterator[Message]:
        """A whole file.

        Raises:
            VoicefaceError: it is too large, too long, damaged, or holds no sound.
        """
        if len(data) > MOST_FILE_BYTES:
            raise VoicefaceError(f"{name}: over {MOST_FILE_BYTES >> 20} MiB; cut it")
        yield self._found(
            self.listener.feed(decode_bytes(data, name, self.listener.rate_hz, MOST_S))
        )
        yield from self._finish(name)

    def due(self) -> list[Callable[[], Message]]:
        """What is to be computed now, the faces first; each tells the page something."""
        spoken_s = self.listener.spoken_s()
        due = partial(self._is_due, spoken_s=spoken_s)
        drawing = [one for one in self._room.painters.all if due(one.name, one.need_s)]
        steps: list[Callable[[], Message]]
        steps = [partial(step, one) for step in (self._draw, self._find_near) for one in drawing]
        if self._room.recogniser and due(_SPEAKER, LEAST_S):
            steps.append(self._tell_speaker)
        if self.ended and due(_END, LEAST_S):
            steps.append(self._tell_end)
        return steps

    def _draw(self, painter: Painter) -> Message:
        """Let a model draw: while one speaks from the latest speech, in the end from all of it."""
        self._note(painter.name)
        latest_s = max(self._room.settings.speech.segment_s, painter.need_s)
        speech = self.listener.speech(MOST_S if self.ended else latest_s)
        face = self.faces[painter.name] = painter.draw(speech, self.listener.rate_hz)
        return {
            "kind": "face",
            "model": painter.name,
            "px": len(face.pixels),
            "rgb": base64.b64encode(face.pixels.tobytes()).decode(),
            "draw_ms": round(1000 * face.draw_s, 1),
            "from_s": round(face.seconds, 2),
            "second_at_s": self.listener.spoken_at_s(LEAST_S),
        }

    def _find_near(self, painter: Painter) -> Message:
        """The real speakers that look most like what the model drew last."""
        face = self.faces.get(painter.name)  # none where drawing failed
        near = self.near[painter.name] = self._room.near(face) if face else []
        return {"kind": "near", "model": painter.name, "people": [vars(one) for one in near]}

    def _tell_speaker(self) -> Message:
        """Who it may be: while one speaks by the latest second, in the end by a whole segment."""
        assert self._room.recogniser is not None
        self._note(_SPEAKER)
        speech = self.listener.speech(
            self._room.settings.speech.segment_s if self.ended else LEAST_S
        )
        self.speaking = self._room.recogniser.tell(speech, self.listener.rate_hz)
        return {"kind": "speaking", "people": [vars(one) for one in self.speaking]}

    def _tell_end(self) -> Message:
        self._note(_END)
        return {"kind": "done"}

    def _note(self, what: str) -> None:
        self._told_s[what] = np.inf if self.ended else self.listener.spoken_s()

    def _is_due(self, what: str, need_s: float, spoken_s: float) -> bool:
        told_s = self._told_s.get(what, -np.inf)
        news = told_s < np.inf if self.ended else spoken_s >= told_s + _AGAIN_S
        return spoken_s >= need_s and bool(news)

    def _finish(self, what: str) -> Iterator[Message]:
        yield self._found(self.listener.finish())
        self.ended = True
        spoken_s, all_s = self.listener.spoken_s(), self.listener.sound_s
        if spoken_s < LEAST_S:
            found = f"only {spoken_s:.1f} s of speech" if spoken_s else "no speech"
            words = f"{what}: {found} in {all_s:.1f} s of sound; a face takes {LEAST_S:g} s"
            yield {"kind": "error", "words": words}

    def _found(self, found: Found) -> Message:
        return {
            "kind": "frames",
            "first": found.first,
            "low": found.low.tolist(),
            "high": found.high.tolist(),
            "kinds": found.kinds.tolist(),
            "speech_s": round(self.listener.spoken_s(), 2),
        }
