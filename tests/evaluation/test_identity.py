"""The classifier learns who is who, the same way each time, and takes VGG-Face's weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_accuracy

from tests.evaluation.conftest import faces_of
from voiceface.errors import VoicefaceError
from voiceface.evaluation.classifier import train_classifier
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure
from voiceface.evaluation.vgg_face import BLOCKS


def test_it_knows_the_speakers_in_new_pictures_and_nobody_in_noise(
    splits: dict[str, Faces], material: Material
) -> None:
    train, test = (measure("identity", splits[name], material) for name in ("train", "test"))
    assert train["real"] == 100
    assert test["generated"] == test["real"] == 100
    assert train["generated"] <= 50  # type: ignore[operator]
    assert test["chance"] == 25
    assert "interval" not in test  # all are right


def test_unseen_people_have_no_accuracy_and_the_note_says_why(
    splits: dict[str, Faces], material: Material
) -> None:
    found = measure("identity", splits["unseen"], material)
    assert found["generated"] is None
    assert "not in the training split" in found["note"]


@pytest.mark.parametrize("most", [1, 5])
def test_the_first_choices_are_torchmetrics_top_k(material: Material, most: int) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(200, 8)).astype(np.float32)
    people = np.arange(200) % 8
    faces = faces_of(people)
    faces.once("identity scores, generated", lambda: scores)
    faces.once("identity scores, real", lambda: scores)
    train = replace(material.train, classes=8)
    told = replace(material, train=train)
    told.once("identity classifier", lambda: None)
    found = measure("identity" if most == 1 else "identity_5", faces, told)
    wanted = multiclass_accuracy(
        torch.from_numpy(scores), torch.from_numpy(people), 8, average="micro", top_k=most
    )
    assert found["generated"] == pytest.approx(100 * float(wanted), rel=1e-5)
    assert found["chance"] == 100 * most / 8


def test_five_choices_of_four_people_say_nothing(
    splits: dict[str, Faces], material: Material
) -> None:
    found = measure("identity_5", splits["test"], material)
    assert found["generated"] is None
    assert found["note"] == "takes more than 5 speakers in the training split"


def test_the_classifier_is_the_same_by_seed_and_leaves_the_random_state(
    splits: dict[str, Faces], material: Material
) -> None:
    faces = np.concatenate([splits["train"].generated, material.train.faces])
    options = {"steps": 10, "device": torch.device("cpu")}
    before = torch.get_rng_state()
    first, again, other = (
        train_classifier(material.train.faces, material.train.labels, 4, seed=seed, **options)
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert (first(faces) == again(faces)).all()
    assert (first(faces) != other(faces)).any()


def _fresh(material: Material, **settings: object) -> Material:
    """The same with other settings, and no classifier yet."""
    config = material.config.model_copy(update={"classifier_steps": 2, **settings})
    return replace(material, config=config)


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
    splits: dict[str, Faces], material: Material, weights: Path
) -> None:
    torch.save(_vgg_weights(), weights)
    trained = _fresh(material, vgg_face_weights=str(weights), classifier_steps=500)
    found = measure("identity", replace(splits["train"]), trained)
    # Its features are random here, but the people's colours differ: better than one in four.
    assert found["real"] > 60  # type: ignore[operator]


@pytest.mark.parametrize("content", [None, b"no weights", {"conv1_1.weight": torch.zeros(1)}])
def test_other_weights_are_refused_in_one_line(
    splits: dict[str, Faces], material: Material, weights: Path, content: object
) -> None:
    if isinstance(content, bytes):
        weights.write_bytes(content)
    elif content is not None:
        torch.save(content, weights)
    other = _fresh(material, vgg_face_weights=str(weights))
    with pytest.raises(VoicefaceError, match=r"evaluate\.vgg_face_weights") as caught:
        measure("identity", replace(splits["train"]), other)
    assert "\n" not in str(caught.value)
