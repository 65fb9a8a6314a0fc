"""KID (Bińkowski et al. 2018): the kernel distance of Inception's features."""

from voiceface.evaluation import inception
from voiceface.evaluation.kernel import kernel_value
from voiceface.evaluation.metric import Faces, Material, Metric, Value


def _measure(faces: Faces, material: Material) -> Value:
    generated, real = inception.features(faces, material)
    return kernel_value(generated, real, material.config.seed)


METRIC = Metric("KID", "", False, _measure, (inception.NEED,))
