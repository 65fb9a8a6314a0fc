"""Experiments: what is wrong in one is said in a line, and equal runs are one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from voiceface.config import Experiments, Settings, model_sections
from voiceface.errors import VoicefaceError
from voiceface.experiments import Lab, Run, experiment_schema
from voiceface.layout import PACKED
from voiceface.model_config import Train

ROOT = Path(__file__).parents[1]


def lab(folder: Path, experiments: dict[str, Any], *words: str, **sections: Any) -> Lab:
    """A project's experiments, with seeds 0 and 1."""
    path = folder / "experiments.yaml"
    path.write_text(yaml.safe_dump({"experiments": experiments}))
    settings = Settings(experiments=Experiments(file=str(path), seeds=(0, 1)), **sections)
    return Lab(settings, words)


def runs(folder: Path, model: str = "wav2pix", **changed: Any) -> list[Run]:
    """The runs of a cell with some settings."""
    cell = {
        "label": "A",
        "model": model,
        "settings": {k.replace("__", "."): v for k, v in changed.items()},
    }
    return lab(folder, {"one": {"title": "One", "cells": [cell]}}).cells("one")[0][1]


def test_the_shipped_experiments_can_be_run_and_their_schema_is_that_of_the_classes() -> None:
    path = ROOT / "workflow/experiments.yaml"
    shipped = Lab(Settings(experiments=Experiments(file=str(path))))
    models = {
        run.model for name in shipped.experiments for _, of in shipped.cells(name) for run in of
    }
    assert models == set(model_sections())
    schema = ROOT / "workflow/schemas/experiments.schema.json"
    assert schema.read_text() == experiment_schema()


def test_the_docs_list_every_experiment() -> None:
    shipped = yaml.safe_load((ROOT / "workflow/experiments.yaml").read_text())["experiments"]
    told = (ROOT / "docs/researcher.md").read_text()
    assert [name for name in shipped if f"| `{name}` |" not in told] == []


def test_what_equals_the_config_is_its_own_run_and_each_other_has_a_telling_name(
    tmp_path: Path,
) -> None:
    assert [run.name for run in runs(tmp_path)] == ["wav2pix", "wav2pix-seed1"]
    assert runs(tmp_path, wav2pix__px=64) == runs(tmp_path)  # as it is set
    assert runs(tmp_path, acgan__lr=0.1) == runs(tmp_path)  # of no use to it
    large = runs(tmp_path, wav2pix__px=128)
    assert [run.name for run in large] == [f"wav2pix-px.128-d4efea-seed{seed}" for seed in (0, 1)]
    assert [run.settings.train.seed for run in large] == [0, 1]
    assert {run.settings.wav2pix.px for run in large} == {128}
    assert {run.packed for run in large} == {PACKED}


def test_another_evaluation_takes_the_same_training(tmp_path: Path) -> None:
    first, second = runs(tmp_path, evaluate__babble_snr_db=[5.0])
    assert (first.weights, second.weights) == ("wav2pix", "wav2pix-seed1")
    assert first.name != second.name != second.weights
    assert first.settings.evaluate.babble_snr_db == (5.0,)


def test_other_data_takes_a_training_of_its_own_with_what_comes_before_it(tmp_path: Path) -> None:
    (usual, again), (other, _) = runs(tmp_path, "acgan"), runs(tmp_path, "acgan", dataset__seed=1)
    assert usual.before == again.before
    assert usual.before is not None
    assert other.before is not None
    assert usual.before.weights == "voice"
    assert other.packed == other.before.packed != PACKED
    assert PACKED in other.packed.parents
    assert other.before.weights.startswith("voice-seed.1-")
    assert other.weights.startswith("acgan-seed.1-")


def test_each_run_is_found_by_its_folder(tmp_path: Path) -> None:
    cells = [
        {"label": "A", "model": "acgan", "settings": {"voice.steps": 3}},
        {"label": "B", "model": "wav2pix", "settings": {"evaluate.seconds": [2.0]}},
    ]
    found = lab(tmp_path, {"one": {"title": "One", "cells": cells}})
    for run in [run for _, of in found.cells("one") for run in of]:
        assert found.run(run.name) == run
        assert found.run(run.weights).weights == run.weights
        if run.before:
            assert found.run(run.before.weights) == run.before
            assert run.before.settings.voice.steps == 3
    assert found.run("voice").settings == found.settings
    with pytest.raises(VoicefaceError, match="wav2pix-px: no such model"):
        found.run("wav2pix-px")


def test_without_cells_every_model_is_compared_as_it_is_set(tmp_path: Path) -> None:
    found = lab(tmp_path, {"one": {"title": "One", "seeds": [4]}}, train=Train(seed=4))
    assert [run.name for _, of in found.cells("one") for run in of] == model_sections()


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["one"], ["one"]),
        (["--cores=2", "--", "reports/experiments/two/table.csv"], ["two"]),
        (["experiments"], ["one", "two"]),
        (["reports/index.html", "--cores=2"], []),
    ],
)
def test_only_what_is_asked_for_is_made(tmp_path: Path, words: list[str], made: list[str]) -> None:
    found = lab(tmp_path, {name: {"title": name} for name in ("one", "two")}, *words)
    assert found.made == found.shown == made


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ({"titel": "x"}, r"experiments\.one\.titel: unknown key"),
        ({"seeds": []}, r"experiments\.one\.seeds: .*at least 1 item"),
        ({"metrics": ["identity"]}, r"metrics\.0: must be a metric and a split.*'identity'"),
        ({"cells": [{"label": "A", "model": "gan2000"}]}, "one, A: gan2000: no such model"),
        ({"settings": {"wav2pix.pixels": 64}}, r"wav2pix\.pixels: no setting that an experiment"),
        ({"settings": {"speech.vad_mode": 1}}, r"speech\.vad_mode: no setting that an experiment"),
        ({"settings": {"train.seed": 1}}, r"train\.seed: name the `seeds`"),
        ({"settings": {"wav2pix.px": 65}}, r"one, .*: wav2pix\.px: .*65"),
        (
            {"cells": [{"label": "A", "model": "wav2pix", "heard": "7 s"}]},
            r"one, A: heard: 7 s is not among evaluate\.seconds",
        ),
        (
            {"cells": [{"label": "A", "model": "fegan"}], "settings": {"fegan.front_end": "mfcc"}},
            r"one, A: fegan\.front_end is mfcc, but vnet\.front_end is fbank, .*set both alike",
        ),
        (
            {
                "cells": [{"label": "A", "model": "mapping"}],
                "settings": {"mapping.recogniser": "voice", "voice.variant": "code"},
            },
            r"one, A: voice\.variant is code, but mapping begins with that of paper; set that",
        ),
        ({"cells": [{"label": "A", "model": "wav2pix"}] * 2}, "one: two cells are called A"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    tmp_path: Path, experiment: dict[str, Any], words: str
) -> None:
    with pytest.raises(VoicefaceError, match=words) as caught:
        lab(tmp_path, {"one": {"title": "One"} | experiment}).cells("one")
    assert str(caught.value).startswith(str(tmp_path / "experiments.yaml"))
    assert "\n" not in str(caught.value)
