"""FID (Heusel et al. 2017): the Fréchet distance of Inception's features."""

from voiceface.evaluation import inception
from voiceface.evaluation.frechet import frechet_value
from voiceface.evaluation.metric import Faces, Material, Metric, Value


def _measure(faces: Faces, material: Material) -> Value:
    generated, real = inception.features(faces, material)
    return frechet_value(generated, real, material.config.seed)


METRIC = Metric("FID", "", False, _measure, (inception.NEED,))
