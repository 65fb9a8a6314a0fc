"""A training run's state on disk, from which a killed run goes on with identical results."""

import hashlib
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import torch

from voiceface import files
from voiceface.training.distributed import Workers

FOLDER = "checkpoint"

# What reading anything but a checkpoint raises: the unpickler obeys whatever bytes it finds.
_DAMAGE = (
    OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AttributeError,
    ArithmeticError, ImportError, MemoryError, pickle.PickleError, struct.error,
)  # fmt: skip


def digest_of(*parts: Any) -> str:
    """Digest of everything that the run's course depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def save(folder: Path, digest: str, state: dict[str, Any], workers: Workers) -> None:
    """Write the state atomically, with torch's random states of all processes.

    All take part; the leading one writes, for the rest of the state is the same in all.
    """
    random = {"cpu": workers.collect(torch.get_rng_state())}
    if workers.device.type == "cuda":
        random["cuda"] = workers.collect(torch.cuda.get_rng_state(workers.device))
    if not workers.leads:
        return
    path = folder / FOLDER / "last.pt"
    # Into a file of Python's: where torch itself writes, nothing tells that the disk is full.
    with files.replacing(path) as temporary, open(temporary, "wb") as target:
        torch.save({"digest": digest, "random": random, "state": state}, target)


def load(
    folder: Path, digest: str, most_steps: int, workers: Workers
) -> tuple[dict[str, Any] | None, str]:
    """Read the state, and restore torch's random states of this process.

    Returns: the state, or None where the run has to start from the beginning, and why in words
    (empty where there simply is no checkpoint).
    """
    path = folder / FOLDER / "last.pt"
    if not path.is_file():
        return None, ""
    try:
        whole = torch.load(path, map_location="cpu", weights_only=True)
        found, random, state = whole["digest"], whole["random"], whole["state"]
        step = int(state["step"])
    except _DAMAGE:
        return None, f"{path} cannot be read"
    if found != digest:
        return None, f"{path} is of other settings, data or code"
    if step > most_steps:
        return None, f"{path} has done {step} steps, more than the {most_steps} asked for"
    torch.set_rng_state(random["cpu"][workers.rank])
    if workers.device.type == "cuda":
        torch.cuda.set_rng_state(random["cuda"][workers.rank], workers.device)
    return state, ""
