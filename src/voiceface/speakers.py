"""More speakers for a trained recogniser: `voiceface speakers`."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.config import Speech
from voiceface.corpora.found import media_files, source
from voiceface.data.batches import unit
from voiceface.data.packed import Packed, read_splits
from voiceface.errors import VoicefaceError
from voiceface.media.audio import decode_pcm, first_sound_us
from voiceface.media.vad import VoicedFrames
from voiceface.models.added import ADDED, forget
from voiceface.models.drawing import spread
from voiceface.models.known import Examples, KnownSpeakers, load_speakers, save_added

LEAST_SPEECH_S = 3.0
"""Somebody is added with at least so much speech."""
MOST_WINDOWS = 240
"""Windows of each new speaker that are learnt from and measured by."""
OLD_RECORDINGS, OLD_WINDOWS = 6, 8
"""Recordings of each old speaker and split, and windows of each of them."""
HELD_OUT = 4
"""One part in so many of a new speaker's speech is held out."""
LEAST_HELD_OUT_S = 2.0
"""Less tells little of how well somebody is known."""
STEPS = 300
LR = 1e-3
VOICED = 0.8
"""Least voiced share of a window."""


@dataclass(frozen=True)
class Accuracy:
    """How many of some windows, and of their recordings, are told right, in percent."""

    windows: float
    recordings: float
    count: int
    """Recordings."""


@dataclass(frozen=True)
class Outcome:
    """What adding speakers did: the accuracies on what was held out, and of the new on all else."""

    added: list[str]
    old_before: Accuracy
    old_after: Accuracy
    new_after: Accuracy
    """Of the new ones; none was known before."""
    new_learnt: Accuracy
    doubts: list[str]
    """Of whom it is not told that they are known well, in lines."""

    def words(self) -> list[str]:
        """The same in lines."""
        old, new, learnt = self.old_after, self.new_after, self.new_learnt
        before = (
            f"speakers known before, {_held_out_words(old)}:"
            f" {self.old_before.recordings:.1f} % right before, {old.recordings:.1f} % after"
            f" (single windows: {self.old_before.windows:.1f} %, {old.windows:.1f} %)"
        )
        nothing = "speakers known before: the test split holds no recording to measure them by"
        return [
            f"added: {', '.join(self.added)}",
            before if old.count else nothing,
            f"new speakers, {_held_out_words(new)}: unknown before,"
            f" {new.recordings:.1f} % right after (single windows: {new.windows:.1f} %);"
            f" of those learnt from: {learnt.recordings:.1f} % ({learnt.windows:.1f} %)",
            *(f"! {doubt}" for doubt in self.doubts),
        ]


def _held_out_words(accuracy: Accuracy) -> str:
    return f"{accuracy.count} held-out recording{'s' if accuracy.count != 1 else ''}"


def add_speakers(folder: Path, recogniser: Path, packed: Path) -> Outcome:
    """Add the people whose recordings lie in `folder`/<name>/ to a recogniser.

    Only the layer of the speakers learns, from windows of the new and, so that nobody is forgotten,
    of the old ones. Either all are added or, where anything is wrong with one, none.

    Args:
        recogniser: its folder, as `models/sincnet`.
        packed: the packed splits that it was trained on: examples of the old speakers.

    Raises:
        VoicefaceError: there is nobody, somebody is known already, says too little or has somebody
            else's recording, or the recogniser is not there or was trained on other data.
    """
    known = load_speakers(recogniser, torch.device("cpu"))
    people = _people(folder, known)
    old = _old_examples(known, packed)
    new = _join([_new_examples(known, *one) for one in enumerate(people.values())])
    learnt, measured = (
        _join([part.of(part.held_out == held) for part in (old, known.examples, new)])
        for held in (False, True)
    )
    layer = _grown(known.layer, new)
    old_measured = measured.of(measured.labels < len(known.speakers))
    before = _accuracy(known.layer, old_measured)
    _learn(layer, learnt)
    known.added |= {name: of.seconds for name, of in people.items()}
    known.layer, known.speakers = layer, [*known.speakers, *people]
    known.examples = _join([known.examples, new])
    save_added(known)
    return Outcome(
        list(people),
        before,
        _accuracy(layer, old_measured),
        _accuracy(layer, new.of(new.held_out)),
        _accuracy(layer, new.of(~new.held_out)),
        [doubt for name in people if (doubt := _doubt(known, name))],
    )


def list_speakers(recogniser: Path) -> list[str]:
    """Whom a recogniser knows, in lines.

    Raises:
        VoicefaceError: it is not trained, or a file is damaged.
    """
    known = load_speakers(recogniser, torch.device("cpu"))
    return [
        _added_words(known, name) if name in known.added else f"{name}: trained on"
        for name in known.speakers
    ]


def _added_words(known: KnownSpeakers, name: str) -> str:
    own = _examples_of(known, name)
    learnt, held_out = (
        _accuracy(known.layer, own.of(own.held_out == held)) for held in (False, True)
    )
    return (
        f"{name}: added with {known.added[name]:.1f} s of speech; of single windows"
        f" {held_out.windows:.1f} % of those held out are told right, {learnt.windows:.1f} % of"
        " those learnt from"
    )


def _doubt(known: KnownSpeakers, name: str) -> str:
    """Why it is not told that an added speaker is known well, or nothing."""
    own = _examples_of(known, name)
    held_out = own.of(own.held_out)
    held_out_s = len(held_out.labels) * known.model.input_samples / known.rate_hz
    why = []
    if held_out_s < LEAST_HELD_OUT_S:
        why.append(f"only {held_out_s:.1f} s of speech could be held out, which tells little")
    if _accuracy(known.layer, held_out).recordings == 0:
        why.append("none of what was held out is told right")
    return f"{name}: {', and '.join(why)}; give more recordings of them" if why else ""


def _examples_of(known: KnownSpeakers, name: str) -> Examples:
    return known.examples.of(known.examples.labels == known.speakers.index(name))


def remove_speaker(name: str, recogniser: Path) -> None:
    """Take an added speaker away again, with all that was kept of them.

    Raises:
        VoicefaceError: no such speaker was added, or the file is damaged.
    """
    forget(name, recogniser / ADDED)


@dataclass(frozen=True)
class _Speech:
    """The windows of somebody's recordings in which they speak."""

    windows: np.ndarray
    """int16 (n, window)."""
    recordings: np.ndarray
    """int64 (n,): the number of each window's recording."""
    seconds: float
    """Of all their speech, of which the windows may be a part."""
    files: dict[str, Path]
    """Where the speech was heard, by its digest."""


def _people(folder: Path, known: KnownSpeakers) -> dict[str, _Speech]:
    """Everybody's speech, by name; what is wrong with the folders is told before any is heard."""
    if not folder.is_dir():
        raise VoicefaceError(f"{folder}: no such folder; it holds a folder of recordings of each")
    below = (path for path in folder.iterdir() if path.is_dir())
    names = sorted(path.name for path in below if not path.name.startswith("."))
    if not names:
        hint = f"; give the folder above, {folder.parent}" if any(media_files(folder)) else ""
        raise VoicefaceError(f"{folder}: holds no folder with somebody's name and recordings{hint}")
    taken = {name.casefold() for name in known.speakers}
    for name in names:
        source(folder / name, name)  # a name that a list of sources can hold
        if name.casefold() in taken:
            raise VoicefaceError(
                f"{folder / name}: somebody of that name is known already; give another name, or"
                f" `voiceface speakers remove {name}`, if they were added, first"
            )
        taken.add(name.casefold())
    people = {name: _speech(folder / name, known) for name in names}
    heard: dict[str, Path] = {}
    for speech in people.values():
        for digest, path in speech.files.items():
            other = heard.setdefault(digest, path)
            if other != path:
                raise VoicefaceError(f"{path}: is the recording {other}, too; delete the wrong one")
    return people


def _speech(folder: Path, known: KnownSpeakers) -> _Speech:
    """What is there twice is taken once."""
    paths = list(media_files(folder))
    if not paths:
        raise VoicefaceError(f"{folder}: holds no recording; give sound or videos of them")
    files: dict[str, Path] = {}
    parts = [np.empty((0, known.model.input_samples), np.int16)]
    for path in paths:
        part = _voiced_windows(path, known)
        if len(part) and files.setdefault(sha256(part.tobytes()).hexdigest(), path) == path:
            parts.append(part)
    windows = np.concatenate(parts)
    seconds = windows.size / known.rate_hz
    if seconds < LEAST_SPEECH_S:
        said = f"{seconds:.1f} s of speech" if seconds else "no speech is heard"
        raise VoicefaceError(f"{folder}: {said}; give recordings with {LEAST_SPEECH_S:g} s or more")
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    few = spread(len(windows), MOST_WINDOWS)
    return _Speech(windows[few], numbers[few], seconds, files)


def _voiced_windows(path: Path, known: KnownSpeakers) -> np.ndarray:
    """Where somebody speaks: windows that do not overlap, int16 (n, window)."""
    start = first_sound_us(path)
    if start is None:
        raise VoicefaceError(f"{path}: has no sound")
    pcm = np.concatenate([np.empty(0, np.int16), *decode_pcm(path, known.rate_hz, start)])
    size, speech = known.model.input_samples, Speech()
    frames = VoicedFrames(known.rate_hz, speech.vad_mode, speech.vad_frame_ms)
    voiced = np.repeat(frames.feed(pcm), frames.frame_samples)
    count = len(voiced) // size
    windows = pcm[: count * size].reshape(count, size)
    return windows[voiced[: count * size].reshape(count, size).mean(1) >= VOICED]


def _new_examples(known: KnownSpeakers, number: int, speech: _Speech) -> Examples:
    """A new speaker's windows."""
    return Examples(
        _vectors(known, speech.windows),
        torch.full((len(speech.windows),), len(known.speakers) + number),
        torch.from_numpy(speech.recordings),
        torch.from_numpy(_held_out(speech.recordings)),
    )


def _held_out(recordings: np.ndarray) -> np.ndarray:
    """Which windows are to measure by: of one recording its end, of more the shortest whole ones.

    Windows of a recording that is learnt from are told too easily: they have its room and mood.
    """
    numbers, counts = np.unique(recordings, return_counts=True)
    most = len(recordings) // HELD_OUT
    if len(numbers) == 1:
        return np.arange(len(recordings)) >= len(recordings) - most
    order = np.argsort(counts, kind="stable")
    few = counts[order].cumsum() <= most
    few[0] = True
    return np.isin(recordings, numbers[order[few]])


def _old_examples(known: KnownSpeakers, packed: Path) -> Examples:
    """Windows of the speakers that it was trained on: of `train` to learn, of `test` to measure."""
    splits = read_splits(packed)
    if splits["train"].digest != known.data:
        raise VoicefaceError(
            f"{known.folder}: was trained on other data than {packed}; `voiceface build` trains it"
            " anew"
        )
    parts = [_of_split(known, splits[name], name == "test") for name in ("train", "test")]
    return _join(parts)


def _of_split(known: KnownSpeakers, split: Packed, held_out: bool) -> Examples:
    size = known.model.input_samples
    rows = [np.flatnonzero(split.labels == label) for label in range(len(split.speakers))]
    few = np.concatenate([own[spread(len(own), OLD_RECORDINGS)] for own in rows])
    whole = split.audio.shape[1] // size
    places = spread(whole, OLD_WINDOWS)
    sound = split.audio[few, : whole * size].reshape(len(few), whole, size)[:, places]
    again = len(places)
    return Examples(
        _vectors(known, sound.reshape(-1, size)),
        torch.from_numpy(split.labels[few]).repeat_interleave(again),
        torch.from_numpy(few).repeat_interleave(again),
        torch.full((len(few) * again,), held_out),
    )


def _vectors(known: KnownSpeakers, windows: np.ndarray) -> Tensor:
    """int16 (n, window) → (n, numbers)."""
    sound = unit(torch.from_numpy(np.ascontiguousarray(windows)))
    return known.model.vectors(sound, 1.0).flatten(0, 1)


def _join(parts: list[Examples]) -> Examples:
    columns = ("vectors", "labels", "recordings", "held_out")
    return Examples(*(torch.cat([getattr(part, name) for part in parts]) for name in columns))


def _grown(layer: nn.Linear, new: Examples) -> nn.Linear:
    """The layer with a row more for each new speaker: the old rows' mean, until it has learnt."""
    more = len(new.labels.unique())
    grown = nn.Linear(layer.in_features, layer.out_features + more)
    state = {
        name: torch.cat([value, value.mean(0, keepdim=True).expand(more, *value.shape[1:])])
        for name, value in layer.state_dict().items()
    }
    grown.load_state_dict(state)
    return grown


def _learn(layer: nn.Linear, examples: Examples) -> None:
    """Teach the layer all speakers, each with the same weight, however many windows they have."""
    weights = 1 / torch.bincount(examples.labels, minlength=layer.out_features).clamp_min(1)
    optimizer = torch.optim.Adam(layer.parameters(), LR)
    for _ in range(STEPS):
        optimizer.zero_grad()
        functional.cross_entropy(layer(examples.vectors), examples.labels, weights).backward()
        optimizer.step()


@torch.no_grad()
def _accuracy(layer: nn.Linear, examples: Examples) -> Accuracy:
    likely = layer(examples.vectors).softmax(1)
    pairs = torch.stack([examples.labels, examples.recordings], 1)
    whole, place = pairs.unique(dim=0, return_inverse=True)
    sums = torch.zeros(len(whole), likely.shape[1]).index_add_(0, place, likely)
    return Accuracy(
        _percent(likely.argmax(1) == examples.labels),
        _percent(sums.argmax(1) == whole[:, 0]),
        len(whole),
    )


def _percent(right: Tensor) -> float:
    return 100 * right.double().mean().item() if len(right) else float("nan")
