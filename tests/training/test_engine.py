"""Training is the same by seed, survives being killed, and refuses what it cannot go on from."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.builders import packed_dataset
from voiceface import files
from voiceface.data.packed import read_packed
from voiceface.errors import VoicefaceError
from voiceface.ids import video_mark
from voiceface.model_config import Train, Voice, Wav2pix
from voiceface.models import registry, saved
from voiceface.models.drawing import draw_faces
from voiceface.models.provenance import trained_on
from voiceface.tables import HISTORY
from voiceface.training.distributed import Workers
from voiceface.training.engine import train, train_networks
from voiceface.training.run import Run

OUTPUTS = ("generator.safetensors", "model.json", "README.md", "history.parquet", "grid.png")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_dataset(
        tmp_path_factory.mktemp("packed"), speakers=2, per_speaker=4, test_per_speaker=1
    )


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """A folder for models; emptied afterwards, as a checkpoint takes 200 MB."""
    yield tmp_path / "models"
    shutil.rmtree(tmp_path / "models", ignore_errors=True)


def _train(packed: Path, output: Path, steps: int = 2, **settings: object) -> Path:
    config = Train(**{"device": "cpu", "log_every": 1, **settings})  # type: ignore[arg-type]
    train(config, "wav2pix", Wav2pix(steps=steps, batch=4), packed, output)
    return output


def _train_voice(packed: Path, output: Path, steps: int, **settings: object) -> dict[str, Tensor]:
    """The weights of a recogniser: a hundredth of what a model writes, by the same engine."""
    entry, section = registry.recogniser("voice"), Voice(steps=steps, batch=4)
    build = partial(entry.fresh, section, known=registry.Known(16_000, 0))
    config = Train(**{"device": "cpu", **settings})  # type: ignore[arg-type]
    trained = train_networks(config, "voice", section, packed, output, build, "encoder")
    assert trained is not None
    kept = load_file(output / "encoder.safetensors")
    own = trained.networks["encoder"].state_dict()
    assert all(torch.equal(value, kept[f"encoder.{key}"]) for key, value in own.items())
    return kept


def _run(section: Voice | Wav2pix, packed: Path, samples: int, **settings: float) -> Run:
    """On segments of so many samples."""
    split = read_packed(packed / "train")
    short, name = replace(split, audio=split.audio[:, :samples]), type(section).__name__.lower()
    entry = registry.recogniser(name) if isinstance(section, Voice) else registry.entry(name)
    build = partial(entry.fresh, section, known=registry.known_of(split))  # type: ignore[arg-type]
    return Run(Train(device="cpu", **settings), section, short, Workers(CPU), build)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def test_training_twice_gives_the_same_bytes_and_another_seed_gives_others(
    packed: Path, models: Path
) -> None:
    torch.manual_seed(1)
    first = _bytes(_train(packed, models / "a"))
    torch.manual_seed(2)  # what came before must not matter
    assert _bytes(_train(packed, models / "b")) == first
    other = _bytes(_train(packed, models / "c", seed=1))
    assert other["generator.safetensors"] != first["generator.safetensors"]


def test_the_card_and_the_curves_tell_what_was_done(packed: Path, models: Path) -> None:
    output = _train(packed, models, steps=3, log_every=2)
    card = files.read_json(output / "model.json")
    assert card["steps"] == 3
    assert card["speakers"] == ["speaker0", "speaker1"]
    assert card["data"] == read_packed(packed / "train").digest
    heard = read_packed(packed / "train").videos
    assert card["videos"] == sorted(video_mark(video) for video in heard)
    assert trained_on(models.parent, [heard[0]]) == ["models"]
    assert trained_on(models.parent, ["file-other"]) == []
    assert card["sha256"] == files.sha256_file(output / "generator.safetensors")
    assert card["page_sha256"] == files.sha256_file(output / "README.md")
    history = files.read_table(output / "history.parquet", HISTORY)
    assert history.column("step").unique().to_pylist() == [2, 3]
    assert {"loss/generator", "loss/discriminator"} <= set(history.column("metric").to_pylist())
    assert pc.all(pc.is_finite(history.column("value"))).as_py()
    assert list((output / "tensorboard").iterdir())


def _command(packed: Path, output: Path, steps: int) -> list[str]:
    config = {"device": "cpu", "log_every": 1, "checkpoint_every_s": 0, "ema": 0.5}
    return [
        sys.executable, "-m", "voiceface.stages.train", "--config", json.dumps(config),
        "--model-config", json.dumps({"steps": steps, "batch": 4}), "--model", "wav2pix",
        "--packed", str(packed), "--begin-with=", "--output", str(output),
    ]  # fmt: skip


def test_a_killed_run_goes_on_to_identical_results(packed: Path, models: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(_command(packed, models / "whole", 6), check=True, env=environment)

    command = _command(packed, models / "killed", 6)
    killed = subprocess.Popen(command, env=environment)
    checkpoint = models / "killed" / "checkpoint" / "last.pt"
    deadline = time.monotonic() + 240
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (models / "killed" / "generator.safetensors").exists()

    again = subprocess.run(command, check=True, env=environment, stderr=subprocess.PIPE, text=True)
    step = re.search(r"going on from step (\d)", again.stderr)
    assert step
    assert 1 <= int(step[1]) < 6
    assert _bytes(models / "killed") == _bytes(models / "whole")


def test_more_steps_go_on_from_the_last_checkpoint(
    packed: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = _bytes(_train(packed, models / "a", steps=4))
    _train(packed, models / "b", steps=2)
    capsys.readouterr()
    assert _bytes(_train(packed, models / "b", steps=4)) == whole
    assert "going on from step 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "ends", [{"budget_s": 0.01}, {"stop_metric": "accuracy/speaker", "stop_patience": 1}], ids=str
)
def test_what_ended_early_ends_there_again(
    packed: Path, models: Path, ends: dict[str, object]
) -> None:
    written = [models / name for name in ("encoder.safetensors", "history.parquet", "model.json")]
    _train_voice(packed, models, 5000, log_every=1, **ends)
    first = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()  # killed after its last checkpoint, before it wrote what it learnt
    _train_voice(packed, models, 5000, log_every=1, **ends)
    assert [path.read_bytes() for path in written] == first


def test_a_checkpoint_of_something_else_is_left_with_a_message(
    packed: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = models / "model" / "checkpoint" / "last.pt"

    def again(words: str) -> bytes:
        capsys.readouterr()
        _train_voice(packed, models / "model", steps=1)
        assert words in capsys.readouterr().err
        return (models / "model" / "encoder.safetensors").read_bytes()

    wanted = again("")
    _train_voice(packed, models / "model", steps=2)
    assert again("has done 2 steps, more than the 1 asked for") == wanted
    checkpoint.write_bytes(checkpoint.read_bytes()[:10_000])
    assert again("cannot be read") == wanted
    _train_voice(packed, models / "model", steps=1, seed=6)
    assert again("other settings, data or code") == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "code_of", lambda name: "of another model.py")
        _train_voice(packed, models / "model", steps=1)
    assert again("other settings, data or code") == wanted
    data = packed_dataset(tmp_path / "data", speakers=2, per_speaker=4, seed=7)
    _train_voice(data, models / "model", steps=1)
    assert again("other settings, data or code") == wanted


def test_losses_that_are_not_finite_stop_the_run_before_a_checkpoint(
    packed: Path, models: Path
) -> None:
    section = Wav2pix(steps=10, batch=4, lr_generator=1e30, lr_discriminator=1e30)
    config = Train(device="cpu", log_every=2, checkpoint_every_s=0)
    with pytest.raises(VoicefaceError, match="no longer finite at step") as caught:
        train(config, "wav2pix", section, packed, models)
    assert "\n" not in str(caught.value)
    assert not (models / "checkpoint").exists()
    assert not (models / "generator.safetensors").exists()


def test_weights_that_are_not_finite_are_not_kept(packed: Path, models: Path) -> None:
    """The last update's, which no loss tells of any more."""

    def build(speakers: int) -> registry.Trainable:
        return registry.recogniser("voice").fresh(section, speakers, registry.Known(16_000, 0))

    section, config = Voice(steps=1, batch=4, lr=1e39), Train(device="cpu")
    with pytest.raises(VoicefaceError, match=r"^voice: weights of encoder.* at step 1; lower"):
        train_networks(config, "voice", section, packed, models, build, "encoder")
    assert not (models / "checkpoint").exists()


def test_weights_that_draw_nothing_are_not_kept(packed: Path, models: Path) -> None:
    section = Wav2pix(steps=1, batch=4, lr_generator=1e30)
    with pytest.raises(VoicefaceError, match="Wav2Pix: its drawn faces are not finite"):
        train(Train(device="cpu"), "wav2pix", section, packed, models)
    assert not (models / "generator.safetensors").exists()


def test_the_moving_average_is_what_is_kept(packed: Path, models: Path) -> None:
    numbers = itertools.count()

    def weight(steps: int, ema: float = 0.0) -> Tensor:
        kept = _train_voice(packed, models / str(next(numbers)), steps, ema=ema)
        return max(kept.values(), key=torch.numel)

    first, second = weight(1), weight(2)
    # A young average remembers (1 + step) / (10 + step) of itself, at most the decay; step from 0.
    one, two, young = weight(1, ema=0.15), weight(2, ema=0.15), weight(2, ema=0.999)
    assert not torch.allclose(one, first)
    assert torch.allclose(two, 0.15 * one + 0.85 * second, atol=1e-7)
    assert torch.allclose(young, 2 / 11 * one + 9 / 11 * second, atol=1e-7)


def test_the_vectors_of_spectral_norm_keep_their_length_in_the_average(packed: Path) -> None:
    section = Wav2pix(batch=4, variant="code", lr_generator=0.1)
    run = _run(section, packed, 64_000, ema=0.9)
    for _ in range(2):
        run.advance()
    vectors = [v for key, v in run.result()["generator"].items() if key.endswith(("_u", "_v"))]
    assert len(vectors) == 10
    assert [v.norm().item() for v in vectors] == pytest.approx([1] * 10, abs=1e-4)


def test_bf16_is_a_setting(packed: Path, models: Path) -> None:
    assert _train(packed, models, steps=1, precision="bf16").joinpath("grid.png").exists()


def test_compiling_without_a_compiler_is_one_line(
    packed: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(VoicefaceError, match="no no-such-compiler"):
        _train(packed, models, compile=True)


def test_progress_is_told(packed: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _train(packed, models)
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"wav2pix: step 2/2, [\d.]+ samples/s, loss [\d.]+, 0:00 to go", line), line


def test_segments_may_be_shorter_than_what_it_learns_from_but_not_than_what_it_hears(
    packed: Path,
) -> None:
    run = _run(Voice(batch=4, crop_s=(3.0, 3.0)), packed, 32_000)
    assert run.batches.next().audio.shape == (4, 48_000)
    with pytest.raises(VoicefaceError, match=r"15999 .* the 16000 .*; raise speech.segment_s$"):
        _run(Voice(batch=4), packed, 15_999)
    with pytest.raises(VoicefaceError, match=r"or lower the model's input_samples$"):
        _run(Wav2pix(batch=4), packed, 16_000)


def test_cuda_that_is_not_there_is_one_line(packed: Path, models: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    with pytest.raises(VoicefaceError, match="no CUDA"):
        _train(packed, models, device="cuda")


@pytest.mark.slow
def test_it_learns_whose_face_goes_with_whose_voice(tmp_path: Path, models: Path) -> None:
    packed_dataset(tmp_path, speakers=2, per_speaker=8, test_per_speaker=4, seed=2)
    section = Wav2pix(steps=40, batch=8, lr_generator=3e-4, dropout=0.1)
    train(Train(device="cpu"), "wav2pix", section, tmp_path, models)
    test = read_packed(tmp_path / "test")
    drawn = draw_faces(saved.load(models, CPU).model, test.audio, CPU)
    colours = test.faces.reshape(2, 4, -1, 3).mean((1, 2))
    found = drawn.reshape(8, -1, 3).mean(1)
    gaps = np.linalg.norm(found[:, None] - colours[None], axis=2)
    assert (gaps.argmin(1) == test.labels).all(), gaps


def _curve(folder: Path, metric: str) -> list[float]:
    table = files.read_table(folder / "history.parquet", HISTORY)
    return table.filter(pc.field("metric") == metric)["value"].to_pylist()


def test_a_batch_in_parts_has_the_losses_of_the_whole(packed: Path, models: Path) -> None:
    section = Wav2pix(steps=2, batch=8, encoder_batch_norm=False, dropout=0)
    for parts in (1, 2):
        config = Train(device="cpu", log_every=1, accumulate=parts)
        train(config, "wav2pix", section, packed, models / str(parts))
    # Not the discriminator's: its spectral norm moves a little with each pass.
    for metric in ("generator/l1", "generator/identity"):
        whole, summed = (_curve(models / folder, metric) for folder in ("1", "2"))
        assert summed == pytest.approx(whole, rel=1e-4), metric


def test_it_stops_when_the_time_is_up_and_the_result_counts(packed: Path, models: Path) -> None:
    _train(packed, models, steps=5000, budget_s=0.5)
    done = files.read_json(models / "model.json")["steps"]
    assert 1 <= done < 5000
    # What was spent before counts when it goes on.
    _train(packed, models, steps=5000, budget_s=0.6)
    assert files.read_json(models / "model.json")["steps"] - done <= 1


def test_it_stops_when_a_metric_no_longer_gets_better(packed: Path, models: Path) -> None:
    _train(packed, models, steps=5000, stop_metric="loss/discriminator", stop_patience=2)
    curve = _curve(models, "loss/discriminator")
    assert len(curve) < 5000
    assert np.argmin(curve) == len(curve) - 3
    with pytest.raises(VoicefaceError, match=r"no metric loss; there are: accuracy/voice, .*loss"):
        _train(packed, models / "other", stop_metric="loss")


def test_data_that_stays_on_the_disk_trains_the_same_model(packed: Path, models: Path) -> None:
    held = _bytes(_train(packed, models / "held"))
    mapped = _bytes(_train(packed, models / "mapped", most_data_gib=0.0))
    assert mapped["generator.safetensors"] == held["generator.safetensors"]
