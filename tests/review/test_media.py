"""Faces and sounds by content, and the copies of what was marked."""

import io
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from tests.review.project import review_project
from tests.tables_builder import Segment, Tables
from voiceface.review.media import PEAKS, Media
from voiceface.review.seen import FACE, SOUND, Seen
from voiceface.review.table import ReviewTable


@pytest.fixture
def project(tmp_path: Path) -> Tables:
    return review_project(tmp_path, 10)


def media(project: Tables) -> tuple[ReviewTable, Media]:
    table = ReviewTable.open(project.manifest)
    data = project.root / "data"
    return table, Media(table, data / "faces", data / "speech", Seen(data / "review/seen"))


def test_each_content_has_its_own_face_and_sound(project: Tables) -> None:
    table, found = media(project)
    rows = [row for row in range(len(table)) if table.content(row)]
    for row in [*rows, *rows[:3]]:  # the latter are still known
        values = table.values(row)
        face = found.face(values["content"])
        assert face is not None
        pixels = cv2.imdecode(np.frombuffer(face, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        assert _sha256(np.ascontiguousarray(pixels)) == values["face_sha256"]
        sound = found.sound(values["content"])
        assert sound is not None
        assert (
            _sha256(soundfile.read(io.BytesIO(sound), dtype="int16")[0]) == values["audio_sha256"]
        )


def _sha256(array: np.ndarray) -> str:
    import hashlib

    return hashlib.sha256(array.tobytes()).hexdigest()


def test_peaks_are_those_of_the_sound(project: Tables) -> None:
    table, found = media(project)
    content = table.content(0)
    peaks = np.frombuffer(found.peaks(content) or b"", np.int8).reshape(PEAKS, 2)
    pcm = soundfile.read(io.BytesIO(found.sound(content) or b""), dtype="int16")[0]
    assert peaks[:, 0].min() == pcm.min() >> 8
    assert peaks[:, 1].max() == pcm.max() >> 8
    assert (peaks[:, 0] <= peaks[:, 1]).all()


def test_what_was_rebuilt_since_is_not_shown_under_the_old_content(project: Tables) -> None:
    table, found = media(project)
    content = table.content(0)
    project.add("file-a1", "Ana", 10)
    assert found.face(content) is None
    assert found.sound(content) is None
    assert found.peaks(content) is None
    other = next(row for row in range(len(table)) if table.values(row)["video"] == "file-a2")
    assert found.face(table.content(other)) is not None


def test_a_rebuild_while_the_server_runs_is_noticed(project: Tables) -> None:
    table, found = media(project)
    first, last = table.content(0), table.content(9)
    assert found.face(first) is not None
    project.add("file-a1", "Ana", [Segment()])
    assert found.face(last) is None


def test_a_copy_of_what_was_marked_outlasts_a_rebuild(project: Tables) -> None:
    table, found = media(project)
    content = table.content(0)
    face, sound = found.face(content), found.sound(content)
    assert face is not None
    assert sound is not None
    folder = project.root / "data/review/seen"
    seen = Seen(folder)
    assert seen.values(content) is None
    for _ in range(2):
        seen.keep(content, face, sound, table.values(0))
    seen.close()
    assert seen.values(content) == table.values(0)
    assert (seen.part(content, FACE) or b"")[8:12] == b"WEBP"
    assert (seen.part(content, SOUND) or b"")[:4] == b"OggS"
    assert len(found.before(content, "before.peaks") or b"") == 2 * PEAKS
    (copy,) = folder.glob("*/*")
    copy.write_bytes(b"")  # a power cut before it was on the disk
    assert seen.values(content) is None


def test_a_name_that_is_no_digest_is_no_path(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "seen")
    (tmp_path / "x.zip").write_bytes(b"x")
    for name in ("../x", "", "..", "ab", "/etc/passwd", "0" * 63):
        assert seen.part(name, FACE) is None
        seen.keep(name, b"", b"", {})
    time.sleep(0.05)
    assert not (tmp_path / "seen").exists()
