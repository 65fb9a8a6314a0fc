"""FID runs on a TorchScript network that takes what Inception's takes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


class Colours(nn.Module):
    """Stands for Inception: the mean colours are the features."""

    def forward(self, pictures: Tensor, return_features: bool = False) -> Tensor:
        return pictures.float().mean([2, 3]) if return_features else pictures.float()


def _with(material: Material, path: Path) -> Material:
    config = material.config.model_copy(update={"inception_weights": str(path)})
    return replace(material, config=config, train=replace(material.train))


def test_faces_are_nearer_than_noise(
    splits: dict[str, Faces], material: Material, weights: Path
) -> None:
    torch.jit.script(Colours()).save(str(weights))
    test, train = (
        measure("fid", replace(splits[name]), _with(material, weights))
        for name in ("test", "train")
    )
    assert test["generated"] == pytest.approx(0, abs=1e-6)
    assert train["generated"] > train["real"]  # type: ignore[operator]


def test_without_weights_the_note_says_so(splits: dict[str, Faces], material: Material) -> None:
    found = measure("fid", splits["test"], material)
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
