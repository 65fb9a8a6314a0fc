"""Identity accuracy: how often a classifier of real faces knows the speaker in the drawn one.

Wav2Pix tells the first choice; Wen, Singh and Raj (NeurIPS 2019) also whether the speaker is among
the first five, for faces drawn from known speakers' unheard voices.
"""

from functools import partial

import numpy as np

from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.learning import learn
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value


def _measure(first: int, faces: Faces, material: Material) -> Value:
    """Percent of the faces whose speaker is among the first choices; unseen people are no class.

    The real faces of the training split are those the classifier learnt on: their accuracy is an
    upper line and no test.
    """
    classes = material.train.classes
    known = faces.labels >= 0
    if not known.any():
        note = "these people are not in the training split"
        return value(None, None, len(known), note)
    if classes <= first:
        note = f"takes more than {first} speaker{'s' if first > 1 else ''} in the training split"
        return value(None, None, len(known), note)
    train = material.train
    classify = material.once(
        "identity classifier", lambda: learn(train.faces, train.labels, classes, material)
    )

    def hits(kind: str, pictures: np.ndarray) -> np.ndarray:
        scores = faces.once(f"identity scores, {kind}", lambda: classify(pictures))[known]
        best = np.argsort(-scores, axis=1, kind="stable")[:, :first]
        return 100.0 * (best == faces.labels[known][:, None]).any(1)

    drawn = hits("generated", faces.generated)
    return value(
        drawn.mean(),
        hits("real", faces.real).mean(),
        len(drawn),
        interval=of_mean(drawn, faces.people[known], material.config.seed),
        chance=100 * first / classes,
    )


METRIC = Metric("Identity accuracy", "%", True, partial(_measure, 1))
TOP_5 = Metric("Identity accuracy, among the first five", "%", True, partial(_measure, 5))
