"""What all tabs of the studio share: the models, the people, and the one thread that computes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voiceface.config import Settings
from voiceface.errors import VoicefaceError
from voiceface.layout import MODELS, PACKED, TAKEDOWNS
from voiceface.models.provenance import trained_on
from voiceface.studio.limits import MOST_FILE_BYTES, MOST_S
from voiceface.studio.listener import Listener
from voiceface.studio.painters import Face, Painter, load_painters
from voiceface.studio.people import (
    SIMILARITY,
    Likeness,
    Near,
    describe_faces,
    face_likeness,
    nearest,
    picture_of,
    read_people,
)
from voiceface.studio.voices import NEITHER, Recogniser, load_recogniser
from voiceface.takedowns import read_takedowns
from voiceface.training.device import pick_device


class Room:
    """The models and the people of a project; nothing that a tab says is kept here."""

    def __init__(self, root: Path, settings: Settings, models: Sequence[str] = ()) -> None:
        """Load everything, so that the first voice does not wait.

        Args:
            models: those that draw; see `load_painters`.

        Raises:
            VoicefaceError: no model is trained, or a table is damaged.
        """
        self.settings = settings
        down = read_takedowns(root / TAKEDOWNS).videos
        device = pick_device(settings.evaluate.device)
        stale = trained_on(root / MODELS, down)
        self.painters = load_painters(root / MODELS, models, stale, device)
        self.people = read_people(root / PACKED, down)
        self.pictures = [picture_of(one) for one in self.people]
        self._likeness, self.faces_words = self._load_likeness()
        self.recogniser, self.speaking_words = self._load_recogniser(root / MODELS, stale, device)
        # One thread: two that compute at a time are slower than one after the other.
        self.worker = ThreadPoolExecutor(1, "studio")
        self.listener().feed(np.zeros(settings.speech.sample_rate_hz, np.int16))

    def listener(self) -> Listener:
        """A fresh one, for one recording."""
        return Listener(self.settings.speech, self.settings.samples.min_speech, MOST_S)

    def near(self, face: Face) -> list[Near]:
        """The real speakers whose faces are most like a drawn one, the most like first."""
        likeness = self._likeness.get(len(face.pixels))
        if likeness is None:
            return []
        similar = likeness.to(describe_faces(face.pixels[None])[0])
        return nearest(similar, [person.name for person in self.people], self.people)

    def state(self) -> dict[str, Any]:
        """What the page has to know at its start."""
        speech = self.settings.speech
        return {
            "models": [_model_json(painter) for painter in self.painters.all],
            "left_out": self.painters.left_out,
            "people": [{"name": one.name, "in_training": one.in_training} for one in self.people],
            "faces": self.faces_words,
            "speaking": self.speaking_words,
            "frame_s": speech.vad_frame_ms / 1000,
            "most_s": MOST_S,
            "most_file_bytes": MOST_FILE_BYTES,
        }

    def _load_likeness(self) -> tuple[dict[int, Likeness], str]:
        """By the size of drawn faces, and words on what the figures are, or why there are none."""
        if len(self.people) < 2:
            return {}, f"No faces to compare with: {PACKED} holds {len(self.people)} speakers."
        sizes = {painter.model.px for painter in self.painters.all}
        try:
            return {px: face_likeness(self.people, px) for px in sizes}, SIMILARITY
        except VoicefaceError as error:
            return {}, f"Faces are not compared: {error}."

    def _load_recogniser(
        self, models: Path, stale: list[str], device: torch.device
    ) -> tuple[Recogniser | None, str]:
        """What tells who is speaking, and words on it, or why nothing does."""
        try:
            found = load_recogniser(models, stale, self.people, device)
        except VoicefaceError as error:
            return None, f"Who is speaking is not told: {error}."
        return found, found.about if found else NEITHER


def _model_json(painter: Painter) -> dict[str, Any]:
    return {
        "name": painter.name,
        "paper": painter.entry.paper,
        "about": painter.entry.about,
        "steps": painter.card["steps"],
        "need_s": painter.need_s,
    }
