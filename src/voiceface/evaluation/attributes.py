"""What the drawn faces show, told by classifiers that learnt it on real ones.

The gender as in Wen, Singh and Raj (NeurIPS 2019), the emotion as in Fang et al. (2021).
"""

from functools import partial

import numpy as np

from voiceface.evaluation.classifier import Classifier
from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.learning import learn
from voiceface.evaluation.metric import Faces, Material, Metric, Need, Training, Value, value


def _measure(attribute: str, faces: Faces, material: Material) -> Value:
    """Percent of the faces that are taken for what sources.csv says; unseen people have one too.

    Those of whom nothing is told, or nothing that is in the training split, are left out. Chance is
    the share of what most of these voices have.
    """
    classes, said = _classes(attribute, material), _said(attribute, faces)
    known = np.isin(said, classes)
    if not known.any():
        note = f"no {attribute} is told that is also in the training split"
        return value(None, None, len(known), note)
    classify = material.once(
        f"{attribute} classifier", lambda: _learn(attribute, classes, material)
    )
    truth = np.searchsorted(classes, said[known])

    def right(pictures: np.ndarray) -> np.ndarray:
        return 100.0 * (classify(pictures[known]).argmax(1) == truth)

    drawn = right(faces.generated)
    return value(
        drawn.mean(),
        right(faces.real).mean(),
        len(drawn),
        interval=of_mean(drawn, faces.people[known], material.config.seed),
        chance=100 * np.bincount(truth).max() / len(truth),
    )


def _learn(attribute: str, classes: np.ndarray, material: Material) -> Classifier:
    said = _said(attribute, material.train)
    told = np.isin(said, classes)
    labels = np.searchsorted(classes, said[told])
    return learn(material.train.faces[told], labels, len(classes), material)


def _said(attribute: str, faces: Faces | Training) -> np.ndarray:
    """What sources.csv says of each face: str (n,), empty where it says nothing."""
    return {"gender": faces.genders, "emotion": faces.emotions}[attribute]


def _classes(attribute: str, material: Material) -> np.ndarray:
    """What there is in the training split, sorted."""
    classes = np.unique(_said(attribute, material.train))
    return classes[classes != ""]


def _none(attribute: str, material: Material) -> str | None:
    return None if len(_classes(attribute, material)) else f"sources.csv tells no {attribute}"


def _one(attribute: str, material: Material) -> str | None:
    if len(_classes(attribute, material)) == 1:
        return f"all of the training split are of one {attribute}"
    return _none(attribute, material)


def _metric(attribute: str, title: str) -> Metric:
    need = Need(f"two {attribute}s", partial(_one, attribute))
    return Metric(title, "%", True, partial(_measure, attribute), (need,))


GENDERS = Need("the speakers' genders", partial(_none, "gender"))
GENDER = _metric("gender", "Gender of the drawn face")
EMOTION = _metric("emotion", "Emotion of the drawn face")
