"""The speakers that a trained recogniser knows, with those that were added to it since.

These lie in a file beside the recogniser's own, `added.safetensors`, which holds the whole layer of
the speakers anew and examples of those added: so nothing that was built of the recogniser becomes
stale when somebody is added, and adding is one file that is replaced.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from voiceface import files
from voiceface.data.batches import unit
from voiceface.errors import VoicefaceError
from voiceface.models import saved
from voiceface.models.added import ADDED, reading_added
from voiceface.models.registry import ByWindows

HOP_S = 0.1
"""Between the windows by which it is told who speaks."""


@dataclass(frozen=True)
class Examples:
    """Windows of speakers, as what the layer of the speakers is given."""

    vectors: Tensor
    """float (n, numbers)."""
    labels: Tensor
    """int64 (n,): the speakers' places in the list."""
    recordings: Tensor
    """int64 (n,): equal for windows of one recording; whatever they are."""
    held_out: Tensor
    """bool (n,): to measure by, not to learn from."""

    def of(self, rows: Tensor) -> "Examples":
        """Some of them."""
        fields = (self.vectors, self.labels, self.recordings, self.held_out)
        return Examples(*(field[rows] for field in fields))


@dataclass
class KnownSpeakers:
    """A recogniser and whom it knows."""

    model: ByWindows
    layer: nn.Linear
    """The layer of all these speakers."""
    speakers: list[str]
    """Those that it was trained on, then those that were added."""
    added: dict[str, float]
    """Of each added speaker the seconds of speech."""
    examples: Examples
    """Of the added speakers."""
    folder: Path
    digest: str
    """Of the recogniser's own weights."""
    rate_hz: int
    data: str
    """Digest of the training split that it was trained on."""

    @torch.no_grad()
    def who(self, sound: np.ndarray) -> list[tuple[str, float]]:
        """The speakers of a recording with their likelihood, 0 to 1, the likeliest first.

        Args:
            sound: int16 (samples,) at `rate_hz`, at least the recogniser's window.
        """
        audio = unit(torch.tensor(sound)[None]).to(self.layer.weight.device)
        likely = self.layer(self.model.vectors(audio, HOP_S)).softmax(2).mean((0, 1)).tolist()
        return sorted(zip(self.speakers, likely, strict=True), key=lambda one: -one[1])


def load_speakers(folder: Path, device: torch.device) -> KnownSpeakers:
    """Load a recogniser with all whom it knows.

    Raises:
        VoicefaceError: it is not trained, keeps no layer of its speakers, or a file is damaged.
    """
    trained = saved.load_recogniser(folder, device)
    model, card = trained.model, trained.card
    if not isinstance(model, ByWindows) or "speaker" not in model.drawing:
        raise VoicefaceError(f"{folder}: keeps no layer of its speakers, to which one can be added")
    layer = model.networks["speaker"]
    assert isinstance(layer, nn.Linear)
    none = torch.empty(0, dtype=torch.int64)
    nobody = Examples(torch.empty(0, layer.in_features), none, none, none.bool())
    digest, rate = str(card["sha256"]), int(card["sample_rate_hz"])
    known = KnownSpeakers(
        model, layer, list(card["speakers"]), {}, nobody, folder, digest, rate, str(card["data"])
    )
    _read_added(known, device)
    return known


def save_added(known: KnownSpeakers) -> None:
    """Write the layer of all speakers and the examples of those added, atomically."""
    tensors = {
        "weight": known.layer.weight.detach().cpu().contiguous(),
        "bias": known.layer.bias.detach().cpu().contiguous(),
        "vectors": known.examples.vectors.half().contiguous(),
        "labels": known.examples.labels,
        "recordings": known.examples.recordings,
        "held_out": known.examples.held_out,
    }
    about = {"speakers": known.speakers, "added": known.added, "recogniser": known.digest}
    data = safetensors.torch.save(tensors, {"about": json.dumps(about)})
    files.write_bytes(known.folder / ADDED, data)


def _read_added(known: KnownSpeakers, device: torch.device) -> None:
    path = known.folder / ADDED
    if not path.exists():
        return
    with reading_added(path):
        with safetensors.safe_open(path, "pt") as opened:
            about = json.loads(opened.metadata()["about"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        fits = about["recogniser"] == known.digest
        if fits:
            known.speakers, known.added = list(about["speakers"]), dict(about["added"])
            layer = nn.Linear(known.layer.in_features, len(known.speakers))
            layer.load_state_dict({name: tensors[name] for name in ("weight", "bias")})
            known.layer = layer.to(device)
            names = ("labels", "recordings", "held_out")
            known.examples = Examples(tensors["vectors"].float(), *(tensors[n] for n in names))
    if not fits:
        raise VoicefaceError(
            f"{path}: was added to a recogniser that was trained anew since; delete it, and add"
            " the speakers again"
        )
