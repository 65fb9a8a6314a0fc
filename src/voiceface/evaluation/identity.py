"""Identity accuracy: how often a classifier of real faces knows the speaker in the drawn one."""

from pathlib import Path

import numpy as np

from voiceface.evaluation.classifier import Classifier, train_classifier
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value
from voiceface.evaluation.vgg_face import fine_tune


def measure(material: Material) -> dict[str, Value]:
    """Percent of the faces whose speaker is named, by split; unseen people are no class.

    The real faces of the training split are those the classifier learnt on: their accuracy is an
    upper line and no test.
    """
    config, train = material.config, material.train
    options = {"steps": config.classifier_steps, "seed": config.seed}
    if config.vgg_face_weights:
        classify = fine_tune(
            Path(config.vgg_face_weights), train.real, train.labels, material.classes,
            **options, device=material.device,
        )  # fmt: skip
    else:
        classify = train_classifier(
            train.real, train.labels, material.classes, **options, device=material.device
        )
    return {name: _value(faces, classify) for name, faces in material.splits.items()}


def _value(faces: Faces, classify: Classifier) -> Value:
    known = faces.labels >= 0
    if not known.any():
        note = "these people are not in the training split" if len(known) else "no samples"
        return value(None, None, len(known), note)

    def accuracy(pictures: np.ndarray) -> float:
        return 100 * float(np.mean(classify(pictures[known]) == faces.labels[known]))

    return value(accuracy(faces.generated), accuracy(faces.real), int(known.sum()))


METRIC = Metric("Identity accuracy", "%", True, measure)
