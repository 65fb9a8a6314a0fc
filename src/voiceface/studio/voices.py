"""Who is speaking: by SincNet, or else by the nearest voice."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from voiceface.data.batches import unit
from voiceface.errors import VoicefaceError
from voiceface.media.audio import at_rate
from voiceface.models import saved
from voiceface.models.registry import ByWindows
from voiceface.models.saved import TrainedRecogniser
from voiceface.studio.people import Likeness, Near, Person, nearest, voices_of

NEITHER = (
    "No recogniser of speakers is trained: `voiceface build models/sincnet/encoder.safetensors`"
    " trains SincNet."
)
"""Where nothing can tell it."""


class Recogniser(Protocol):
    """Tells who is speaking."""

    @property
    def about(self) -> str:
        """What tells it, and what its figures are, in words."""
        ...

    def tell(self, pcm: np.ndarray, rate_hz: int) -> list[Near]:
        """Who it may be, the likeliest first, from a second of speech or more: int16 (samples,)."""
        ...


def load_recogniser(
    models: Path, stale: Collection[str], people: list[Person], device: torch.device
) -> Recogniser | None:
    """SincNet where it is trained, else the voice embedding; None where neither is.

    Args:
        stale: models that are not to be used.

    Raises:
        VoicefaceError: it is damaged.
    """

    def is_there(name: str) -> bool:
        return name not in stale and (models / name / "encoder.safetensors").is_file()

    if is_there("sincnet"):
        return BySincNet(saved.load_recogniser(models / "sincnet", device), people, device)
    if is_there("voice") and len(people) > 1:
        return ByNearestVoice(saved.load_recogniser(models / "voice", device), people, device)
    return None


class BySincNet:
    """SincNet's posteriors, their mean over windows (Ravanelli and Bengio 2018, section 4.2).

    A window begins every quarter of its length: a fifth of the paper's, so that the faces need not
    wait for it.
    """

    about = "SincNet’s probability, among the people it was trained on."

    def __init__(
        self, trained: TrainedRecogniser, people: list[Person], device: torch.device
    ) -> None:
        self._hears = _Hears(trained, device)
        if not isinstance(trained.model, ByWindows):
            raise VoicefaceError(f"{trained.card['name']}: tells no probabilities; train it again")
        self._model = trained.model
        self._names: list[str] = trained.card["speakers"]
        self._people = people

    def tell(self, pcm: np.ndarray, rate_hz: int) -> list[Near]:
        """See `Recogniser`."""
        length = self._model.input_samples
        windows = self._hears.sound(pcm, rate_hz)[0].unfold(0, length, length // 4)
        likely = self._model.posteriors(windows).mean((0, 1))
        return nearest(likely.cpu().numpy(), self._names, self._people)


class ByNearestVoice:
    """How like each person's voice it is, in the space of the voice embedding."""

    about = (
        "By the similarity of voices, in the space of the voice embedding. Train SincNet to have"
        " probabilities."
    )

    def __init__(
        self, trained: TrainedRecogniser, people: list[Person], device: torch.device
    ) -> None:
        self._hears = _Hears(trained, device)
        self._encoder = trained.model.networks["encoder"]
        self._people = people
        self._likeness = Likeness.of(
            [
                np.stack([self._embedded(pcm, one.rate_hz) for pcm in voices_of(one)])
                for one in people
            ]
        )

    def tell(self, pcm: np.ndarray, rate_hz: int) -> list[Near]:
        """See `Recogniser`."""
        similar = self._likeness.to(self._embedded(pcm, rate_hz))
        return nearest(similar, [person.name for person in self._people], self._people)

    @torch.no_grad()
    def _embedded(self, pcm: np.ndarray, rate_hz: int) -> np.ndarray:
        vector: Tensor = self._encoder(self._hears.sound(pcm, rate_hz))[0]
        return vector.float().cpu().numpy()


class _Hears:
    """Sound as a recogniser takes it."""

    def __init__(self, trained: TrainedRecogniser, device: torch.device) -> None:
        self._rate_hz, self._device = int(trained.card["sample_rate_hz"]), device

    def sound(self, pcm: np.ndarray, rate_hz: int) -> Tensor:
        return unit(torch.tensor(at_rate(pcm, rate_hz, self._rate_hz)[None], device=self._device))
