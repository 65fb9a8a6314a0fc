"""Voice-to-face matching: is the drawn face nearer to the true one than to an impostor's?

Wen, Singh and Raj (NeurIPS 2019), section 4.3: trials of a voice, a face of its speaker and a face
of somebody else; stratified by gender, the impostor is of the speaker's gender. All trials that the
faces allow are counted, exactly and without listing one of them: for each voice, an impostor's
face loses to as many true faces as lie nearer to the drawn one (equally near ones count half).
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from voiceface.evaluation import attributes, descriptors
from voiceface.evaluation.descriptors import described, distances
from voiceface.evaluation.intervals import interval, mean_of_pairs
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value


class Trials(NamedTuple):
    """Counts for each pair of S speakers: the row's has the voice, the column's is the impostor."""

    won: np.ndarray
    """float64 (S, S): trials in which the true face is the nearer one."""
    all: np.ndarray
    """float64 (S, S)."""


def count_trials(probes: np.ndarray, faces: np.ndarray, people: np.ndarray, *, own: bool) -> Trials:
    """Count all trials of n probes with n faces.

    Args:
        probes: descriptors (n, d) of the faces that were drawn from the voices.
        faces: descriptors (n, d) of the voices' true faces.
        people: int64 (n,), whose they are, from 0 on.
        own: whether a probe may be compared with the face of its own row.
    """
    speakers = int(people.max(initial=-1)) + 1
    won, counts = np.zeros((speakers, speakers)), np.zeros((speakers, speakers))
    faces_of = np.bincount(people, minlength=speakers).astype(np.float64)
    for row, (person, far) in enumerate(zip(people, distances(probes, faces), strict=True)):
        true = people == person
        if not own:
            true[row] = False
        near = np.sort(far[true])
        nearer = np.searchsorted(near, far, "left") + np.searchsorted(near, far, "right")
        won[person] += np.bincount(people, nearer / 2, speakers)
        counts[person] += len(near) * faces_of
    np.fill_diagonal(won, 0)
    np.fill_diagonal(counts, 0)
    return Trials(won, counts)


def percent_won(trials: Trials, drawn: np.ndarray) -> np.ndarray:
    """Percent of the trials that are won when speaker s is there `drawn[i, s]` times: (i,)."""
    return 100 * mean_of_pairs(trials.won, trials.all, drawn)


def _trials(faces: Faces, material: Material) -> tuple[Trials, Trials]:
    """The trials of the drawn and of the real faces."""
    found = described(faces, material)
    return faces.once(
        "trials",
        lambda: (
            count_trials(found.generated, found.real, faces.people, own=True),
            count_trials(found.real, found.real, faces.people, own=False),
        ),
    )


def _measure(stratified: bool, faces: Faces, material: Material) -> Value:
    drawn, real = _trials(faces, material)
    speakers = len(drawn.all)
    if stratified:
        genders = np.array([faces.genders[faces.people == s][0] for s in range(speakers)])
        alike = (genders[:, None] == genders) & (genders != "")
        drawn, real = (Trials(one.won * alike, one.all * alike) for one in (drawn, real))
    if not drawn.all.any():
        other = "two speakers of one gender" if stratified else "two speakers"
        return value(None, None, len(faces.labels), f"takes {other} or more")
    whole = np.ones((1, speakers))
    upper = percent_won(real, whole)[0]
    return value(
        percent_won(drawn, whole)[0],
        None if np.isnan(upper) else upper,
        len(faces.labels),
        interval=interval(speakers, material.config.seed, partial(percent_won, drawn)),
        chance=50,
        trials=int(drawn.all.sum()),
    )


METRIC = Metric("Voice-to-face matching", "%", True, partial(_measure, False), (descriptors.NEED,))
STRATIFIED = Metric(
    "Voice-to-face matching, impostors of the same gender",
    "%", True, partial(_measure, True), (descriptors.NEED, attributes.GENDERS),
)  # fmt: skip
