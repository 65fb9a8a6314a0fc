"""How well curators agree, beyond what chance would do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from voiceface.review.fold import standing_by_curator
from voiceface.review.ledger import Event, in_time


@dataclass(frozen=True)
class Agreement:
    """Agreement of raters on the items that two or more of them rated. None: not defined."""

    items: int
    """items with two ratings or more"""
    pairs: int
    """pairs of ratings of one item"""
    percent: float | None
    """share of the pairs that agree, the mean over the items, 0 to 1"""
    cohen_kappa: float | None
    """-1 to 1, Cohen (1960); of more than two raters the mean over their pairs, Light (1971)"""
    krippendorff_alpha: float | None
    """up to 1, nominal, any number of raters: Krippendorff (2011)"""
    gwet_ac1: float | None
    """up to 1, Gwet (2008): a common rating does not lower it as it lowers κ and α"""


def agreement(ratings: Iterable[Mapping[str, str]]) -> Agreement:
    """Agreement of ratings.

    Args:
        ratings: of each item, what each of its raters said. An item with a single rating only tells
            how common that rating is, for Gwet's AC1.
    """
    rated = [item for item in ratings if item]
    labels = [list(item.values()) for item in rated]
    shared = [item for item in labels if len(item) > 1]
    pairs = sum(len(item) * (len(item) - 1) // 2 for item in shared)
    if not shared:
        return Agreement(0, 0, None, None, None, None)
    percent = sum(_agreeing(item) for item in shared) / len(shared)
    return Agreement(
        len(shared), pairs, percent, _cohen(rated), _krippendorff(shared), _gwet(labels, percent)
    )


def blind_agreement(events: Iterable[Event], content: Mapping[str, str | None]) -> Agreement:
    """Agreement of what curators said of the samples' present content before they knew the others'.

    Of each sample counts what a curator said last before another one marked it, or else what they
    said first: who marks it again after having seen the other's mark agrees too easily.

    Args:
        content: of each sample that counts, None without a face.
    """
    of_sample: dict[str, list[Event]] = {}
    for event in sorted(events, key=in_time):
        if event.sample in content and event.content == (content[event.sample] or ""):
            of_sample.setdefault(event.sample, []).append(event)
    return agreement(_blind_ratings(own) for own in of_sample.values())


def _blind_ratings(events: Sequence[Event]) -> dict[str, str]:
    """Each curator's decision on a sample, from its events in order of time."""
    first: dict[str, int] = {}
    for place, event in enumerate(events):
        if event.decision != "undo":
            first.setdefault(event.curator, place)
    ratings = {}
    for curator, place in first.items():
        others = min((at for who, at in first.items() if who != curator), default=len(events))
        blind = standing_by_curator(event for event in events[:others] if event.curator == curator)
        mark = next((marks[curator] for marks in blind.values()), events[place])
        ratings[curator] = mark.decision
    return ratings


def _agreeing(item: Sequence[str]) -> float:
    """Share of the pairs of an item's ratings that agree."""
    return sum(n * (n - 1) for n in Counter(item).values()) / (len(item) * (len(item) - 1))


def _above_chance(observed: float, chance: float) -> float | None:
    return (observed - chance) / (1 - chance) if chance < 1 else None


def _cohen(items: Sequence[Mapping[str, str]]) -> float | None:
    """κ = (p_o - p_e) / (1 - p_e), p_e from each rater's own shares."""
    both: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for item in items:
        for one, other in combinations(sorted(item), 2):
            both.setdefault((one, other), []).append((item[one], item[other]))
    found = []
    for pairs in both.values():
        first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
        chance = sum(first[label] * second[label] for label in first) / len(pairs) ** 2
        found.append(_above_chance(sum(a == b for a, b in pairs) / len(pairs), chance))
    defined = [kappa for kappa in found if kappa is not None]
    return sum(defined) / len(defined) if defined else None


def _krippendorff(items: Sequence[Sequence[str]]) -> float | None:
    """α = 1 - D_o / D_e, from the coincidences within items."""
    total: Counter[str] = Counter()
    disagreeing = 0.0
    for item in items:
        counts = Counter(item)
        total.update(counts)
        disagreeing += sum(n * (len(item) - n) for n in counts.values()) / (len(item) - 1)
    count = total.total()
    expected = sum(n * (count - n) for n in total.values()) / (count - 1)
    return 1 - disagreeing / expected if expected else None


def _gwet(items: Sequence[Sequence[str]], observed: float) -> float | None:
    """AC1: p_e = Σ π (1 - π) / (q - 1), π the mean share of each of q ratings."""
    labels = {label for item in items for label in item}
    if len(labels) < 2:
        return None
    shares = [sum(item.count(name) / len(item) for item in items) / len(items) for name in labels]
    return _above_chance(observed, sum(p * (1 - p) for p in shares) / (len(labels) - 1))
