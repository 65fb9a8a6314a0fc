"""Faces for voices, from a model: the same way for sample grids, metrics and `generate`."""

import numpy as np
import torch
from torch import Tensor

from voiceface.data.batches import loudest, unit
from voiceface.data.packed import Packed
from voiceface.data.recordings import whole_recordings
from voiceface.errors import VoicefaceError
from voiceface.model_config import Precision
from voiceface.models.registry import Mapper, Model
from voiceface.tables import DESCRIPTOR

AT_A_TIME = 32
"""Voices that are drawn at a time: what is between the layers stays in a CPU's cache."""


def draw_faces(
    model: Model,
    audio: np.ndarray,
    device: torch.device,
    seed: int = 0,
    precision: Precision = "fp32",
) -> np.ndarray:
    """Draw a face from each voice: from all of it, or from its loudest window, as the model does.

    The same voices and seed give the same faces, and torch's random state is left as it was.

    Args:
        audio: int16 (n, at least the model's input), at the model's sample rate.
        precision: bf16 is twice as fast where the processor knows it, and moves a pixel by a grey
            level or two.

    Returns: uint8 (n, px, px, 3), RGB.

    Raises:
        VoicefaceError: the weights are so large that nothing is drawn.
    """
    faces = [np.empty((0, model.px, model.px, 3), np.uint8)]
    cuda = [device] if device.type == "cuda" else []
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    with torch.random.fork_rng(cuda), torch.no_grad(), bf16:
        torch.manual_seed(seed)
        for start in range(0, len(audio), AT_A_TIME):
            sound = torch.from_numpy(np.array(audio[start : start + AT_A_TIME])).to(device)
            drawn = model.draw(heard(model, sound)).float()
            if not drawn.isfinite().all():
                raise VoicefaceError(
                    f"{type(model).__name__}: its drawn faces are not finite; train it again with "
                    "lower learning rates or in fp32"
                )
            pixels = ((drawn + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            faces.append(pixels.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(faces)


def voices_of(model: Model, split: Packed, rows: np.ndarray) -> np.ndarray:
    """The sound that a model is tested with: of these rows' whole recordings, or their segments.

    Returns: int16 (n, samples).
    """
    return whole_recordings(split, rows) if model.whole else split.audio[rows]


def heard(model: Model, audio: Tensor) -> Tensor:
    """What a model draws from: all of a voice, or its loudest window.

    int16 (n, at least the model's input) → float (n, samples), -1 to 1.
    """
    return unit(audio if model.whole else loudest(audio, model.input_samples))


def map_voices(model: Mapper, audio: np.ndarray, device: torch.device) -> np.ndarray:
    """Where each voice is mapped to among face descriptors, by all of it.

    Args:
        audio: int16 (n, at least the model's input), at the model's sample rate.

    Returns: float64 (n, 128), of length 1.
    """
    places = [np.empty((0, DESCRIPTOR))]
    with torch.no_grad():
        for start in range(0, len(audio), AT_A_TIME):
            sound = torch.from_numpy(np.array(audio[start : start + AT_A_TIME])).to(device)
            places.append(model.map_voices(unit(sound)).double().cpu().numpy())
    return np.concatenate(places)


def spread(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` row numbers, evenly spread (rows stand sorted by speaker)."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
