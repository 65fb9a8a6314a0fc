"""dlib's models as we load them are dlib's own."""

from pathlib import Path

import dlib

import voiceface
from voiceface import dlib_models
from voiceface.files import sha256_file


def test_the_detector_that_is_read_is_the_one_in_dlib(tmp_path: Path) -> None:
    dlib.get_frontal_face_detector().save(str(tmp_path / "dlibs"))
    dlib_models.detector().save(str(tmp_path / "ours"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "dlibs").read_bytes()


def test_another_detector_s_file_needs_a_change_of_the_code() -> None:
    file = Path(voiceface.__file__).with_name("frontal_faces.svm")
    assert sha256_file(file) == dlib_models.DETECTOR_SHA256
