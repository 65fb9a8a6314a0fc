"""Packed splits are read as they were written, or refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.builders import packed_dataset
from voiceface.data.packed import read_packed, read_splits
from voiceface.errors import VoicefaceError


def test_rows_labels_and_speakers_stay_together(tmp_path: Path) -> None:
    packed_dataset(tmp_path, speakers=2, per_speaker=2, test_per_speaker=1)
    splits = read_splits(tmp_path)
    assert splits["train"].labels.tolist() == [0, 0, 1, 1]
    assert splits["test"].people == ["speaker0", "speaker1"]
    assert splits["unseen"].labels.tolist() == [-1]
    assert splits["train"].faces.shape == (4, 128, 128, 3)
    assert splits["train"].digest != splits["test"].digest


def test_an_empty_split_is_read(tmp_path: Path) -> None:
    packed_dataset(tmp_path, unseen_speakers=0)
    assert read_packed(tmp_path / "unseen").faces.shape == (0, 128, 128, 3)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _other_count(path: Path) -> None:
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"count": 5}))


@pytest.mark.parametrize(
    ("part", "harm"),
    [
        ("faces.npy", _cut),
        ("audio.npy", Path.unlink),
        ("audio.npy", lambda path: np.save(path, np.zeros((6, 10), np.int16))),
        ("samples.parquet", _cut),
        ("pack.json", _cut),
        ("pack.json", _other_count),
        ("pack.json", lambda path: path.write_text("{}")),
    ],
)
def test_a_damaged_part_is_one_line_that_names_it(tmp_path: Path, part: str, harm) -> None:  # type: ignore[no-untyped-def]
    packed_dataset(tmp_path, speakers=2, per_speaker=3, test_per_speaker=0)
    harm(tmp_path / "train" / part)
    with pytest.raises(VoicefaceError) as caught:
        read_packed(tmp_path / "train")
    assert "\n" not in str(caught.value)
    assert "train" in str(caught.value)
