"""Where to compute."""

import ctypes
import sys

import torch

from voiceface.errors import VoicefaceError

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_memory() -> None:
    """Let this process keep the memory that it frees, for the next step of a training.

    glibc gives large blocks back to the system and takes them anew, page by page, at each step: a
    tenth of a step's time on a CPU. For a process of its own: its memory never shrinks.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)


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
