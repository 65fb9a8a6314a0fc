"""The descriptor is dlib's own, whatever runs it."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.builders import drawn_face, find_faces
from voiceface import dlib_models
from voiceface.errors import VoicefaceError
from voiceface.media import descriptor, faces


def of_dlib(chips: np.ndarray) -> np.ndarray:
    """What dlib itself computes of each chip."""
    model = dlib_models.load(
        "face_recognition_model_v1", "dlib_face_recognition_resnet_model_v1.dat"
    )
    return np.array([model.compute_face_descriptor(chip) for chip in chips], np.float32)


def drawn_chips(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.stack([drawn_face(rng.random(8), rng, 150) for _ in range(count)])


def test_the_descriptor_of_any_picture_is_the_one_that_dlib_computes() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2, 150, 150, 3), np.uint8)
    plain = np.stack([np.full((150, 150, 3), grey, np.uint8) for grey in (0, 255)])
    chips = np.concatenate([drawn_chips(6), noise, plain])
    assert np.abs(descriptor.describe(chips) - of_dlib(chips)).max() < 1e-5


def test_the_descriptor_of_a_real_face_is_the_one_that_dlib_computes(real_videos: Path) -> None:
    chips = []
    for path in sorted(real_videos.glob("*/*-1.mp4")):
        with av.open(path) as container:
            container.streams.video[0].codec_context.skip_frame = "NONKEY"
            for frame in container.decode(video=0):
                rgb = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
                if found := find_faces(rgb):
                    marks = faces.find_landmarks(rgb, found[0])
                    chips.append(faces.descriptor_chip(rgb, marks))
                    break
    assert len(chips) >= 3
    assert np.abs(descriptor.describe(np.stack(chips)) - of_dlib(np.stack(chips))).max() < 1e-5


def test_a_chip_is_described_alike_alone_and_among_others() -> None:
    chips = drawn_chips(19)
    together = descriptor.describe(chips)
    alone = np.concatenate([descriptor.describe(chip[None]) for chip in chips])
    assert together.shape == (19, 128)
    assert together.dtype == np.float32
    assert np.abs(together - alone).max() < 1e-5


def test_no_chips_have_no_descriptors() -> None:
    assert descriptor.describe(np.empty((0, 150, 150, 3), np.uint8)).shape == (0, 128)


@pytest.mark.parametrize("damage", ["another model", "cut off"])
def test_another_model_in_the_place_of_dlibs_is_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if damage == "another model":
        path = dlib_models.path("mmod_human_face_detector.dat")
    else:
        path = tmp_path / "cut.dat"
        whole = dlib_models.path("dlib_face_recognition_resnet_model_v1.dat").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(dlib_models, "path", lambda file: path)
    descriptor._session.cache_clear()
    with pytest.raises(VoicefaceError, match="not dlib's face descriptor"):
        descriptor.describe(drawn_chips(1))
