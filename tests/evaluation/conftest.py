"""Faces to evaluate, without a model: drawn ones, and pictures that hold no face."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.builders import packed_dataset
from voiceface.config import Evaluate
from voiceface.data.packed import read_splits
from voiceface.evaluation.metric import Described, Faces, Material, Training


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Faces]:
    """The test split's `generated` are its true faces, the training split's are noise."""
    packed = read_splits(packed_dataset(tmp_path_factory.mktemp("packed"), size=64, speakers=4))
    made = {}
    for name, split in packed.items():
        real = np.array(split.faces)
        people = np.unique(split.people, return_inverse=True)[1]
        again, again_of = np.stack([real[:2], real[1:3]], axis=1), np.arange(2)
        made[name] = Faces(
            name, real, real, split.labels, people, np.array(split.genders), again, again_of
        )
    noise = np.random.default_rng(0).integers(0, 256, made["train"].real.shape, np.uint8)
    made["train"] = replace(made["train"], generated=noise)
    return made


@pytest.fixture(scope="session")
def material(splits: dict[str, Faces]) -> Material:
    train = splits["train"]
    training = Training(train.real, train.labels, train.genders, 4)
    return Material(
        training, Evaluate(device="cpu", classifier_steps=60), torch.device("cpu"), judged=False
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Where a test puts weights."""
    return tmp_path / "weights.pt"


def faces_of(people: np.ndarray, genders: list[str] | None = None) -> Faces:
    """Black faces of these people (n,); `genders` by person."""
    count = len(people)
    black = np.zeros((count, 8, 8, 3), np.uint8)
    told = np.array(genders or [""] * (int(people.max(initial=-1)) + 1), str)
    again = np.zeros((0, 2, 8, 8, 3), np.uint8)
    return Faces("test", black, black, people, people, told[people], again, np.arange(0))


def with_descriptors(faces: Faces, generated: np.ndarray, real: np.ndarray) -> Faces:
    """The same faces, as if these were their descriptors (n, d)."""
    fresh = replace(faces)
    fresh.once("descriptors", lambda: Described(generated, real))
    return fresh
