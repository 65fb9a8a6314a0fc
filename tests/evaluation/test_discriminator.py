"""The discriminator's score is told where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.conftest import faces_of
from voiceface.evaluation.metric import Material, Scores
from voiceface.evaluation.registry import measure


def test_it_is_the_mean_of_what_the_discriminator_says(material: Material) -> None:
    people = np.array([0, 0, 1, 2])
    drawn = np.array([0.1, 0.3, 0.2, 0.6], np.float32)
    faces = replace(faces_of(people), scores=Scores(drawn, drawn + 0.5))
    found = measure("discriminator", faces, replace(material, judged=True))
    assert (found["generated"], found["real"]) == (pytest.approx(0.3), pytest.approx(0.8))
    assert found["interval"] == pytest.approx((0.2, 0.6))  # only 1 or only 0; and only 2


def test_a_model_without_one_says_so(material: Material) -> None:
    found = measure("discriminator", faces_of(np.array([0, 1])), material)
    assert (found["generated"], found["note"]) == (None, "the model keeps no discriminator")
