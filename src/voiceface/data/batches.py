"""Batches for a trainer: the whole split lies on the device, and each step cuts from it there."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voiceface.data.packed import Packed
from voiceface.errors import VoicefaceError


class Batch(NamedTuple):
    """B pairs, and for each a face of somebody else."""

    audio: Tensor
    """float (B, samples), -1 to 1."""
    faces: Tensor
    """float (B, 3, px, px), -1 to 1: of the voice's owner."""
    wrong: Tensor
    """float (B, 3, px, px), -1 to 1: of another speaker."""
    labels: Tensor
    """int64 (B,): the voice's owner."""


class _Draw(NamedTuple):
    """What a global batch is made of, by pair: (B,) each."""

    rows: Tensor
    starts: Tensor
    """Where the sound is cut, in samples."""
    wrong: Tensor
    """Rows of other speakers."""
    mirrored: Tensor
    wrong_mirrored: Tensor


class Batches:
    """An endless, seeded stream of augmented batches from a training split.

    Every sample is seen once before any is seen again. Each time, its sound is cut at a random
    place and its face mirrored at random. Everything is drawn by one generator, whose state is in
    `state_dict()`: a stream that goes on from it yields the very same batches.
    """

    def __init__(
        self,
        packed: Packed,
        *,
        px: int,
        samples: int,
        batch: int,
        flip: bool,
        seed: int,
        device: torch.device,
        mine: slice = slice(None),
    ) -> None:
        """Put the split on the device.

        Args:
            batch: pairs of a global batch.
            mine: the part of each that is yielded here: the rest is for other processes, whose
                streams are of the same seed.

        Raises:
            VoicefaceError: there is too little to train on.
        """
        _check(packed, samples)
        self.batch, self.samples, self.flip, self.mine = batch, samples, flip, mine
        self.faces = shrunk(packed.faces, px, device)
        self.audio = torch.from_numpy(np.array(packed.audio)).to(device)
        self.labels = torch.from_numpy(packed.labels).to(device)
        self.by_label = torch.argsort(self.labels, stable=True)
        self.counts = torch.bincount(self.labels, minlength=len(packed.speakers))
        self.starts = torch.cumsum(self.counts, 0) - self.counts
        self.random = torch.Generator(device).manual_seed(seed)
        self.queue = torch.empty(0, dtype=torch.int64, device=device)

    def next(self) -> Batch:
        """Draw the next batch."""
        draw = self._draw()
        rows, starts, wrong, *mirrored = (column[self.mine] for column in draw)
        return Batch(
            self._cut(rows, starts),
            self._mirror(rows, mirrored[0]),
            self._mirror(wrong, mirrored[1]),
            self.labels[rows],
        )

    def state_dict(self) -> dict[str, Any]:
        """What makes the stream go on from here."""
        return {"random": self.random.get_state(), "queue": self.queue.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        self.random.set_state(state["random"])
        self.queue = state["queue"].to(self.faces.device)

    def _draw(self) -> _Draw:
        rows = self._next_rows()
        wrong = self.by_label[self._others(self.labels[rows])]
        room = self.audio.shape[1] - self.samples + 1
        chance = 0.5 if self.flip else 0.0
        return _Draw(
            rows,
            (self._uniform() * room).long(),
            wrong,
            self._uniform() < chance,
            self._uniform() < chance,
        )

    def _next_rows(self) -> Tensor:
        while len(self.queue) < self.batch:
            order = torch.randperm(len(self.faces), generator=self.random, device=self.faces.device)
            self.queue = torch.cat([self.queue, order])
        rows, self.queue = self.queue[: self.batch], self.queue[self.batch :]
        return rows

    def _others(self, labels: Tensor) -> Tensor:
        """A uniform place in `by_label` outside each label's own stretch of it."""
        own = self.counts[labels]
        place = (self._uniform() * (len(self.faces) - own)).long()
        return place + own * (place >= self.starts[labels])

    def _cut(self, rows: Tensor, starts: Tensor) -> Tensor:
        places = starts[:, None] + torch.arange(self.samples, device=starts.device)
        return unit(self.audio[rows[:, None], places])

    def _mirror(self, rows: Tensor, mirrored: Tensor) -> Tensor:
        faces = self.faces[rows].float().div_(127.5).sub_(1)
        return torch.where(mirrored[:, None, None, None], faces.flip(3), faces)

    def _uniform(self) -> Tensor:
        # float64: in float32 a draw just below 1 times a large count rounds up to the count.
        return torch.rand(
            self.batch, generator=self.random, device=self.faces.device, dtype=torch.float64
        )


def unit(audio: Tensor) -> Tensor:
    """16-bit sound as floats from -1 to 1."""
    return audio.float() / 32768


def shrunk(faces: np.ndarray, px: int, device: torch.device) -> Tensor:
    """Faces (n, size, size, 3) on the device as uint8 (n, 3, px, px), each pixel a mean."""
    parts = [
        _resize(torch.from_numpy(np.array(faces[start : start + 1024])).to(device), px)
        for start in range(0, len(faces), 1024)
    ]
    return torch.cat(parts) if parts else torch.empty(0, 3, px, px, dtype=torch.uint8)


def loudest(audio: Tensor, samples: int) -> Tensor:
    """The window of `samples` with the most energy of each row: (n, length) → (n, samples).

    Windows are tried every 1/8 of their length.
    """
    hop = max(1, samples // 8)
    windows = audio.unfold(1, samples, hop)
    best = windows.float().square().sum(2).argmax(1)
    return windows[torch.arange(len(audio), device=audio.device), best]


def _resize(faces: Tensor, px: int) -> Tensor:
    pictures = faces.permute(0, 3, 1, 2).float()
    if pictures.shape[2] != px:
        pictures = functional.interpolate(
            pictures, size=(px, px), mode="bilinear", antialias=True, align_corners=False
        )
    return pictures.round().clamp(0, 255).to(torch.uint8)


def _check(packed: Packed, samples: int) -> None:
    present = len(set(packed.labels.tolist()))
    if len(packed.labels) < 2 or present < 2:
        raise VoicefaceError(
            f"{packed.split} split: {len(packed.labels)} samples of {present} speakers, but "
            "training takes samples of at least 2; add sources, or loosen the thresholds"
        )
    if packed.audio.shape[1] < samples:
        raise VoicefaceError(
            f"{packed.split} split: segments of {packed.audio.shape[1]} samples are shorter than "
            f"the model's input of {samples}; raise speech.segment_s"
        )
