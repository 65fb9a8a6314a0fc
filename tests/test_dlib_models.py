"""dlib's models as we load them are dlib's own."""

from pathlib import Path

import dlib

from voiceface import dlib_models


def test_the_detector_that_is_read_is_the_one_in_dlib(tmp_path: Path) -> None:
    dlib.get_frontal_face_detector().save(str(tmp_path / "dlibs"))
    dlib_models.detector().save(str(tmp_path / "ours"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "dlibs").read_bytes()
