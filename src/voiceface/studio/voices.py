"""Who is speaking: by SincNet, or else by the nearest voice."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from voiceface.data.batches import unit
from voiceface.media.audio import at_rate
from voiceface.models import saved
from voiceface.models.known import KnownSpeakers, load_speakers
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
        return BySincNet(load_speakers(models / "sincnet", device), people)
    if is_there("voice") and len(people) > 1:
        return ByNearestVoice(saved.load_recogniser(models / "voice", device), people, device)
    return None


class BySincNet:
    """SincNet's posteriors, their mean over windows (Ravanelli and Bengio 2018, section 4.2)."""

    def __init__(self, known: KnownSpeakers, people: list[Person]) -> None:
        self._known, self._people = known, people
        added = f", {len(known.added)} of them added to it" if known.added else ""
        self.about = (
            f"SincNet’s probability, among the {len(known.speakers)} people it knows{added}."
        )

    def tell(self, pcm: np.ndarray, rate_hz: int) -> list[Near]:
        """See `Recogniser`."""
        names, likely = zip(
            *self._known.who(at_rate(pcm, rate_hz, self._known.rate_hz)), strict=True
        )
        return nearest(np.array(likely), list(names), self._people)


class ByNearestVoice:
    """How like each person's voice it is, in the space of the voice embedding."""

    about = (
        "By the similarity of voices, in the space of the voice embedding. Train SincNet to have"
        " probabilities."
    )

    def __init__(
        self, trained: TrainedRecogniser, people: list[Person], device: torch.device
    ) -> None:
        self._rate_hz, self._device = int(trained.card["sample_rate_hz"]), device
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
        sound = torch.tensor(at_rate(pcm, rate_hz, self._rate_hz)[None], device=self._device)
        vector: Tensor = self._encoder(unit(sound))[0]
        return vector.float().cpu().numpy()
