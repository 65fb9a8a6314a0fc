"""Two processes train as one with the whole batch, and go on where they were killed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from tests.builders import packed_dataset
from voiceface import files
from voiceface.errors import VoicefaceError
from voiceface.model_config import Train, Wav2pix
from voiceface.models import registry
from voiceface.models.acgan import VoiceEmbedding
from voiceface.section import parse_section
from voiceface.tables import HISTORY
from voiceface.training.distributed import Workers
from voiceface.training.engine import train

# With all that is no plain mean over the batch: BatchNorm in both networks, mean features.
SECTION = {
    "variant": "code", "encoder_batch_norm": True, "feature_matching_weight": 100.0, "batch": 4,
}  # fmt: skip
TRAIN = {"device": "cpu", "log_every": 1, "ema": 0.5}

GO_ON = """
import sys
from pathlib import Path

import torch
import torch.distributed

from voiceface.model_config import Train, Wav2pix
from voiceface.data.packed import read_packed
from voiceface.models import registry
from voiceface.training import checkpoint
from voiceface.training.distributed import joined
from voiceface.training.run import Run

config, section = Train(device="cpu", devices=2), Wav2pix(batch=4, dropout=0.5)
packed, folder = read_packed(Path(sys.argv[1]) / "train"), Path(sys.argv[2])
with joined(config) as workers:
    first = Run(config, section, packed, workers, lambda n: registry.build("wav2pix", section, n))
    first.advance()
    checkpoint.save(folder, "d", first.state_dict(), workers)
    torch.distributed.barrier()
    wanted = first.advance()
    again = Run(config, section, packed, workers, lambda n: registry.build("wav2pix", section, n))
    state, _ = checkpoint.load(folder, "d", 9, workers)
    again.load_state_dict(state)
    found = again.advance()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    pairs = zip(again.weights()["encoder"].values(), first.weights()["encoder"].values())
    assert all(torch.equal(one, other) for one, other in pairs)
    dropout = workers.collect(torch.rand(9))
    assert not torch.equal(*dropout)
    print("the same")
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_dataset(
        tmp_path_factory.mktemp("packed"), speakers=3, per_speaker=4, test_per_speaker=1
    )


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """A folder for models; emptied afterwards, as a checkpoint takes 200 MB."""
    yield tmp_path / "models"
    shutil.rmtree(tmp_path / "models", ignore_errors=True)


def _torchrun(*command: str) -> str:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, *command],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _curves(folder: Path) -> dict[str, np.ndarray]:
    table = files.read_table(folder / "history.parquet", HISTORY)
    names, values = table["metric"].to_pylist(), table["value"].to_numpy()
    return {name: values[[other == name for other in names]] for name in set(names)}


@pytest.mark.parametrize("name", ["wav2pix", "mapping"])
def test_two_processes_have_the_losses_of_one_with_the_doubled_batch(
    packed: Path, models: Path, tmp_path: Path, name: str
) -> None:
    section: dict[str, Any] = {**SECTION, "steps": 3, "dropout": 0.0}
    begin_with = None
    if name == "mapping":  # its topology is one of all pairs of the batch
        section = {"recogniser": "voice", "batch": 8, "steps": 3, "gw_weight": 5.0}
        begin_with = _embedding(tmp_path / "encoder.safetensors")
    _torchrun(
        "-m", "voiceface.stages.train", "--config", json.dumps({**TRAIN, "devices": 2}),
        "--model-config", json.dumps(section), "--model", name, f"--begin-with={begin_with or ''}",
        "--packed", str(packed), "--output", str(models / "two"),
    )  # fmt: skip
    alone, own = parse_section(Train, TRAIN), registry.entry(name).section
    train(alone, name, parse_section(own, section), packed, models / "one", begin_with)
    one, two = _curves(models / "one"), _curves(models / "two")
    assert one.keys() == two.keys()
    for metric, values in one.items():
        # The best coupling of two spaces turns on differences as small as rounding errors.
        rounding = 1e-3 if metric == "mapping/topology" else 1e-5
        assert two[metric][0] == pytest.approx(values[0], rel=rounding, abs=1e-6), metric
        # Adam makes a step of the learning rate of the least gradient, rounding errors too.
        tolerance = 2e-3 * np.abs(values).max()
        assert len(values) == 3
        told = metric.startswith("accuracy/")
        assert told or two[metric] == pytest.approx(values, abs=tolerance), metric
    written = {path.name for path in (models / "two").iterdir()}
    assert written == {path.name for path in (models / "one").iterdir()}


def _embedding(path: Path) -> Path:
    torch.manual_seed(0)
    state = VoiceEmbedding("paper").state_dict()
    path.write_bytes(save({f"encoder.{key}": value for key, value in state.items()}))
    return path


def test_two_processes_go_on_to_identical_results(
    packed: Path, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "go_on.py").write_text(GO_ON)
    told = _torchrun(str(tmp_path / "go_on.py"), str(packed), str(models))
    assert told.count("the same") == 2


def test_another_number_of_processes_than_in_the_config_is_one_line(packed: Path) -> None:
    with pytest.raises(VoicefaceError, match="started in 1 processes; start it with torchrun"):
        train(Train(device="cpu", devices=2), "wav2pix", Wav2pix(), packed, Path("nowhere"))


def test_each_takes_its_part_of_a_batch_that_can_be_shared() -> None:
    cpu = torch.device("cpu")
    assert [Workers(cpu, rank, 3).slice_of(12, 2) for rank in range(3)] == [
        slice(0, 4), slice(4, 8), slice(8, 12),
    ]  # fmt: skip
    for batch, parts in ((11, 1), (3, 1), (12, 4), (9, 2)):
        with pytest.raises(VoicefaceError, match=r"train\.devices: 3"):
            Workers(cpu, 0, 3).slice_of(batch, parts)
