"""Crowds of made-up face descriptors: who the speaker is, and who is not."""

import time

import numpy as np

from voiceface.media.identity import _Group, _joined, distances, find_crowds, rows_by_code

RADIUS = 0.45


def faces_of(people: list[tuple[int, int, int]], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and their videos, from rows (person, video, number of faces)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 0.1, (1 + max(person for person, _, _ in people), 128))
    faces = [centres[person] + rng.normal(0, 0.018, (count, 128)) for person, _, count in people]
    videos = [np.full(count, video) for _, video, count in people]
    return np.concatenate(faces), np.concatenate(videos)


def speaker(people: list[tuple[int, int, int]]) -> int:
    """Which person is taken for the speaker."""
    faces, videos = faces_of(people)
    who = np.repeat([person for person, _, _ in people], [count for _, _, count in people])
    crowd = find_crowds(faces, videos, RADIUS)[0]
    [found] = set(who[crowd.faces].tolist())
    return int(found)


def test_the_speaker_is_who_is_in_most_videos_not_who_has_most_faces() -> None:
    assert speaker([(0, 0, 8), (0, 1, 8), (0, 2, 8), (1, 3, 400)]) == 0


def test_the_speaker_stays_so_when_most_of_one_video_is_somebody_else() -> None:
    assert speaker([(0, 0, 10), (0, 1, 4), (1, 1, 16), (0, 2, 10)]) == 0
    assert speaker([(0, 0, 10), (0, 1, 4), (1, 1, 160)]) == 0


def test_many_guests_do_not_pull_and_a_poster_in_every_video_is_not_the_speaker() -> None:
    guests = [(person, person, 6) for person in range(2, 10)]
    poster = [(1, video, 1) for video in range(2, 10)]
    host = [(0, video, 7) for video in range(2, 10)]
    assert speaker([*guests, *poster, *host]) == 0


def test_everybody_gets_a_crowd_with_the_share_of_each_video() -> None:
    faces, videos = faces_of([(0, 5, 6), (0, 7, 3), (1, 7, 9)])
    host, guest = find_crowds(faces, videos, RADIUS)
    assert host.faces.tolist() == list(range(9))
    assert guest.faces.tolist() == list(range(9, 18))
    assert host.shares == {5: 1.0, 7: 0.25}
    assert guest.shares == {7: 0.75}
    assert distances(faces[:9], host.centre).max() < RADIUS


def test_with_two_faces_nobody_can_say() -> None:
    assert find_crowds(*faces_of([(0, 0, 1), (1, 0, 1)]), RADIUS) == []


def test_four_times_the_faces_take_about_four_times_as_long() -> None:
    def seconds(count: int) -> float:
        faces, videos = faces_of([(0, video, count) for video in range(10)] + [(1, 3, count)])
        start = time.process_time()
        assert len(find_crowds(faces, videos, RADIUS)) == 2
        return time.process_time() - start

    small = min(seconds(1000) for _ in range(3))
    assert min(seconds(4000) for _ in range(2)) < 9 * small


def joined_plainly(groups: list[_Group]) -> list[_Group]:
    """As `_joined`, with all centres gathered anew for each group."""
    people: list[_Group] = []
    for group in sorted(groups, key=lambda group: -len(group.faces)):
        apart = [float(distances(one.centre[None], group.centre)[0]) for one in people]
        nearest = int(np.argmin(apart)) if apart else -1
        few = bool(people) and min(len(group.faces), len(people[nearest].faces)) < 3
        if apart and apart[nearest] <= (RADIUS if few else 0.85 * RADIUS):
            people[nearest].take(group)
        else:
            people.append(group)
    return people


def test_groups_are_joined_to_centres_that_move_with_them() -> None:
    rng = np.random.default_rng(1)
    people = rng.normal(0, 0.1, (8, 128))

    def groups() -> list[_Group]:
        rng = np.random.default_rng(2)
        who, sizes = rng.integers(0, 8, 200), rng.integers(1, 9, 200)
        near = people[who] + rng.normal(0, 0.02, (200, 128))
        return [
            _Group(centre, np.arange(10 * n, 10 * n + size), 10)
            for n, (centre, size) in enumerate(zip(near.astype(np.float32), sizes, strict=True))
        ]

    plain, quick = joined_plainly(groups()), _joined(groups(), RADIUS)
    assert 8 <= len(quick) < 100
    assert [one.faces.tolist() for one in quick] == [one.faces.tolist() for one in plain]
    assert all(np.array_equal(a.centre, b.centre) for a, b in zip(quick, plain, strict=True))


def test_a_thousand_videos_of_people_unlike_each_other_are_quick() -> None:
    faces, videos = faces_of([(video, video, 3) for video in range(1000)])
    start = time.process_time()
    assert len(find_crowds(faces, videos, RADIUS)) == 1000
    assert time.process_time() - start < 3


def test_rows_are_given_by_their_code_in_order() -> None:
    found = [(code, rows.tolist()) for code, rows in rows_by_code(np.array([7, 2, 7, 5, 2]))]
    assert found == [(2, [1, 4]), (5, [3]), (7, [0, 2])]
    assert list(rows_by_code(np.array([], int))) == []


def around(centre: np.ndarray, spread: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Faces at about `spread` from a centre."""
    return centre + rng.normal(0, spread / np.sqrt(128), (count, 128))


def test_a_look_alike_s_video_is_somebody_else_s_and_a_changed_look_is_not() -> None:
    """One man's centres in two videos were measured 0.32 apart, two people's from 0.38 on."""
    rng = np.random.default_rng(4)
    host, step = rng.normal(0, 0.1, 128), rng.normal(size=128)
    step /= np.linalg.norm(step)
    videos = np.repeat([0, 1, 2], 9)
    for apart, spread, sizes in ((0.42, 0.2, [18, 9]), (0.32, 0.3, [27])):
        third = around(host + apart * step, spread, 9, rng)
        faces = np.concatenate([around(host, spread, 18, rng), third])
        crowds = find_crowds(faces, videos, RADIUS)
        assert [len(crowd.faces) for crowd in crowds] == sizes
