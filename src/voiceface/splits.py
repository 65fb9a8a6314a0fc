"""The draw of the splits: train, test (unheard speech of known people), unseen (unseen people).

Whatever shares sound or a face moves together. Every draw ranks by a digest of the seed and the
name, so that one more video or speaker moves as few of the others as possible.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.duplicates import face_pairs, shared_keys, sound_pairs
from voiceface.ids import PICTURES
from voiceface.parts import in_one_piece

LEAST_SPEAKERS = 4
"""From so many speakers on, at least one is unseen."""


@dataclass(frozen=True)
class Group:
    """Videos that are one for the draw, because they share sound or faces."""

    videos: tuple[str, ...]
    """sorted"""
    speakers: tuple[str, ...]
    """sorted; more than one when people share content"""


def find_groups(samples: pa.Table) -> list[Group]:
    """Group the videos that share a sound, a stretch of sound or a face, directly or by a chain.

    Nearly the same counts as the same, more readily than in the proof of no leakage. Videos whose
    samples have their faces from one video are in one group, with that if it has samples itself.

    Args:
        samples: columns video, speaker, start_us, face_video, audio_sha256, face_sha256,
            audio_prints, audio_marks and face_print.
    """
    encoded = in_one_piece(samples["video"]).dictionary_encode()
    names, video = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    links: set[tuple[int, int]] = set()
    for column in ("audio_sha256", "face_sha256"):
        values = in_one_piece(samples[column]).dictionary_encode().indices.to_numpy()
        links |= _links(values, video)
    prints = in_one_piece(samples["audio_prints"])
    counts = pc.list_value_length(prints).to_numpy()
    links |= _links(prints.flatten().to_numpy(), np.repeat(video, counts))
    # Of a folder of pictures two recordings may well have different faces.
    pictures = pc.starts_with(samples["face_video"], PICTURES)
    seen = pc.if_else(pictures, samples["video"], samples["face_video"])
    both = pa.chunked_array([*samples["video"].chunks, *seen.chunks])
    videos = in_one_piece(both).dictionary_encode().indices.to_numpy()
    links |= _links(videos, np.concatenate([video, video]))
    for pairs in (sound_pairs(samples), face_pairs(samples)):
        links |= {(one, other) for one, other in video[pairs].tolist()}
    numbers, rows = np.unique(video, return_index=True)
    speakers = samples["speaker"].take(pa.array(rows)).to_pylist()
    speaker_of = dict(zip(numbers.tolist(), speakers, strict=True))
    groups = []
    for members in _joined(len(names), links):
        videos = tuple(sorted(names[member] for member in members))
        groups.append(Group(videos, tuple(sorted({speaker_of[member] for member in members}))))
    return sorted(groups, key=lambda group: group.videos)


def draw_splits(
    groups: list[Group],
    test_fraction: float,
    unseen_fraction: float,
    seed: int,
    same_person: Iterable[tuple[str, str]] = (),
) -> dict[str, str]:
    """The split of each video.

    Args:
        same_person: pairs of speakers that are one person, it seems: unseen both, or neither.
    """
    unseen = _draw_unseen(groups, unseen_fraction, seed, same_person)
    known = [group for group in groups if unseen.isdisjoint(group.speakers)]
    test = _draw_test(known, test_fraction, seed)
    splits = {video: "unseen" for group in groups for video in group.videos}
    for group in known:
        for video in group.videos:
            splits[video] = "test" if group in test else "train"
    return splits


def _draw_unseen(
    groups: list[Group], fraction: float, seed: int, same_person: Iterable[tuple[str, str]]
) -> set[str]:
    """The unseen speakers. Those who share content or a face are drawn together, or not at all."""
    speakers = sorted({speaker for group in groups for speaker in group.speakers})
    place = {speaker: number for number, speaker in enumerate(speakers)}
    links = {
        (place[group.speakers[0]], place[other]) for group in groups for other in group.speakers[1:]
    }
    links |= {
        (place[one], place[other]) for one, other in same_person if {one, other} <= place.keys()
    }
    crowds = [[speakers[member] for member in crowd] for crowd in _joined(len(speakers), links)]
    wanted = _share(fraction, len(speakers), at_least_one=len(speakers) >= LEAST_SPEAKERS)
    unseen: set[str] = set()
    crowds.sort(key=lambda crowd: _rank(seed, "unseen", crowd))
    for crowd in crowds:
        if len(unseen) + len(crowd) <= wanted:
            unseen.update(crowd)
    if wanted and not unseen and len(crowds) > 1:
        # Every crowd is too large: the smallest one, rather than none.
        smallest = min(crowds, key=len)
        unseen.update(smallest)
    return unseen


def _draw_test(groups: list[Group], fraction: float, seed: int) -> set[Group]:
    """The groups for the test on unheard speech; each speaker keeps one for the training."""
    of_speaker: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda group: _rank(seed, "test", group.videos)):
        for speaker in group.speakers:
            of_speaker.setdefault(speaker, []).append(group)
    left = {speaker: len(mine) for speaker, mine in of_speaker.items()}  # groups in train
    test: set[Group] = set()
    for mine in of_speaker.values():
        wanted = _share(fraction, sum(len(group.videos) for group in mine), at_least_one=True)
        taken = sum(len(group.videos) for group in mine if group in test)
        # A group of several people takes from all of them: only when there is no other.
        for group in sorted(mine, key=lambda group: (len(group.speakers), len(group.videos))):
            fits = taken + len(group.videos) <= wanted or (wanted and not taken)
            if group in test or not fits or any(left[speaker] < 2 for speaker in group.speakers):
                continue
            test.add(group)
            taken += len(group.videos)
            for speaker in group.speakers:
                left[speaker] -= 1
    return test


def _share(fraction: float, count: int, *, at_least_one: bool) -> int:
    """`fraction` of `count`, rounded, leaving at least one."""
    if fraction == 0:
        return 0
    return min(max(int(fraction * count + 0.5), int(at_least_one)), count - 1)


def _rank(seed: int, draw: str, names: Sequence[str]) -> str:
    """Where a group stands in a draw: by its first member, so that one more moves it little."""
    return min(hashlib.sha256(f"{seed}\0{draw}\0{name}".encode()).hexdigest() for name in names)


def _links(keys: np.ndarray, owners: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of different owners that have a key in common; enough of them to join all."""
    links: set[tuple[int, int]] = set()
    for places in shared_keys(keys):
        side_by_side, mine = keys[places], owners[places]
        meet = (side_by_side[1:] == side_by_side[:-1]) & (mine[1:] != mine[:-1])
        pairs = np.stack([mine[:-1][meet], mine[1:][meet]], axis=1)
        links |= {(one, other) for one, other in np.unique(pairs, axis=0).tolist()}
    return links


def _joined(count: int, links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Sets of the numbers below `count` that the links join, each sorted."""
    parent = list(range(count))

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for one, other in links:
        parent[root(one)] = root(other)
    sets: dict[int, list[int]] = {}
    for member in range(count):
        sets.setdefault(root(member), []).append(member)
    return list(sets.values())
