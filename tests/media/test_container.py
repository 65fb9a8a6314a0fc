"""Opening media files."""

from pathlib import Path

import pytest

from voiceface.errors import VoicefaceError
from voiceface.media.audio import first_sound_us
from voiceface.media.frames import decode_looks


def test_a_file_that_can_t_be_opened_is_named_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.mkv"
    text.write_text("no video")
    for path in (text, tmp_path / "missing.mkv"):
        with pytest.raises(VoicefaceError, match=rf"{path.name}: can't be opened \(") as caught:
            first_sound_us(path)
        assert "\n" not in str(caught.value)
        with pytest.raises(VoicefaceError, match=rf"{path.name}: can't be opened"):
            next(decode_looks(path, [(0, 1)], 1))
