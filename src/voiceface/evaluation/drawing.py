"""The faces to evaluate: drawn from voices, from some seconds of them, in babble, from noise."""

import sys
from dataclasses import replace

import numpy as np
import torch

from voiceface.config import Evaluate
from voiceface.data.packed import Packed
from voiceface.data.store import shrunk
from voiceface.evaluation.metric import Described, Faces, Scores, Training
from voiceface.evaluation.voices import in_babble, longer_voices, noise_like
from voiceface.models.drawing import draw_faces, map_voices, spread, voices_of
from voiceface.models.judging import Judge, score_faces
from voiceface.models.options import gender_of
from voiceface.models.registry import Mapper, Model

VOICES_AGAIN, TIMES_AGAIN = 24, 4
"""Voices of each split that are drawn with several seeds, and with how many."""


class Drawer:
    """Draws a split's voices, or as many of them as are asked for."""

    def __init__(self, split: Packed, model: Model, config: Evaluate, device: torch.device) -> None:
        self.split, self.model, self.config, self.device = split, model, config, device
        rows = split.rows_of(gender_of(model))
        self.rows = rows[spread(len(rows), config.voices_per_split)]

    @property
    def voices(self) -> np.ndarray:
        """What is drawn from: int16 (n, samples)."""
        return voices_of(self.model, self.split, self.rows)  # not kept: 64 MB, in each split

    def speech(self) -> Faces:
        """From the voices as they are."""
        voices, few = self.voices, spread(len(self.rows), VOICES_AGAIN)
        faces = self._faces(self.split.split, self.rows, voices)
        sound = self._long_enough(voices[few])
        again = [self._draw(sound, self.config.seed + time) for time in range(TIMES_AGAIN)]
        return replace(faces, again=np.stack(again, axis=1), again_of=few)

    def noise(self) -> Faces:
        """From white noise, as loud as each voice."""
        sound = noise_like(self.voices, self.config.seed)
        return self._faces(f"{self.split.split}, noise", self.rows, sound)

    def lengths(self) -> dict[str, Faces]:
        """From each number of seconds that most voices have, by that number as text."""
        found = {}
        rate, lengths = self.split.sample_rate_hz, sorted(set(self.config.seconds))
        voices = longer_voices(self.split, self.rows, lengths)
        for seconds in lengths:
            samples = round(seconds * rate)
            if len(voices.rows) and samples <= voices.audio.shape[1]:
                name = f"{self.split.split}, {seconds:g} s"
                sound = voices.audio[:, :samples]
                found[f"{seconds:g}"] = self._faces(name, voices.rows, sound)
        return found

    def babble(self) -> dict[str, Faces]:
        """From the voices with others of the split behind them, by the SNR in dB as text."""
        found = {}
        for snr_db in sorted(set(self.config.babble_snr_db)):
            sound = in_babble(
                self.split, self.rows, self.voices, snr_db, self.config.seed, self.device
            )
            if sound is not None:
                name = f"{self.split.split}, babble at {snr_db:g} dB"
                found[f"{snr_db:g}"] = self._faces(name, self.rows, sound)
        return found

    def _faces(self, name: str, rows: np.ndarray, audio: np.ndarray) -> Faces:
        print(f"evaluate: {len(rows)} faces, {name}", file=sys.stderr, flush=True)
        px = self.model.px
        audio = self._long_enough(audio)
        generated, real = self._draw(audio, self.config.seed), small(self.split.faces[rows], px)
        people = np.array([self.split.people[row] for row in rows], str)
        return Faces(
            name,
            generated,
            real,
            self.split.labels[rows],
            np.unique(people, return_inverse=True)[1],
            np.array([self.split.genders[row] for row in rows], str),
            np.empty((0, TIMES_AGAIN, px, px, 3), np.uint8),
            np.empty(0, np.int64),
            self._scores(generated, real, audio),
            np.array([self.split.emotions[row] for row in rows], str),
            self._mapped(rows, audio),
        )

    def _draw(self, audio: np.ndarray, seed: int) -> np.ndarray:
        return draw_faces(self.model, audio, self.device, seed, self.config.precision)

    def _scores(self, drawn: np.ndarray, real: np.ndarray, audio: np.ndarray) -> Scores | None:
        if not isinstance(self.model, Judge):
            return None
        return Scores(
            *(score_faces(self.model, faces, audio, self.device) for faces in (drawn, real))
        )

    def _mapped(self, rows: np.ndarray, audio: np.ndarray) -> Described | None:
        if not isinstance(self.model, Mapper):
            return None
        places = map_voices(self.model, audio, self.device)
        return Described(places, of_length_one(self.split.descriptors[rows]))

    def _long_enough(self, audio: np.ndarray) -> np.ndarray:
        """Sound that is shorter than what the model takes is said again."""
        missing = max(0, self.model.input_samples - audio.shape[1])
        return np.pad(audio, ((0, 0), (0, missing)), "wrap")


def training_faces(train: Packed, px: int) -> Training:
    """The training split's real faces, at the size of the drawn ones."""
    genders, emotions = np.array(train.genders, str), np.array(train.emotions, str)
    return Training(
        small(train.faces, px),
        train.labels,
        genders,
        len(train.speakers),
        emotions,
        of_length_one(train.descriptors),
    )


def of_length_one(descriptors: np.ndarray) -> np.ndarray:
    """Descriptors (n, 128), scaled: float64."""
    wide = descriptors.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def small(faces: np.ndarray, px: int) -> np.ndarray:
    """Faces uint8 (n, size, size, 3), shrunk to (n, px, px, 3)."""
    return shrunk(faces, px, torch.device("cpu")).permute(0, 2, 3, 1).numpy()
