"""All trained models of a project, ready to draw."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from voiceface.config import model_sections
from voiceface.errors import VoicefaceError
from voiceface.media.audio import at_rate
from voiceface.models import registry, saved
from voiceface.models.drawing import draw_faces
from voiceface.models.provenance import stale_words
from voiceface.studio.limits import LEAST_S

_SAID_AGAIN = 0.1
"""Share of its input that may be missing: that much is said again, as in the evaluation."""


@dataclass(frozen=True)
class Face:
    """What a model drew."""

    pixels: np.ndarray
    """uint8 (px, px, 3), RGB"""
    seconds: float
    """of speech that it had"""
    draw_s: float
    """how long it took"""


class Painter:
    """A trained model."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load it.

        Raises:
            VoicefaceError: it is not trained, or damaged.
        """
        self.name = folder.name
        trained = saved.load(folder, device)
        self.model, self.card = trained.model, trained.card
        self.entry = registry.entry(self.card["name"])
        self.rate_hz: int = self.card["sample_rate_hz"]
        input_s = self.card["input_samples"] / self.rate_hz
        self.need_s: float = max(LEAST_S, (1 - _SAID_AGAIN) * input_s)
        """Seconds of speech that it waits for."""
        self._device = device

    def draw(self, pcm: np.ndarray, rate_hz: int) -> Face:
        """Draw from speech: int16 (samples,), at least `need_s` of it; the same gives the same."""
        begun = time.perf_counter()
        seconds = len(pcm) / rate_hz
        pcm = at_rate(pcm, rate_hz, self.rate_hz)
        missing = max(0, self.model.input_samples - len(pcm))
        pcm = np.pad(pcm, (0, missing), "wrap")
        pixels = draw_faces(self.model, pcm[None], self._device)[0]
        return Face(pixels, seconds, time.perf_counter() - begun)


@dataclass(frozen=True)
class Painters:
    """The models that can draw, and why others can't."""

    all: list[Painter]
    left_out: list[str]
    """A line for each."""


def load_painters(
    models: Path, wanted: Sequence[str], stale: Collection[str], device: torch.device
) -> Painters:
    """Load models of a folder of models, and let each draw once, so that the next is quick.

    Args:
        wanted: their folders' names; without any, all that no experiment made: of these there may
            be a hundred.
        stale: models that are not to draw: they were trained on what was taken down since.

    Raises:
        VoicefaceError: none can draw.
    """
    trained = sorted(path.parent.name for path in models.glob("*/generator.safetensors"))
    found = Painters([], stale_words([name for name in wanted or trained if name in stale]))
    usual = [name for name in model_sections() if name in trained]
    for name in wanted or usual:
        if name in stale:
            continue
        try:
            painter = Painter(models / name, device)
        except VoicefaceError as error:
            found.left_out.append(str(error))
            continue
        painter.draw(np.ones(round(painter.need_s * painter.rate_hz), np.int16), painter.rate_hz)
        found.all.append(painter)
    if not wanted and (others := [name for name in trained if name not in {*usual, *stale}]):
        found.left_out.append(
            f"left out, models of experiments: {len(others)}; name those that are to draw, as in"
            f" `voiceface studio {others[0]}`"
        )
    if not found.all:
        why = "".join(f" ({line})" for line in found.left_out)
        raise VoicefaceError(
            f"{models}: holds no trained model{why}; train one with `voiceface build`"
        )
    return found
