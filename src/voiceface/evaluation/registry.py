"""Every metric, one line each, and what decides whether there is a value."""

from voiceface.evaluation import fid, frechet_dlib, identity, landmarks, matching, retrieval
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value

METRICS: dict[str, Metric] = {
    "identity": identity.METRIC,
    "identity_5": identity.TOP_5,
    "matching": matching.METRIC,
    "matching_gender": matching.STRATIFIED,
    "retrieval_1": retrieval.RECALL[1],
    "retrieval_5": retrieval.RECALL[5],
    "retrieval_10": retrieval.RECALL[10],
    "median_rank": retrieval.MEDIAN,
    "landmarks": landmarks.METRIC,
    "frechet_dlib": frechet_dlib.METRIC,
    "fid": fid.METRIC,
}


def measure(name: str, faces: Faces, material: Material) -> Value:
    """A metric's value; where there are no faces, or not what it needs, none and the reason.

    Raises:
        VoicefaceError: weights cannot be read, or are of another network.
    """
    metric, count = METRICS[name], len(faces.labels)
    if not count:
        return value(None, None, 0, "the split has no samples")
    missing = [reason for need in metric.needs if (reason := need.missing(material))]
    if missing:
        return value(None, None, count, "; ".join(missing))
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
}
"""The figures that the papers printed, by model."""
