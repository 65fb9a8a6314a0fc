"""The discriminator's score: how real the model's own judge takes a face with its voice to be.

Wen, Singh and Raj (NeurIPS 2019) tell it of faces drawn from speech and from noise. Of the AC-GAN
and of FE-GAN it is a probability; otherwise the scale is the model's own. Even a probability is the
word of one training's judge: compare it within one model, never between two.
"""

from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.metric import Faces, Material, Metric, Need, Value, value


def _measure(faces: Faces, material: Material) -> Value:
    assert faces.scores is not None  # `Material.judged` says so
    return value(
        faces.scores.generated.mean(),
        faces.scores.real.mean(),
        len(faces.labels),
        interval=of_mean(faces.scores.generated, faces.people, material.config.seed),
    )


def _missing(material: Material) -> str | None:
    return None if material.judged else "the model keeps no discriminator"


METRIC = Metric(
    "Score of the model's discriminator", "", True, _measure, (Need("a discriminator", _missing),)
)
