"""95 % intervals by the bootstrap over speakers.

Voices of one speaker are alike, and the trials of a matching share voices, faces and speakers: as
if they were independent they would give intervals that are far too narrow. So whole speakers are
drawn with replacement, and with each all that is theirs (the cluster bootstrap; Davison and Hinkley
1997, section 3.8). The ends are percentiles of what the draws give. With few speakers such an
interval is too narrow still: by about a tenth with 5, by a fortieth with 20.
"""

from collections.abc import Callable, Sequence

import numpy as np

REPEATS = 2000
LEAST_SPEAKERS = 3
"""Of fewer, no interval is told."""

_T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
"""The 0.975 quantile of Student's t with 1, 2, … degrees of freedom."""

Interval = tuple[float, float]


def interval(
    speakers: int, seed: int, statistic: Callable[[np.ndarray], np.ndarray]
) -> Interval | None:
    """The interval of a statistic of drawn speakers.

    None of fewer than `LEAST_SPEAKERS`, and where all draws give the same: when every voice is
    right, a bootstrap can't tell how sure that is.

    Args:
        statistic: takes how often each speaker is drawn, float64 (draws, speakers); gives the
            statistic of each draw (draws,), NaN where there is none.
    """
    if speakers < LEAST_SPEAKERS:
        return None
    random = np.random.default_rng(seed)
    drawn = random.multinomial(speakers, np.full(speakers, 1 / speakers), REPEATS)
    found = statistic(drawn.astype(np.float64))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return (float(low), float(high)) if low < high else None


def of_mean(values: np.ndarray, people: np.ndarray, seed: int) -> Interval | None:
    """The interval of the mean of values (n,), of which `people` (n,) tells the speaker."""
    _, whose = np.unique(people, return_inverse=True)
    sums, counts = np.bincount(whose, values), np.bincount(whose)
    return interval(len(counts), seed, lambda drawn: (drawn @ sums) / (drawn @ counts))


def mean_of_pairs(sums: np.ndarray, counts: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The mean over pairs of two speakers' things, when each speaker is there so many times.

    Args:
        sums: (S, S), over what the row's speaker and the column's have in common.
        counts: (S, S), the number of values in each sum; none on the diagonal.
        drawn: (draws, S), how often each speaker is there.

    Returns: (draws,), NaN where no pair is left.
    """
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = ((drawn @ sums) * drawn).sum(1) / ((drawn @ counts) * drawn).sum(1)
        return mean


def median(values: np.ndarray) -> float:
    """The least of the values (n,) that at least half of them do not exceed."""
    return float(np.quantile(values, 0.5, method="inverted_cdf"))


def of_median(values: np.ndarray, people: np.ndarray, seed: int) -> Interval | None:
    """The interval of the median of values (n,), of which `people` (n,) tells the speaker."""
    _, whose = np.unique(people, return_inverse=True)
    order = np.argsort(values, kind="stable")

    def medians(drawn: np.ndarray) -> np.ndarray:
        below = np.cumsum(drawn[:, whose[order]], axis=1)
        places: np.ndarray = np.argmax(below >= below[:, -1:] / 2, axis=1)
        chosen: np.ndarray = values[order][places]
        return chosen

    return interval(int(whose.max()) + 1, seed, medians)


def of_seeds(values: Sequence[float]) -> Interval | None:
    """The 95 % interval of the mean over trainings that differ in their seed alone.

    By Student's t, for they are few: with 3 it is 4.3 standard errors to each side. None of fewer
    than two, and where all give the same.
    """
    count = len(values)
    if count < 2 or len(set(values)) < 2:
        return None
    quantile = _T_975[min(count - 1, len(_T_975)) - 1]
    around = quantile * float(np.std(values, ddof=1)) / count**0.5
    mean = float(np.mean(values))
    return mean - around, mean + around
