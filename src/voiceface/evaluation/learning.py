"""A classifier of faces: VGG-Face where its weights are, else the built-in one."""

import numpy as np

from voiceface.evaluation.classifier import Classifier, train_classifier
from voiceface.evaluation.metric import Material
from voiceface.evaluation.vgg_face import fine_tune


def learn(faces: np.ndarray, labels: np.ndarray, classes: int, material: Material) -> Classifier:
    """Learn to tell faces (uint8, n × px × px × 3) of so many classes, whose labels are int64 (n,).

    Raises:
        VoicefaceError: the weights are missing, unreadable, or of another network.
    """
    config = material.config
    options = {"steps": config.classifier_steps, "seed": config.seed}
    if config.vgg_face_weights:
        return fine_tune(
            config.vgg_face_weights, faces, labels, classes, **options, device=material.device
        )
    return train_classifier(faces, labels, classes, **options, device=material.device)
