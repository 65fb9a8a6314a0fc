"""Batches hold the right pairs, cut and mirrored at random, and can be gone on with."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from tests.builders import packed_dataset
from voiceface.data.batches import Batch, Batches, loudest
from voiceface.data.packed import Packed, read_packed
from voiceface.data.store import shrunk
from voiceface.errors import VoicefaceError
from voiceface.ids import segment_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """3 speakers × 5 samples; row r's sound is a ramp that starts at 1000 r, to tell it by."""
    folder = packed_dataset(tmp_path_factory.mktemp("packed"), per_speaker=5, test_per_speaker=0)
    split = read_packed(folder / "train")
    ramp = np.arange(200)[None] + 1000 * np.arange(15)[:, None]
    return replace(split, audio=ramp.astype(np.int16))


def _batches(
    packed: Packed, batch: int = 6, flip: bool = True, seed: int = 0, **options: Any
) -> Batches:
    options = {"samples": (50, 50), **options}
    return Batches(packed, px=64, batch=batch, flip=flip, seed=seed, device=CPU, **options)


def test_a_batch_pairs_the_voice_with_its_own_face_and_label(packed: Packed) -> None:
    batches = _batches(packed, flip=False)
    faces = shrunk(packed.faces, 64, CPU).float() / 127.5 - 1
    for _ in range(5):
        batch = batches.next()
        rows = (batch.audio[:, 0] * 32768 / 1000).long()
        assert torch.equal(batch.labels, torch.from_numpy(packed.labels)[rows])
        assert torch.allclose(batch.faces, faces[rows])
        assert torch.equal(batch.descriptors, torch.tensor(packed.descriptors)[rows])
        assert torch.equal(batch.audio.diff(dim=1) * 32768, torch.ones(6, 49))


def test_every_sample_comes_once_before_any_comes_again(packed: Packed) -> None:
    batches = _batches(packed, batch=4)
    rows = torch.cat([(batches.next().audio[:, 0] * 32.768).long() for _ in range(15)])
    for epoch in rows.split(15):
        assert sorted(epoch.tolist()) == list(range(15))
    assert rows[:15].tolist() != rows[15:30].tolist()


def test_the_wrong_face_is_of_any_other_speaker(packed: Packed) -> None:
    batches = _batches(packed, flip=False)
    faces = shrunk(packed.faces, 64, CPU).float() / 127.5 - 1
    seen = set()
    for _ in range(30):
        batch = batches.next()
        same = (batch.wrong[:, None] == faces[None]).flatten(2).all(2)
        rows = same.int().argmax(1)
        seen |= set(rows.tolist())
        assert (torch.from_numpy(packed.labels)[rows] != batch.labels).all()
    assert seen == set(range(15))


def test_faces_are_mirrored_half_of_the_time_and_cuts_move(packed: Packed) -> None:
    batches = _batches(packed, batch=15)
    faces = shrunk(packed.faces, 64, CPU).float() / 127.5 - 1
    mirrored, starts = [], []
    for _ in range(20):
        batch = batches.next()
        rows = (batch.audio[:, 0] * 32.768).long()
        mirrored += (batch.faces == faces[rows].flip(3)).flatten(1).all(1).tolist()
        starts += (batch.audio[:, 0] * 32768 - 1000 * rows).long().tolist()
    assert 0.4 < np.mean(mirrored) < 0.6
    assert min(starts) < 10
    assert 140 < max(starts) <= 150


def _same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("most_gib", [1.0, 0.0], ids=["on the device", "mapped"])
def test_a_stream_goes_on_from_its_state(packed: Packed, most_gib: float) -> None:
    first = _batches(packed, batch=4, most_gib=most_gib)
    first.next()
    state = first.state_dict()
    wanted = [first.next() for _ in range(5)]
    other = _batches(packed, batch=4, seed=9, most_gib=most_gib)
    other.next()
    other.load_state_dict(state)
    assert all(_same(batch, other.next()) for batch in wanted)


def test_data_that_stays_on_the_disk_gives_the_same_batches(packed: Packed) -> None:
    lengths = {"samples": (150, 420)}
    held, mapped = _batches(packed, **lengths), _batches(packed, **lengths, most_gib=0)
    assert mapped.store.ahead
    assert not held.store.ahead
    assert all(_same(held.next(), mapped.next()) for _ in range(6))


def test_processes_share_the_very_same_batch(packed: Packed) -> None:
    whole = _batches(packed, batch=6)
    parts = [_batches(packed, batch=6, mine=slice(n, n + 3)) for n in (0, 3)]
    for _ in range(4):
        shares = [part.next() for part in parts]
        joined = Batch(*(torch.cat(pair) for pair in zip(*shares, strict=True)))
        assert _same(whole.next(), joined)


def test_by_identity_a_voice_gets_any_face_of_its_speaker(packed: Packed) -> None:
    batches = _batches(packed, flip=False, pairing="identity")
    faces = shrunk(packed.faces, 64, CPU).float() / 127.5 - 1
    labels = torch.from_numpy(packed.labels)
    seen = set()
    for _ in range(60):
        batch = batches.next()
        voices = (batch.audio[:, 0] * 32768 / 1000).long()
        rows = (batch.faces[:, None] == faces[None]).flatten(2).all(2).int().argmax(1)
        assert torch.equal(labels[rows], labels[voices])
        seen |= set(zip(voices.tolist(), rows.tolist(), strict=True))
    assert len(seen) == 3 * 5 * 5


def test_sound_that_is_repeated_goes_on_with_itself_from_anywhere(packed: Packed) -> None:
    batches = _batches(packed, batch=15, samples=(250, 550), repeats=True)
    starts = []
    for _ in range(20):
        sound = (batches.next().audio * 32768).long()
        rows, places = sound[:, :1] // 1000, sound % 1000
        assert (sound // 1000 == rows).all()
        assert ((places.diff(dim=1) - 1) % 200 == 0).all()
        starts += places[:, 0].tolist()
    assert min(starts) < 10
    assert max(starts) > 190


@pytest.mark.parametrize("pairing", ["paired", "identity"])
def test_of_one_gender_there_is_nothing_of_others(packed: Packed, pairing: str) -> None:
    of = {"female": [0, 2], "male": [1]}
    packed = replace(packed, genders=["female"] * 5 + ["male"] * 5 + ["female"] * 5)
    batches = _batches(packed, batch=5, gender="female", pairing=pairing, flip=False)
    faces = shrunk(packed.faces, 64, CPU).float() / 127.5 - 1
    heard = []
    for _ in range(4):
        batch = batches.next()
        heard += (batch.audio[:, 0] * 32.768).long().tolist()
        assert set(batch.labels.tolist()) <= set(of["female"])
        for shown in (batch.faces, batch.wrong):
            rows = (shown[:, None] == faces[None]).flatten(2).all(2).int().argmax(1)
            assert set((rows // 5).tolist()) <= set(of["female"])
    assert sorted(heard[:10]) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    with pytest.raises(VoicefaceError, match="5 samples of 1 male speakers, but training takes"):
        _batches(packed, gender="male")


def test_each_voice_goes_with_its_emotion(packed: Packed) -> None:
    told = ["calm", "", "anger", "joy", "anger"] * 3
    packed = replace(packed, emotions=told, emotion_classes=["anger", "calm"])
    batch = _batches(packed, batch=15).next()
    rows = (batch.audio[:, 0] * 32.768).long()
    wanted = [{"anger": 0, "calm": 1}.get(told[row], -1) for row in rows.tolist()]
    assert batch.emotions.tolist() == wanted
    none_told = _batches(replace(packed, emotion_classes=[]), batch=15).next()
    assert set(none_told.emotions.tolist()) == {-1}


def test_longer_sound_is_joined_of_the_rows_that_follow_in_the_video(packed: Packed) -> None:
    packed = replace(packed, recordings=["a"] * 3 + ["b"] * 2 + packed.recordings[5:])
    batches = _batches(packed, batch=15, samples=(150, 550))
    following = {0: 1, 1: 2, 2: 0, 3: 4, 4: 3}
    lengths = set()
    for _ in range(20):
        sound = (batches.next().audio * 32768).long()
        lengths.add(sound.shape[1])
        for row in sound.tolist():
            visited = [row[0] // 1000, *(b // 1000 for a, b in pairwise(row) if b != a + 1)]
            for first, second in pairwise(visited):
                assert second == following.get(first, first // 5 * 5 + (first + 1) % 5)
    assert 150 <= min(lengths) < 250
    assert 450 < max(lengths) <= 550


def test_the_faces_of_one_segment_do_not_make_its_sound_longer(packed: Packed) -> None:
    names = ["a_1", "a_1-1", "a_2", "a_2-1", "a_2-2"]
    packed = replace(
        packed,
        recordings=["a"] * 5 + ["b"] * 10,
        segments=[segment_of(name) for name in names] + [f"b_{n}" for n in range(10)],
    )
    assert packed.segments[:5] == ["a_1", "a_1", "a_2", "a_2", "a_2"]
    chains = _batches(packed, samples=(150, 550)).chains[:5].tolist()
    assert [chain[:3] for chain in chains] == [
        [0, 2, 0],
        [1, 2, 0],
        [2, 0, 2],
        [3, 0, 2],
        [4, 0, 2],
    ]


@pytest.mark.parametrize(
    ("rows", "words"), [(0, "0 samples"), (1, "1 samples"), (5, "of 1 speakers")]
)
def test_too_little_to_train_on_is_one_line(packed: Packed, rows: int, words: str) -> None:
    few = replace(
        packed, faces=packed.faces[:rows], audio=packed.audio[:rows], labels=packed.labels[:rows]
    )
    with pytest.raises(VoicefaceError, match=words) as caught:
        _batches(few)
    assert "\n" not in str(caught.value)


def test_the_loudest_window_holds_the_burst() -> None:
    audio = torch.zeros(2, 1000, dtype=torch.int16)
    audio[0, 700:780] = 30_000
    audio[1, 100:180] = -30_000
    windows = loudest(audio, 100)
    assert windows.shape == (2, 100)
    assert (windows.abs() > 0).sum(1).tolist() == [80, 80]
