"""Every metric, one line each, and what decides whether there is a value."""

from functools import partial

from voiceface.evaluation import (
    discriminator,
    diversity,
    fid,
    frechet_dlib,
    gender,
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
        "gender": gender.METRIC,
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

BY_INPUT = ("identity", "gender", "matching", "cosine", "landmarks", "discriminator")
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


PAPERS = {
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
        "note": "on VoxCeleb and VGGFace (924 known people), not on this dataset",
        "values": {
            "identity": {"test": 61.7},
            "identity_5": {"test": 82.3},
            "gender": {"all": 96.45},
            "matching": {"train": 96.83, "unseen": 76.07},
            "matching_gender": {"train": 93.98, "unseen": 59.69},
        },
    },
}
"""The figures that the papers printed, by model."""
