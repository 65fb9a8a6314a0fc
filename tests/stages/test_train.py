"""The train stage from its command line: outputs or one line."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import packed_dataset
from voiceface import files
from voiceface.errors import VoicefaceError
from voiceface.model_config import Train
from voiceface.stages.train import run


def test_the_command_line_writes_the_declared_outputs(tmp_path: Path) -> None:
    packed_dataset(tmp_path / "packed", speakers=2, per_speaker=2, test_per_speaker=0)
    command = [
        sys.executable, "-m", "voiceface.stages.train", '--config={"device": "cpu"}',
        '--model-config={"steps": 1, "batch": 2}', "--model=wav2pix",
        f"--packed={tmp_path / 'packed'}", "--begin-with=", f"--output={tmp_path / 'out'}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert found == {
        "generator.safetensors", "model.json", "README.md", "history.parquet", "grid.png",
    }  # fmt: skip
    page = (tmp_path / "out" / "README.md").read_text()
    assert "for 1 steps, on the voices and faces of 2 speakers in 2 videos" in page
    assert files.sha256_file(tmp_path / "out" / "generator.safetensors") in page
    assert "wav2pix: step 1/1" in done.stderr
    shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize(
    ("speakers", "per_speaker", "changes", "words"),
    [
        (1, 3, {}, "3 samples of 1 speakers"),
        (2, 0, {}, "0 samples of 0 speakers"),
        (2, 2, {"model": "vec2pix"}, "vec2pix: no such model"),
        (2, 2, {"model_config": '{"px": 65}'}, "px: input should be 64 or 128"),
        (2, 2, {"packed": Path("nowhere")}, "nowhere/train/pack.json: no such file"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    tmp_path: Path, speakers: int, per_speaker: int, changes: dict[str, Any], words: str
) -> None:
    packed_dataset(tmp_path / "packed", speakers=speakers, per_speaker=per_speaker)
    arguments: dict[str, Any] = {
        "model_config": '{"steps": 1}',
        "model": "wav2pix",
        "packed": tmp_path / "packed",
        "begin_with": "",
    }
    with pytest.raises(VoicefaceError, match=words) as caught:
        run(Train(device="cpu"), output=tmp_path / "out", **{**arguments, **changes})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
