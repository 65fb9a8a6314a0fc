"""Where a training split lies while it is trained on: on the device, or mapped from the disk."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voiceface.data.packed import Packed


class Store(Protocol):
    """Rows of a split, fetched on the device many at a time."""

    ahead: bool
    """Whether fetching waits for the disk, so that it is worth doing ahead of time."""

    def faces(self, rows: Tensor) -> Tensor:
        """Rows (B,) → uint8 (B, 3, px, px)."""
        ...

    def audio(self, rows: Tensor) -> Tensor:
        """Rows (B, …) → int16 (B, …, segment samples)."""
        ...


class Resident:
    """All of a split on the device."""

    ahead = False

    def __init__(self, packed: Packed, px: int, device: torch.device) -> None:
        self._faces = shrunk(packed.faces, px, device) if px else _none(len(packed.faces), device)
        self._audio = torch.from_numpy(np.array(packed.audio)).to(device)

    def faces(self, rows: Tensor) -> Tensor:
        """Rows (B,) → uint8 (B, 3, px, px)."""
        return self._faces[rows]

    def audio(self, rows: Tensor) -> Tensor:
        """Rows (B, …) → int16 (B, …, segment samples)."""
        return self._audio[rows]


class Mapped:
    """A split that stays on the disk: rows are read when they are asked for."""

    ahead = True

    def __init__(self, packed: Packed, px: int, device: torch.device) -> None:
        self._packed, self._px, self._device = packed, px, device

    def faces(self, rows: Tensor) -> Tensor:
        """Rows (B,) → uint8 (B, 3, px, px)."""
        if not self._px:
            return _none(len(rows), self._device)
        return resize(self._read(self._packed.faces, rows), self._px)

    def audio(self, rows: Tensor) -> Tensor:
        """Rows (B, …) → int16 (B, …, segment samples)."""
        return self._read(self._packed.audio, rows)

    def _read(self, array: np.ndarray, rows: Tensor) -> Tensor:
        found = torch.from_numpy(array[rows.cpu().numpy()])
        if self._device.type == "cuda":
            found = found.pin_memory()  # so that the copy does not hold up the device
        return found.to(self._device, non_blocking=True)


def open_store(packed: Packed, px: int, device: torch.device, most_gib: float) -> Store:
    """The split on the device where it takes at most `most_gib` there, else mapped."""
    size = packed.audio.nbytes + len(packed.faces) * 3 * px * px
    kind = Resident if size <= most_gib * 2**30 else Mapped
    return kind(packed, px, device)


def shrunk(faces: np.ndarray, px: int, device: torch.device) -> Tensor:
    """Faces (n, size, size, 3) on the device as uint8 (n, 3, px, px), each pixel a mean."""
    parts = [
        resize(torch.from_numpy(np.array(faces[start : start + 1024])).to(device), px)
        for start in range(0, len(faces), 1024)
    ]
    return torch.cat(parts) if parts else torch.empty(0, 3, px, px, dtype=torch.uint8)


def _none(count: int, device: torch.device) -> Tensor:
    return torch.empty(count, 3, 0, 0, dtype=torch.uint8, device=device)


def resize(faces: Tensor, px: int) -> Tensor:
    """uint8 (n, size, size, 3) → uint8 (n, 3, px, px)."""
    pictures = faces.permute(0, 3, 1, 2)
    if pictures.shape[2] == px:
        return pictures.contiguous()
    scaled = functional.interpolate(
        pictures.float(), size=(px, px), mode="bilinear", antialias=True, align_corners=False
    )
    return scaled.round().clamp(0, 255).to(torch.uint8)
