"""Gender of the drawn faces, told by a classifier that learnt on real ones (Wen et al. 2019)."""

import numpy as np

from voiceface.evaluation.classifier import Classifier
from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.learning import learn
from voiceface.evaluation.metric import Faces, Material, Metric, Need, Value, value


def _measure(faces: Faces, material: Material) -> Value:
    """Percent of the faces that are taken for their speaker's gender; unseen people have one too.

    Those whose gender is not told, or is none of the training split's, are left out. Chance is the
    share of the gender that most of these voices have.
    """
    genders = _genders(material)
    known = np.isin(faces.genders, genders)
    if not known.any():
        return value(None, None, len(known), "no gender is told that is also in the training split")
    classify = material.once("gender classifier", lambda: _learn(genders, material))
    truth = np.searchsorted(genders, faces.genders[known])

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


def _learn(genders: np.ndarray, material: Material) -> Classifier:
    train = material.train
    told = np.isin(train.genders, genders)
    labels = np.searchsorted(genders, train.genders[told])
    return learn(train.faces[told], labels, len(genders), material)


def _genders(material: Material) -> np.ndarray:
    """The genders of the training split, sorted."""
    genders = np.unique(material.train.genders)
    return genders[genders != ""]


def _no_gender(material: Material) -> str | None:
    return None if len(_genders(material)) else "sources.csv tells no gender"


def _one_gender(material: Material) -> str | None:
    if len(_genders(material)) == 1:
        return "all of the training split are of one gender"
    return _no_gender(material)


KNOWN = Need("the speakers' genders", _no_gender)
METRIC = Metric(
    "Gender of the drawn face", "%", True, _measure, (Need("two genders", _one_gender),)
)
