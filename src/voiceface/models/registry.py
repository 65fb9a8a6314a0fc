"""What the trainer asks of a model, and the models by name.

A model is a module of this package that has its `ENTRY`, and a section of the settings by the same
name. No module is named here: a new model is to make no other one stale.
"""

import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from voiceface.codehash import code_digest
from voiceface.config import ModelSection, parse_section
from voiceface.data.batches import Batch
from voiceface.errors import VoicefaceError


class Model(Protocol):
    """Networks and losses. Device, precision, data, logs and checkpoints are the trainer's."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks, by name."""
        ...

    @property
    def drawing(self) -> tuple[str, ...]:
        """Names of the networks that are needed to draw a face."""
        ...

    @property
    def input_samples(self) -> int:
        """Length of the sound that a face is drawn from, in samples."""
        ...

    @property
    def px(self) -> int:
        """Width and height of the drawn face."""
        ...

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers, by name."""
        ...

    def step(self, batch: Batch, update: Callable[[str, Tensor], None]) -> dict[str, Tensor]:
        """One training step; `update` takes an optimiser's name and its loss.

        Returns: metrics as slash keys, still on the device; "loss/generator" is among them.
        """
        ...

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, input_samples) → (B, 3, px, px), -1 to 1."""
        ...


class Entry(NamedTuple):
    """A model that can be trained."""

    section: type[ModelSection]
    build: Callable[[Any, int], Model]
    paper: str
    about: str


def module_of(name: str) -> str:
    """The module of the model of that name."""
    return f"voiceface.models.{name}"


def code_of(name: str) -> str:
    """Digest of the code of that model: what follows the trainer's code does not see it."""
    return code_digest(module_of(name))


def entry(name: str) -> Entry:
    """The model of that name.

    Raises:
        VoicefaceError: there is none.
    """
    is_module = str.isidentifier(name) and find_spec(module_of(name)) is not None
    found = getattr(import_module(module_of(name)), "ENTRY", None) if is_module else None
    if found is None:
        raise VoicefaceError(f"{name}: no such model; `voiceface models` lists them")
    return found


def parse_config(name: str, text: str) -> ModelSection:
    """The model's section from its JSON.

    Raises:
        VoicefaceError: no such model, or a wrong key or value.
    """
    return parse_section(entry(name).section, json.loads(text), name)


def build(name: str, config: ModelSection, speakers: int) -> Model:
    """Fresh networks, drawn from torch's global random state."""
    return entry(name).build(config, speakers)
