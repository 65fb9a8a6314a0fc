"""Where a voice is mapped to among face descriptors, without drawing a face from there.

Of models that map voices into face space (`models.registry.Mapper`). All descriptors are scaled to
length 1, as the mapping learns them; the true ones are those packed with the faces.
"""

from functools import partial

import numpy as np

from voiceface.evaluation import retrieval, similarity
from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.metric import Described, Faces, Material, Metric, Need, Value, value


def mapped(faces: Faces, material: Material) -> Described:
    """The descriptors that the voices are mapped to, and those of their true faces."""
    assert faces.mapped is not None  # `Material.maps` says so
    return faces.mapped


def _missing(material: Material) -> str | None:
    return None if material.maps else "the model maps no voice into face space"


NEED = Need("a mapping into face space", _missing)


def _measure_nearest(what: str, faces: Faces, material: Material) -> Value:
    """Percent of the places that are nearest to the mean face of what the source says.

    Args:
        what: `genders` or `emotions`.
    """
    train, found = material.train, mapped(faces, material)
    told, here = getattr(train, what), getattr(faces, what)
    classes = np.unique(told[told != ""])
    known = np.isin(here, classes)
    if len(classes) < 2 or not known.any() or train.descriptors is None:
        return value(None, None, len(known), f"takes two {what} of the training split")
    means = np.stack([train.descriptors[told == one].mean(0) for one in classes])
    truth = np.searchsorted(classes, here[known])

    def right(places: np.ndarray) -> np.ndarray:
        return 100.0 * (similarity.cosines(places[known], means).argmax(1) == truth)

    drawn = right(found.generated)
    return value(
        drawn.mean(),
        right(found.real).mean(),
        len(drawn),
        interval=of_mean(drawn, faces.people[known], material.config.seed),
        chance=100 * np.bincount(truth).max() / len(truth),
    )


RECALL = {
    most: Metric(
        f"Retrieval of the speaker by the mapped voice, R@{most}", "%", True,
        partial(retrieval.measure_recall, most, mapped), (NEED,),
    )
    for most in (1, 5)
}  # fmt: skip
COSINE = Metric(
    "Cosine of the mapped voice and the face's descriptor", "", True,
    partial(similarity.measure_pairs, similarity.cosines, mapped), (NEED,),
)  # fmt: skip
GENDER = Metric(
    "Gender of the mapped voice", "%", True, partial(_measure_nearest, "genders"), (NEED,)
)
EMOTION = Metric(
    "Emotion of the mapped voice", "%", True, partial(_measure_nearest, "emotions"), (NEED,)
)
