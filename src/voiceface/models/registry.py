"""Every model that can be trained, one line each, and what the trainer asks of a model."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from voiceface.config import Acgan, ModelSection, Wav2pix, parse_section
from voiceface.data.batches import Batch, Pairing
from voiceface.errors import VoicefaceError
from voiceface.models.acgan import AcGan
from voiceface.models.step import Losses
from voiceface.models.wav2pix import Wav2Pix


class Trainable(Protocol):
    """Networks and losses. Device, precision, data, logs and checkpoints are the trainer's."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks, by name."""
        ...

    @property
    def drawing(self) -> tuple[str, ...]:
        """Names of the networks that are needed once it is trained: to draw a face."""
        ...

    @property
    def pretrained(self) -> tuple[str, ...]:
        """Names of the networks that were trained before, and come from a file."""
        ...

    @property
    def input_samples(self) -> int:
        """Length of the sound that a face is drawn from, in samples; the least one where it is
        drawn from a whole recording."""
        ...

    @property
    def crop_samples(self) -> tuple[int, int]:
        """Least and greatest length of the sound that it is trained on, in samples."""
        ...

    @property
    def rate_hz(self) -> int | None:
        """The sample rate that it takes; None: any."""
        ...

    @property
    def flip(self) -> bool:
        """Whether faces are mirrored at random in training."""
        ...

    @property
    def pairing(self) -> Pairing:
        """Which faces it is trained on: those of the sound's samples, or any of the speaker's."""
        ...

    @property
    def px(self) -> int:
        """Width and height of the faces; 0 where it takes none."""
        ...

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers, by name."""
        ...

    def step(self, batch: Batch) -> Losses:
        """One training step."""
        ...


@runtime_checkable
class Model(Trainable, Protocol):
    """What draws a face from a voice."""

    @property
    def whole(self) -> bool:
        """Whether it draws from a whole recording, and not from its loudest stretch."""
        ...

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, input_samples) → (B, 3, px, px), -1 to 1.

        Longer ones if `whole`.
        """
        ...


class Entry(NamedTuple):
    """A model that can be trained."""

    section: type[ModelSection]
    build: Callable[[Any, int], Model]
    paper: str
    about: str


MODELS = {
    "acgan": Entry(Acgan, AcGan, "Wen, Singh and Raj, NeurIPS 2019", "3 to 8 s of mel frames; GAN"),
    "wav2pix": Entry(Wav2pix, Wav2Pix, "Duarte et al., ICASSP 2019", "1 s of waveform; GAN"),
}


def entry(name: str) -> Entry:
    """The model of that name.

    Raises:
        VoicefaceError: there is none.
    """
    if name not in MODELS:
        raise VoicefaceError(f"{name}: no such model; there are: {', '.join(MODELS)}")
    return MODELS[name]


def parse_config(name: str, text: str) -> ModelSection:
    """The model's section from its JSON.

    Raises:
        VoicefaceError: no such model, or a wrong key or value.
    """
    return parse_section(entry(name).section, json.loads(text), name)


def build(name: str, config: ModelSection, speakers: int) -> Model:
    """Fresh networks, drawn from torch's global random state."""
    model = entry(name).build(config, speakers)
    for network in model.networks.values():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model
