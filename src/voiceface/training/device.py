"""Where to compute."""

import torch

from voiceface.errors import VoicefaceError


def pick_device(wanted: str) -> torch.device:
    """The device by its name in the config: auto, cpu or cuda.

    Raises:
        VoicefaceError: CUDA is asked for, and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise VoicefaceError("device: cuda, but torch finds no CUDA here; set it to auto or cpu")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)
