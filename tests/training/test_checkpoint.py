"""A checkpoint that can't be read means a new start, with words."""

import random
from pathlib import Path

import pytest
import torch

from voiceface.training import checkpoint
from voiceface.training.distributed import Workers

ALONE = Workers(torch.device("cpu"))
STATE = {"step": 3, "weights": {"a": torch.ones(4)}, "losses": [0.5, 0.25]}


def _last(folder: Path) -> Path:
    return folder / "checkpoint" / "last.pt"


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, "d", STATE, ALONE)
    state, why_not = checkpoint.load(tmp_path, "d", 3, ALONE)
    assert state is not None
    assert (state["step"], state["losses"], why_not) == (3, [0.5, 0.25], "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"garbage",
        b"PK\x03\x04",
        b"\x80\x02.",
        b"\x80\x02a.",
        b"c",
        b"\x80\x02]q\0.",
        b"}R.",
    ],
)
def test_a_damaged_checkpoint_means_a_new_start(tmp_path: Path, content: bytes) -> None:
    checkpoint.save(tmp_path, "d", STATE, ALONE)
    _last(tmp_path).write_bytes(content)
    assert checkpoint.load(tmp_path, "d", 3, ALONE) == (None, f"{_last(tmp_path)} cannot be read")


@pytest.mark.parametrize("value", [3, {}, {"digest": "d", "random": {}, "state": {}}])
def test_another_file_of_torch_means_a_new_start(tmp_path: Path, value: object) -> None:
    _last(tmp_path).parent.mkdir()
    torch.save(value, _last(tmp_path))
    assert checkpoint.load(tmp_path, "d", 3, ALONE) == (None, f"{_last(tmp_path)} cannot be read")


def test_no_random_bytes_raise(tmp_path: Path) -> None:
    draw = random.Random(0)
    _last(tmp_path).parent.mkdir()
    for _ in range(300):
        head = draw.choice([b"", b"\x80\x02", b"\x80\x02}", b"\x80\x02("])
        _last(tmp_path).write_bytes(head + draw.randbytes(draw.randint(1, 60)))
        state, why_not = checkpoint.load(tmp_path, "d", 3, ALONE)
        assert state is None
        assert why_not
