"""Drawing many faces."""

import numpy as np
import pytest
import torch

from voiceface.model_config import Wav2pix
from voiceface.models import drawing, registry
from voiceface.models.drawing import draw_faces

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model() -> registry.Model:
    torch.manual_seed(0)
    return registry.build("wav2pix", Wav2pix(dropout=0.0), 3)


@pytest.fixture(scope="module")
def voices() -> np.ndarray:
    return np.random.default_rng(0).integers(-3000, 3000, (5, 20_000), np.int16)


def test_how_many_are_drawn_at_a_time_changes_no_face(
    model: registry.Model, voices: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = draw_faces(model, voices, CPU)
    monkeypatch.setattr(drawing, "AT_A_TIME", 2)
    apart = draw_faces(model, voices, CPU)
    assert np.abs(together.astype(int) - apart).max() <= 1
    assert len(np.unique(together, axis=0)) == 5


def test_bf16_moves_a_pixel_by_a_few_grey_levels(model: registry.Model, voices: np.ndarray) -> None:
    exact, quick = draw_faces(model, voices, CPU), draw_faces(model, voices, CPU, precision="bf16")
    assert not np.array_equal(exact, quick)
    assert np.abs(exact.astype(int) - quick).max() <= 4
