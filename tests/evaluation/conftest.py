"""Faces to evaluate, without a model: drawn ones, and pictures that hold no face."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.builders import packed_dataset
from voiceface.config import Evaluate
from voiceface.data.packed import read_splits
from voiceface.evaluation.metric import Faces, Material


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """The test split's `generated` are its true faces, the training split's are noise."""
    splits = read_splits(packed_dataset(tmp_path_factory.mktemp("packed"), size=64, speakers=4))
    faces = {name: np.array(split.faces) for name, split in splits.items()}
    noise = np.random.default_rng(0).integers(0, 256, faces["train"].shape, np.uint8)
    drawn = {"train": noise, "test": faces["test"], "unseen": faces["unseen"]}
    chosen = {name: Faces(drawn[name], faces[name], split.labels) for name, split in splits.items()}
    config = Evaluate(device="cpu", classifier_steps=60)
    return Material(chosen, chosen["train"], 4, config, torch.device("cpu"))


@pytest.fixture
def empty(material: Material) -> Material:
    """A split without samples."""
    none = np.empty((0, 64, 64, 3), np.uint8)
    faces = Faces(none, none, np.empty(0, np.int64))
    return Material(
        {"unseen": faces}, material.train, material.classes, material.config, material.device
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Where a test puts weights."""
    return tmp_path / "weights.pt"
