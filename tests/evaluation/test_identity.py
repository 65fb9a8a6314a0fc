"""The classifier learns who is who, the same way each time, and takes VGG-Face's weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from voiceface.errors import VoicefaceError
from voiceface.evaluation import identity
from voiceface.evaluation.classifier import train_classifier
from voiceface.evaluation.metric import Material
from voiceface.evaluation.vgg_face import BLOCKS


def test_it_knows_the_speakers_in_new_pictures_and_nobody_in_noise(material: Material) -> None:
    values = identity.measure(material)
    assert values["train"]["real"] == 100
    assert values["test"]["generated"] == values["test"]["real"] == 100
    assert values["train"]["generated"] <= 50  # type: ignore[operator]


def test_unseen_people_have_no_accuracy_and_the_note_says_why(material: Material) -> None:
    value = identity.measure(replace(material, config=_short(material)))["unseen"]
    assert value["generated"] is None
    assert "not in the training split" in value["note"]


def test_the_classifier_is_the_same_by_seed_and_leaves_the_random_state(
    material: Material,
) -> None:
    faces = np.concatenate([material.splits["train"].generated, material.train.real])
    options = {"steps": 10, "device": torch.device("cpu")}
    before = torch.get_rng_state()
    first, again, other = (
        train_classifier(material.train.real, material.train.labels, 4, seed=seed, **options)
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert (first(faces) == again(faces)).all()
    assert (first(faces) != other(faces)).any()


def _short(material: Material, **changes: object) -> object:
    return material.config.model_copy(update={"classifier_steps": 2, **changes})


def _vgg_weights() -> dict[str, torch.Tensor]:
    """VGG-Face with four channels everywhere."""
    random = torch.Generator().manual_seed(0)
    weights, before = {}, 3
    for block, layers in BLOCKS.items():
        for layer in range(1, layers + 1):
            name = f"conv{block}_{layer}"
            weights[f"{name}.weight"] = torch.randn(4, before, 3, 3, generator=random) * 0.3
            weights[f"{name}.bias"] = torch.zeros(4)
            before = 4
    for name, size in (("fc6", 4 * 7 * 7), ("fc7", 32)):
        weights[f"{name}.weight"] = torch.randn(32, size, generator=random) * 0.1
        weights[f"{name}.bias"] = torch.zeros(32)
    return weights


def test_vgg_faces_last_layer_is_learnt_on_the_training_faces(
    material: Material, weights: Path
) -> None:
    torch.save(_vgg_weights(), weights)
    config = _short(material, vgg_face_weights=str(weights), classifier_steps=500)
    values = identity.measure(replace(material, config=config))
    # Its features are random here, but the people's colours differ: better than one in four.
    assert values["train"]["real"] > 60  # type: ignore[operator]


@pytest.mark.parametrize("content", [None, b"no weights", {"conv1_1.weight": torch.zeros(1)}])
def test_other_weights_are_refused_in_one_line(
    material: Material, weights: Path, content: object
) -> None:
    if isinstance(content, bytes):
        weights.write_bytes(content)
    elif content is not None:
        torch.save(content, weights)
    config = _short(material, vgg_face_weights=str(weights))
    with pytest.raises(VoicefaceError, match=r"evaluate\.vgg_face_weights") as caught:
        identity.measure(replace(material, config=config))
    assert "\n" not in str(caught.value)
