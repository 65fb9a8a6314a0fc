"""FID, KID and the Inception score, on a TorchScript network that takes what Inception's takes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

from voiceface.errors import VoicefaceError
from voiceface.evaluation.inception_score import inception_score
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


class Colours(nn.Module):
    """Stands for Inception: the mean colours are the features, and make up four classes."""

    num_features = 3

    def forward(
        self, pictures: Tensor, return_features: bool = False, no_output_bias: bool = False
    ) -> Tensor:
        features = pictures.double().mean([2, 3])
        if return_features:
            return features
        scores = torch.stack([features[:, 0], features[:, 1], features[:, 2], features.mean(1)], 1)
        return (scores / 40).softmax(1)


class Reference(Colours):
    """The same as torchmetrics asks for it."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def forward(self, pictures: Tensor) -> Tensor:  # type: ignore[override]
        if self.part == "features":
            return super().forward(pictures, return_features=True)
        return super().forward(pictures).log()


@pytest.fixture
def with_weights(material: Material, weights: Path) -> Material:
    torch.jit.script(Colours()).save(str(weights))
    return _with(material, weights)


def _with(material: Material, path: Path) -> Material:
    config = material.config.model_copy(update={"inception_weights": str(path)})
    return replace(material, config=config)


def _channels_first(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def test_faces_are_nearer_than_noise(splits: dict[str, Faces], with_weights: Material) -> None:
    for name in ("fid", "kid"):
        test, train = (measure(name, replace(splits[s]), with_weights) for s in ("test", "train"))
        assert test["generated"] <= 1e-6  # type: ignore[operator]
        assert train["generated"] > train["real"]  # type: ignore[operator]


def test_fid_is_torchmetrics(splits: dict[str, Faces], with_weights: Material) -> None:
    train = replace(splits["train"])
    fid = FrechetInceptionDistance(feature=Reference("features"), input_img_size=(3, 64, 64))
    fid.set_dtype(torch.float64)
    fid.update(_channels_first(train.real), real=True)
    fid.update(_channels_first(train.generated), real=False)
    found = measure("fid", train, with_weights)
    assert found["generated"] == pytest.approx(float(fid.compute()), rel=1e-4)


def test_the_inception_score_is_torchmetrics(
    splits: dict[str, Faces], with_weights: Material
) -> None:
    train = replace(splits["train"])
    found = measure("inception_score", train, with_weights)
    for pictures, mine in [(train.real, found["real"]), (train.generated, found["generated"])]:
        score = InceptionScore(feature=Reference("scores"), splits=1)
        score.update(_channels_first(pictures))
        assert mine == pytest.approx(float(score.compute()[0]), rel=1e-5)
    assert found["real"] > found["generated"]  # type: ignore[operator]


def test_the_inception_score_is_the_number_of_sure_and_equal_classes() -> None:
    assert inception_score(np.eye(7)) == pytest.approx(7)
    assert inception_score(np.full((5, 7), 1 / 7)) == pytest.approx(1)


def test_without_weights_the_note_says_so(splits: dict[str, Faces], material: Material) -> None:
    for name in ("fid", "kid", "inception_score"):
        found = measure(name, splits["test"], material)
        assert found["generated"] is None
        assert "inception_weights is not set" in found["note"]


def test_other_networks_and_other_files_are_refused_in_one_line(
    splits: dict[str, Faces], material: Material, weights: Path
) -> None:
    faces = replace(splits["test"])
    torch.jit.script(nn.Linear(2, 2)).save(str(weights))
    with pytest.raises(VoicefaceError, match="not inception-2015-12-05") as caught:
        measure("fid", faces, _with(material, weights))
    assert "\n" not in str(caught.value)
    weights.write_bytes(b"nothing")
    with pytest.raises(VoicefaceError, match="no TorchScript"):
        measure("fid", faces, _with(material, weights))
    with pytest.raises(VoicefaceError, match="no TorchScript"):
        measure("fid", faces, _with(material, weights.with_name("missing.pt")))
