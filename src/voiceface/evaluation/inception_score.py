"""Inception score (Salimans et al. 2016): are the pictures clear, and of many kinds?

Over all faces at once. Its classes are ImageNet's, of which faces are none: read it beside that of
the real faces, never alone.
"""

import numpy as np

from voiceface.evaluation import inception
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value


def inception_score(probabilities: np.ndarray) -> float:
    """exp of the mean divergence KL(p(class | face) ‖ p(class)); probabilities (n, classes)."""
    given = probabilities.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = given * (np.log(given) - np.log(given.mean(0)))
    # A class of probability 0 adds nothing: x log x tends to 0.
    return float(np.exp(np.where(given > 0, terms, 0).sum(1).mean()))


def _measure(faces: Faces, material: Material) -> Value:
    generated, real = (inception_score(one) for one in inception.probabilities(faces, material))
    return value(generated, real, len(faces.labels))


METRIC = Metric("Inception score", "", None, _measure, (inception.NEED,))
