"""Every metric, one line each, and what decides whether there is a value."""

from functools import partial
from typing import Any

from voiceface.evaluation import (
    attributes,
    discriminator,
    diversity,
    fid,
    frechet_dlib,
    identity,
    inception_score,
    kernel_dlib,
    kid,
    landmarks,
    mapped,
    matching,
    retrieval,
    similarity,
    ssim,
)
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value

GROUPS: dict[str, dict[str, Metric]] = {
    "Is it the speaker's face?": {
        "identity": identity.METRIC,
        "identity_5": identity.TOP_5,
        "gender": attributes.GENDER,
        "emotion": attributes.EMOTION,
        "matching": matching.METRIC,
        "matching_gender": matching.STRATIFIED,
        "retrieval_1": retrieval.RECALL[1],
        "retrieval_5": retrieval.RECALL[5],
        "retrieval_10": retrieval.RECALL[10],
        "median_rank": retrieval.MEDIAN,
        "cosine": similarity.COSINE,
        "l1": similarity.L1,
        "ssim": ssim.METRIC,
    },
    "Is the voice mapped to its face?": {
        "mapped_retrieval_1": mapped.RECALL[1],
        "mapped_retrieval_5": mapped.RECALL[5],
        "mapped_cosine": mapped.COSINE,
        "mapped_gender": mapped.GENDER,
        "mapped_emotion": mapped.EMOTION,
    },
    "Is it a face?": {
        "landmarks": landmarks.METRIC,
        "discriminator": discriminator.METRIC,
        "frechet_dlib": frechet_dlib.METRIC,
        "kernel_dlib": kernel_dlib.METRIC,
        "fid": fid.METRIC,
        "kid": kid.METRIC,
        "inception_score": inception_score.METRIC,
    },
    "Do the faces differ as real ones do?": {
        "diversity_between": diversity.BETWEEN,
        "diversity_within": diversity.WITHIN,
    },
}
"""The metrics by what they answer."""

BY_INPUT = (
    *("identity", "gender", "emotion", "matching", "cosine", "landmarks", "discriminator"),
    *("frechet_dlib", "fid"),
)
"""Those that are also told of noise, and of each number of seconds of speech."""

HEADLINES = (("identity", "test"), ("matching", "test"), ("matching", "unseen"))
"""The figures that tell most of a model: a metric, and the split that it is told of."""

METRICS = {name: metric for group in GROUPS.values() for name, metric in group.items()}


def measure(name: str, faces: Faces, material: Material) -> Value:
    """A metric's value; where there are no faces, or not what it needs, none and the reason.

    Raises:
        VoicefaceError: weights cannot be read, or are of another network.
    """
    metric, count = METRICS[name], len(faces.labels)
    if not count:
        return value(None, None, 0, "the split has no samples")
    for need in metric.needs:
        reason = material.once(f"need {need.title}", partial(need.missing, material))
        if reason:
            return value(None, None, count, reason)
    return metric.measure(faces, material)


def _speech2face(which: str, fid: float, l1: float, cosine: float) -> dict[str, Any]:
    return {
        "source": f"Speech2Face's student system, {which} model",
        "note": "on its own data, and in another descriptor than dlib's, not on this dataset",
        "values": {"fid": {"all": fid}, "l1": {"all": l1}, "cosine": {"all": cosine}},
    }


PAPERS: dict[str, dict[str, Any]] = {
    "wav2pix": {
        "source": "Duarte et al., ICASSP 2019",
        "note": "on the paper's own data (10 people), not on this dataset",
        "values": {
            "identity": {"train": 76.81, "test": 50.08},
            "landmarks": {"all": 90.25},
        },
    },
    "acgan": {
        "source": "Wen, Singh and Raj, NeurIPS 2019",
        "note": "on VoxCeleb and VGGFace (924 known people), not on this dataset; the"
        " discriminator's score of faces drawn from noise is 0.06",
        "values": {
            "identity": {"test": 61.7},
            "identity_5": {"test": 82.3},
            "gender": {"all": 96.45},
            "matching": {"train": 96.83, "unseen": 76.07},
            "matching_gender": {"train": 93.98, "unseen": 59.69},
            "discriminator": {"all": 0.09},
        },
    },
    "fegan": {
        "source": "Fang et al. 2021",
        "note": "on RAVDESS, not on this dataset; the authors' own log contradicts these figures",
        "values": {
            "identity": {"train": 99.40, "test": 84.64},
            "emotion": {"train": 95.08},
            "fid": {"all": 58.79},
        },
    },
    "speech2face": _speech2face("general", 114.4, 61.9, 0.245),
    "speech2face female": _speech2face("female", 126.4, 29.4, 0.399),
    "speech2face male": _speech2face("male", 129.3, 33.1, 0.209),
}
"""The figures that the papers printed, by model, and by the gender that one is made for."""
