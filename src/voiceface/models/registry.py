"""What the trainer asks of a model or a recogniser of speakers, and these by name.

A model is a module of this package that has its `ENTRY`, a recogniser one that has its
`RECOGNISER`, and each has a section of the settings by the same name. No module is named here: a
new model is to make no other one stale.
"""

import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from voiceface.codehash import code_digest
from voiceface.data.batches import Batch, Pairing
from voiceface.data.packed import Packed
from voiceface.errors import VoicefaceError
from voiceface.model_config import ModelSection, RecogniserSection, TrainedSection
from voiceface.models.step import Losses
from voiceface.section import parse_section


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


@runtime_checkable
class SpeakerModel(Trainable, Protocol):
    """What tells speakers apart; its network `encoder` makes the voice embedding."""

    def recognise(self, audio: Tensor) -> Tensor:
        """Whole recordings (B, samples) → the likeliest speakers, best first: (B, speakers)."""
        ...


@runtime_checkable
class Mapper(Model, Protocol):
    """A model that maps a voice into the space of face descriptors, and learns from these."""

    def map_voices(self, audio: Tensor) -> Tensor:
        """Descriptors for voices: (B, input_samples) or longer → (B, 128), of length 1."""
        ...


@runtime_checkable
class ByWindows(SpeakerModel, Protocol):
    """A recogniser that decides by the windows of a recording, and can tell of each."""

    def posteriors(self, audio: Tensor) -> Tensor:
        """Recordings (B, samples) → the speakers' likelihood: (B, windows, speakers), 0 to 1."""
        ...

    def decided(self, posteriors: Tensor) -> Tensor:
        """That of windows → the likeliest speakers, best first: (B, speakers)."""
        ...

    def vectors(self, audio: Tensor, hop_s: float) -> Tensor:
        """What the layer of the speakers, the network `speaker`, tells them by.

        Recordings (B, samples ≥ input_samples) → (B, windows, numbers), a window every `hop_s`.
        """
        ...


S = TypeVar("S", bound=TrainedSection)
T = TypeVar("T", bound=Trainable)


class Known(NamedTuple):
    """What is known of the data before a model is made, beside the number of speakers."""

    rate_hz: int = 16_000
    """Sample rate of the sound."""
    emotions: int = 0
    """Number of emotions in the training split; 0 where none is told."""


class Entry(NamedTuple, Generic[S, T]):
    """A model or a recogniser that can be trained."""

    section: type[S]
    build: Callable[..., T]
    """Takes the section and the number of speakers, and what is `Known` if it `knows`."""
    paper: str
    about: str
    knows: bool = False
    needs: str = ""
    """What there must be beside voices and faces, and sound at its rate, in words."""

    def fresh(self, section: S, speakers: int, known: Known) -> T:
        """Fresh networks, drawn from torch's global random state."""
        return self.build(section, speakers, *((known,) if self.knows else ()))


def known_of(packed: Packed) -> Known:
    """What is known of a training split."""
    return Known(packed.sample_rate_hz, len(packed.emotion_classes))


def module_of(name: str) -> str:
    """The module of the model of that name."""
    return f"voiceface.models.{name}"


def code_of(name: str) -> str:
    """Digest of the code of that model: what follows the trainer's code does not see it."""
    return code_digest(module_of(name))


def entry(name: str) -> Entry[ModelSection, Model]:
    """The model of that name.

    Raises:
        VoicefaceError: there is none.
    """
    found: Entry[ModelSection, Model] = _found(name, "ENTRY")
    return found


def recogniser(name: str) -> Entry[RecogniserSection, SpeakerModel]:
    """The recogniser of that name.

    Raises:
        VoicefaceError: there is none.
    """
    found: Entry[RecogniserSection, SpeakerModel] = _found(name, "RECOGNISER")
    return found


def parse_config(name: str, text: str) -> ModelSection:
    """The model's section from its JSON.

    Raises:
        VoicefaceError: no such model, or a wrong key or value.
    """
    return parse_section(entry(name).section, json.loads(text), name)


def build(name: str, config: ModelSection, speakers: int, known: Known | None = None) -> Model:
    """Fresh networks, drawn from torch's global random state."""
    model = entry(name).fresh(config, speakers, known or Known())
    for network in model.networks.values():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def _found(name: str, kind: str) -> Any:
    is_module = str.isidentifier(name) and find_spec(module_of(name)) is not None
    found = getattr(import_module(module_of(name)), kind, None) if is_module else None
    if found is None:
        what = "model" if kind == "ENTRY" else "recogniser"
        raise VoicefaceError(f"{name}: no such {what}; `voiceface models` lists them")
    return found
