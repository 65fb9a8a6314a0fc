"""Packed dataset → a trained model."""

import sys
from pathlib import Path

from voiceface.model_config import Train
from voiceface.models.registry import parse_config
from voiceface.stages.shim import stage_main
from voiceface.training.device import keep_memory
from voiceface.training.engine import train


def run(
    config: Train, model_config: str, model: str, packed: Path, begin_with: str, output: Path
) -> None:
    """Train a model, or go on with it where a run was killed.

    Args:
        model_config: the model's own section, as JSON.
        model: its name in the registry.
        packed: the folder of the packed splits.
        begin_with: weights of the networks that the model takes as trained before; empty where it
            takes none.
        output: the model's folder; takes generator.safetensors, model.json, README.md,
            history.parquet and grid.png, and beside them checkpoint/ and tensorboard/.
    """
    section = parse_config(model, model_config)
    train(config, model, section, packed, output, Path(begin_with) if begin_with else None)


if __name__ == "__main__":
    keep_memory()
    sys.exit(stage_main(run, trains=True))
