"""Every metric, one line each."""

from voiceface.evaluation import fid, frechet_dlib, identity, landmarks
from voiceface.evaluation.metric import Metric

METRICS: dict[str, Metric] = {
    "landmarks": landmarks.METRIC,
    "identity": identity.METRIC,
    "frechet_dlib": frechet_dlib.METRIC,
    "fid": fid.METRIC,
}

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
