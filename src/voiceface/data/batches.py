"""Batches for a trainer, drawn, cut and mirrored on the device, with no loop over samples."""

import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voiceface.data.babble import VOICES, add_babble
from voiceface.data.packed import Packed
from voiceface.data.recordings import chains
from voiceface.data.store import open_store
from voiceface.errors import VoicefaceError

Pairing = Literal["paired", "identity"]
LENGTHS = 11
"""So many lengths of sound there are where it may differ: a step that a GPU recorded for one of
them serves for all batches of that length."""


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
    emotions: Tensor
    """int64 (B,): the emotion that the voice speaks with; -1 where none is told."""
    descriptors: Tensor
    """float (B, 128): dlib's descriptor of the face; NaN where it has none."""

    def parts(self, count: int) -> list["Batch"]:
        """The batch in `count` parts of equal size."""
        return [Batch(*part) for part in zip(*(field.chunk(count) for field in self), strict=True)]


class _Draw(NamedTuple):
    """What a batch is made of, by pair: int64 (B,) each where nothing else is said."""

    voices: Tensor
    """Rows that the sound is of."""
    starts: Tensor
    """The sample at which that is cut."""
    faces: Tensor
    """Rows that the face is of."""
    wrong: Tensor
    """Rows of other speakers."""
    mirrored: Tensor
    """bool."""
    wrong_mirrored: Tensor
    """bool."""
    others: Tensor
    """Rows of those who talk behind the voice: (B, VOICES), or (B, 0)."""
    other_starts: Tensor
    """Where these are cut."""


class _Ahead(NamedTuple):
    """A batch that is being fetched, and the stream's state before it was drawn."""

    state: dict[str, Any]
    batch: "Future[Batch]"


class Batches:
    """An endless, seeded stream of augmented batches from a training split.

    Every sample is heard once before any is heard again. Each time, its sound is cut at a random
    place and its face mirrored at random. Everything is drawn by one generator on the CPU, whatever
    the device, so that no draw waits for a GPU; its state is in `state_dict()`: a stream that goes
    on from it yields the very same batches.
    """

    def __init__(
        self,
        packed: Packed,
        *,
        px: int,
        samples: tuple[int, int],
        batch: int,
        flip: bool,
        seed: int,
        device: torch.device,
        pairing: Pairing = "paired",
        repeats: bool = False,
        gender: str = "",
        babble_snr_db: float | None = None,
        most_gib: float = float("inf"),
        mine: slice = slice(None),
    ) -> None:
        """Put the split on the device, or map it.

        Args:
            samples: least and greatest length of the sound, one of `LENGTHS` evenly spread ones
                from the one to the other for each batch. Where that is longer than a segment, the
                next ones of the same video are joined to it.
            batch: pairs of a global batch.
            pairing: `paired` takes the face of the sound's own sample; `identity` any face of the
                same speaker (Wen et al. 2019).
            repeats: sound that is longer than a segment is that segment again and again.
            gender: take the rows of that gender's speakers alone; empty: all.
            babble_snr_db: others talk behind each voice, so much more quietly; None: nobody.
            most_gib: the split is mapped from the disk where it would take more on the device.
            mine: the part of each batch that is yielded here: the rest is for other processes,
                whose streams are of the same seed.

        Raises:
            VoicefaceError: there is too little to train on.
        """
        rows = packed.rows_of(gender)
        _check(packed, rows, gender)
        self.samples, self.batch, self.flip, self.mine = samples, batch, flip, mine
        self.pairing, self.device = pairing, device
        self.babble_snr_db = babble_snr_db
        self.store = open_store(packed, px, device, most_gib)
        self.labels = torch.from_numpy(packed.labels)
        self.emotions = torch.from_numpy(packed.emotion_labels)
        self.descriptors = torch.from_numpy(np.array(packed.descriptors))
        self.rows = torch.from_numpy(rows)
        self.by_label = self.rows[torch.argsort(self.labels[self.rows], stable=True)]
        self.counts = torch.bincount(self.labels[self.rows], minlength=len(packed.speakers))
        self.starts = torch.cumsum(self.counts, 0) - self.counts
        self.segment = packed.audio.shape[1]
        self.repeats = repeats
        self.chains = chains(packed, self._links(samples[1]), repeats)
        self.random = torch.Generator().manual_seed(seed)
        self.queue = torch.empty(0, dtype=torch.int64)
        self._reader = ThreadPoolExecutor(1) if self.store.ahead else None
        self._ahead: _Ahead | None = None

    def next(self) -> Batch:
        """Draw the next batch."""
        if not self._reader:
            return self._fetch(*self._draw())
        ready = self._ahead or self._read_ahead(self._reader)
        self._ahead = self._read_ahead(self._reader)
        return ready.batch.result()

    def state_dict(self) -> dict[str, Any]:
        """What makes the stream go on from here."""
        if self._ahead:
            return self._ahead.state
        return {"random": self.random.get_state(), "queue": self.queue}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        self._ahead = None
        self.random.set_state(state["random"])
        self.queue = state["queue"]

    def _read_ahead(self, reader: ThreadPoolExecutor) -> _Ahead:
        self._ahead = None
        return _Ahead(self.state_dict(), reader.submit(self._fetch, *self._draw()))

    def _draw(self) -> tuple[_Draw, int]:
        voices, length = self._next_rows(), self._length()
        labels = self.labels[voices]
        chance = 0.5 if self.flip else 0.0
        draw = _Draw(
            voices,
            self._starts(length),
            voices if self.pairing == "paired" else self.by_label[self._own(labels)],
            self.by_label[self._others(labels)],
            self._uniform() < chance,
            self._uniform() < chance,
            *self._crowd(labels, length),
        )
        return _Draw(*(column[self.mine] for column in draw)), length

    def _fetch(self, draw: _Draw, length: int) -> Batch:
        audio = self._cut(draw.voices, draw.starts, length)
        if self.babble_snr_db is not None:
            others = self._cut(draw.others.flatten(), draw.other_starts.flatten(), length)
            audio = add_babble(audio, others.unflatten(0, draw.others.shape), self.babble_snr_db)
        return Batch(
            audio,
            self._mirror(draw.faces, draw.mirrored),
            self._mirror(draw.wrong, draw.wrong_mirrored),
            self._sent(self.labels[draw.voices]),
            self._sent(self.emotions[draw.voices]),
            self._sent(self.descriptors[draw.faces]),
        )

    def _next_rows(self) -> Tensor:
        while len(self.queue) < self.batch:
            order = torch.randperm(len(self.rows), generator=self.random)
            self.queue = torch.cat([self.queue, self.rows[order]])
        rows, self.queue = self.queue[: self.batch], self.queue[self.batch :]
        return rows

    def _own(self, labels: Tensor) -> Tensor:
        """A uniform place in each label's own stretch of `by_label`."""
        return self.starts[labels] + (self._uniform() * self.counts[labels]).long()

    def _others(self, labels: Tensor) -> Tensor:
        """A uniform place in `by_label` outside each label's own stretch of it."""
        own = self.counts[labels]
        place = (self._uniform() * (len(self.rows) - own)).long()
        return place + own * (place >= self.starts[labels])

    def _crowd(self, labels: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Who talks behind each voice, and where that is cut."""
        if self.babble_snr_db is None:
            return labels[:, None][:, :0], labels[:, None][:, :0]
        others = [self.by_label[self._others(labels)] for _ in range(VOICES)]
        return torch.stack(others, 1), torch.stack([self._starts(length) for _ in others], 1)

    def _length(self) -> int:
        """That of a batch's sound, in samples."""
        least, most = self.samples
        if least == most:
            return most
        place = torch.randint(LENGTHS, (), generator=self.random).item()
        return least + round((most - least) * place / (LENGTHS - 1))

    def _starts(self, length: int) -> Tensor:
        """Uniform places to cut sound of that length."""
        room = self._links(length) * self.segment - length + 1
        return (self._uniform() * room).long()

    def _cut(self, rows: Tensor, starts: Tensor, length: int) -> Tensor:
        chains = self.chains[rows, : self._links(length)]
        sound = self.store.audio(self._sent(chains)).flatten(1)
        first = torch.arange(len(rows)) * sound.shape[1]
        # A view of every window there is: taking some of its rows copies these alone.
        windows = sound.flatten().unfold(0, length, 1)
        return unit(windows[self._sent(first + starts)])

    def _links(self, length: int) -> int:
        """Segments that sound of that length is cut from."""
        # One more of what is repeated, so that it may begin anywhere in the segment.
        return -(-length // self.segment) + (self.repeats and length > self.segment)

    def _mirror(self, rows: Tensor, mirrored: Tensor) -> Tensor:
        faces = self.store.faces(self._sent(rows)).to(
            torch.float32, memory_format=torch.channels_last
        )
        faces = faces.div_(127.5).sub_(1)
        return torch.where(self._sent(mirrored)[:, None, None, None], faces.flip(3), faces)

    def _sent(self, drawn: Tensor) -> Tensor:
        return drawn.to(self.device, non_blocking=True)

    def _uniform(self) -> Tensor:
        # float64: in float32 a draw just below 1 times a large count rounds up to the count.
        return torch.rand(self.batch, generator=self.random, dtype=torch.float64)


def unit(audio: Tensor) -> Tensor:
    """16-bit sound as floats from -1 to 1."""
    return audio.float() / 32768


def repeated(audio: Tensor, samples: int) -> Tensor:
    """Sound (n, length), said again until it has so many samples; what is longer stays as it is."""
    times = -(-samples // audio.shape[1])
    return audio.repeat(1, times)[:, :samples] if times > 1 else audio


def loudest(audio: Tensor, samples: int) -> Tensor:
    """The window of `samples` with the most energy of each row: (n, length) → (n, samples).

    Windows are tried every 1/8 of their length.
    """
    hop = max(1, samples // 8)
    unit = math.gcd(hop, samples)
    count = audio.shape[1] // unit
    # A product of each unit with itself: squares would go through the memory several times. In
    # float64 whole numbers are exact.
    units = audio[:, : count * unit].double().reshape(-1, 1, unit)
    energy = torch.bmm(units, units.transpose(1, 2)).view(len(audio), count)
    so_far = functional.pad(energy.cumsum(1), (1, 0))
    starts = torch.arange(0, audio.shape[1] - samples + 1, hop, device=audio.device)
    best = (so_far[:, (starts + samples) // unit] - so_far[:, starts // unit]).argmax(1)
    return audio.unfold(1, samples, hop)[torch.arange(len(audio), device=audio.device), best]


def _check(packed: Packed, rows: np.ndarray, gender: str) -> None:
    present = len(set(packed.labels[rows].tolist()))
    of = f"{gender} speakers,".lstrip()
    if len(rows) < 2 or present < 2:
        raise VoicefaceError(
            f"{packed.split} split: {len(rows)} samples of {present} {of} but "
            "training takes samples of at least 2; add sources, or loosen the thresholds"
        )
