"""Who is like a face or a voice."""

from pathlib import Path

import numpy as np
import pytest
import torch

from voiceface.data.packed import read_splits
from voiceface.evaluation.drawing import small
from voiceface.models import saved
from voiceface.models.known import HOP_S
from voiceface.models.registry import recogniser
from voiceface.studio.people import Likeness, describe_faces, face_likeness, nearest, read_people
from voiceface.studio.room import Room
from voiceface.studio.voices import BySincNet, load_recogniser

CPU = torch.device("cpu")


def test_the_speakers_of_all_splits_are_there_once_with_the_training_s_first(room: Room) -> None:
    names = [person.name for person in room.people]
    assert names == ["speaker0", "speaker1", "speaker2", "speaker3"]
    assert [person.in_training for person in room.people] == [True, True, True, False]


def test_a_taken_down_video_shows_nobody(studio_project: Path) -> None:
    people = read_people(studio_project / "data/packed", {"file-speaker1"})
    assert [person.name for person in people] == ["speaker0", "speaker2", "speaker3"]
    assert read_people(studio_project / "nowhere", set()) == []


def test_similarity_is_1_for_the_same_and_0_on_average() -> None:
    rng = np.random.default_rng(0)
    common = 10 * rng.normal(size=16)
    vectors = [common + rng.normal(size=16) + 0.01 * rng.normal(size=(3, 16)) for _ in range(40)]
    likeness = Likeness.of(vectors)
    similar = np.stack([likeness.to(one[0]) for one in vectors])
    assert np.diag(similar) == pytest.approx(1, abs=0.01)
    others = similar[~np.eye(40, dtype=bool)]
    assert abs(others.mean()) < 0.05
    assert others.max() < 0.9, "without what is common taken off it would be 0.99"


def test_a_real_face_is_most_like_its_owner(studio_project: Path, room: Room) -> None:
    likeness = face_likeness(room.people, 64)
    test = read_splits(studio_project / "data/packed")["test"]
    for face, name in zip(small(np.asarray(test.faces), 64), test.people, strict=True):
        near = nearest(
            likeness.to(describe_faces(face[None])[0]),
            [person.name for person in room.people],
            room.people,
        )
        assert near[0].name == name
        assert room.people[near[0].person or 0].name == name
        assert near[0].similarity > 0.5 > near[1].similarity


def test_a_voice_of_the_dataset_is_most_like_its_owner(studio_project: Path, room: Room) -> None:
    train = read_splits(studio_project / "data/packed")["train"]
    assert room.recogniser is not None
    assert "voice embedding" in room.recogniser.about
    for row in range(0, len(train.people), 2):
        assert room.recogniser.tell(train.audio[row], 16_000)[0].name == train.people[row]


def test_sincnet_tells_probabilities_also_of_who_is_not_in_the_dataset(
    tmp_path: Path, room: Room
) -> None:
    entry = recogniser("sincnet")
    section = entry.section(hop_s=HOP_S)
    model = entry.build(section, 4)
    weights = {name: model.networks[name].state_dict() for name in model.drawing}
    speakers = ["speaker2", "speaker0", "speaker1", "added"]
    card = {
        "name": "sincnet",
        "config": section.model_dump(mode="json"),
        "speakers": speakers,
        "videos": [],
        "steps": 1,
        "data": "0" * 12,
        "sample_rate_hz": 16_000,
        "emotions": [],
    }
    saved.save(tmp_path / "sincnet", weights, card, "encoder")
    found = load_recogniser(tmp_path, [], room.people, CPU)
    assert isinstance(found, BySincNet)
    assert "the 4 people it knows." in found.about
    sound = np.random.default_rng(0).normal(0, 3000, 16_000).astype(np.int16)
    near = found.tell(sound, 16_000)
    with torch.no_grad():
        likely = model.posteriors(torch.from_numpy(sound[None] / np.float32(32768)))[0].mean(0)
    assert near[0].name == speakers[int(likely.argmax())]
    assert [one.similarity for one in near] == pytest.approx(
        likely.sort(descending=True).values[:3].tolist(), abs=6e-4
    )
    places = {one.name: one.person for one in near}
    known = {"speaker0": 0, "speaker1": 1, "speaker2": 2, "added": None}
    assert places == {name: known[name] for name in places}
    assert load_recogniser(tmp_path, ["sincnet"], room.people, CPU) is None
