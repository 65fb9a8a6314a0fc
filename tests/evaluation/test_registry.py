"""What is not there makes a metric's value none, with the reason; it is never made up."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.conftest import faces_of
from voiceface import dlib_models
from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import METRICS, measure
from voiceface.media import descriptor


@pytest.mark.parametrize("name", METRICS)
def test_a_split_without_samples_has_no_value_and_says_why(name: str, material: Material) -> None:
    nobody = faces_of(np.empty(0, np.int64))
    assert measure(name, nobody, material) == {
        "generated": None, "real": None, "n": 0, "note": "the split has no samples",
    }  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_one_voice_of_one_speaker_is_no_error(
    name: str, splits: dict[str, Faces], material: Material
) -> None:
    test = splits["test"]
    columns = ("generated", "real", "labels", "people", "genders", "again", "again_of")
    one = replace(test, **{column: getattr(test, column)[:1] for column in columns})
    config = material.config.model_copy(update={"classifier_steps": 2})
    found = measure(name, one, replace(material, config=config))
    assert found["n"] == 1
    assert "interval" not in found
    assert found["generated"] is not None or found["note"]


def test_without_dlib_what_needs_it_is_absent_and_the_note_says_what_to_install(
    splits: dict[str, Faces], material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise VoicefaceError("dlib is missing; pip install dlib-bin")

    monkeypatch.setattr(dlib_models, "load", gone)
    monkeypatch.setattr(descriptor, "describe", gone)
    needing = [
        name for name, one in METRICS.items() if any("dlib" in need.title for need in one.needs)
    ]
    assert {"landmarks", "matching", "retrieval_1", "frechet_dlib"} <= set(needing)
    for name in needing:
        found = measure(name, splits["test"], replace(material))
        assert found["generated"] is None
        assert "pip install dlib-bin" in found["note"]


def test_without_genders_what_needs_them_says_so(
    splits: dict[str, Faces], material: Material
) -> None:
    train = replace(material.train, genders=np.full_like(material.train.genders, ""))
    found = measure("matching_gender", splits["test"], replace(material, train=train))
    assert (found["generated"], found["note"]) == (None, "sources.csv tells no gender")
