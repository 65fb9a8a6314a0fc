"""Kernel distance in the space of dlib's 128-d face descriptor. It is no KID."""

from voiceface.evaluation import descriptors
from voiceface.evaluation.descriptors import described
from voiceface.evaluation.kernel import kernel_value
from voiceface.evaluation.metric import Faces, Material, Metric, Value


def _measure(faces: Faces, material: Material) -> Value:
    found = described(faces, material)
    return kernel_value(found.generated, found.real, material.config.seed)


METRIC = Metric(
    "Kernel distance of dlib's face descriptors", "", False, _measure, (descriptors.NEED,)
)
