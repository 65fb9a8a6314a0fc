"""VGG-Face (Parkhi et al. 2015) as an identity classifier: its last layer learnt anew (the paper).

Weights are a state dict with the layers' own names (`conv1_1.weight` … `fc8.bias`), as in
`vgg_face_dag.pth`. The paper does not say how it fine-tuned; here all but the last layer stay.
"""

import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voiceface.errors import VoicefaceError
from voiceface.evaluation.classifier import Classifier
from voiceface.evaluation.metric import told

BLOCKS = {1: 2, 2: 2, 3: 3, 4: 3, 5: 3}
"""Convolutions (3 × 3, ReLU) in each block; a block ends with a 2 × 2 max-pool."""
MEAN = (129.1863, 104.7624, 93.5940)
"""Mean RGB of the pictures it was trained on, 0 to 255."""
PX = 224


def fine_tune(
    path: str,
    faces: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    steps: int,
    seed: int,
    device: torch.device,
) -> Classifier:
    """Learn a last layer for `classes` people on the features before it.

    Raises:
        VoicefaceError: the weights are missing, unreadable, or of another network.
    """
    weights = _load(Path(path), device)
    features = _features(weights, faces, device)
    truth = torch.from_numpy(labels).to(device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(features.shape[1], classes).to(device)
        optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
        for _ in range(steps):
            loss = functional.cross_entropy(layer(features), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def classify(pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            scores: np.ndarray = layer(_features(weights, pictures, device)).cpu().numpy()
            return scores

    return classify


def _load(path: Path, device: torch.device) -> dict[str, Tensor]:
    where = f"evaluate.vgg_face_weights: {path}"
    if not path.is_file():
        raise VoicefaceError(f"{where}: no such file")
    try:
        weights = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise VoicefaceError(f"{where}: not a file of weights ({reason})") from None
    names = [f"conv{block}_{layer + 1}" for block, n in BLOCKS.items() for layer in range(n)]
    wanted = [f"{name}.{part}" for name in [*names, "fc6", "fc7"] for part in ("weight", "bias")]
    missing = [name for name in wanted if name not in weights]
    if missing:
        raise VoicefaceError(f"{where}: not VGG-Face's state dict: it has no {missing[0]}")
    return {name: weights[name].float() for name in wanted}


def _features(weights: dict[str, Tensor], faces: np.ndarray, device: torch.device) -> Tensor:
    """Faces uint8 (n, px, px, 3) → fc7's output (n, 4096), scaled to length 1."""
    mean = torch.tensor(MEAN, device=device)[:, None, None]
    parts = []
    for start in told(range(0, len(faces), 16), "VGG-Face features"):
        batch = torch.from_numpy(faces[start : start + 16]).to(device).permute(0, 3, 1, 2).float()
        pictures = functional.interpolate(batch, size=(PX, PX), mode="bilinear", antialias=True)
        with torch.no_grad():
            parts.append(_forward(weights, pictures - mean))
    return torch.cat(parts)


def _forward(weights: dict[str, Tensor], pictures: Tensor) -> Tensor:
    x = pictures
    for block, layers in BLOCKS.items():
        for layer in range(1, layers + 1):
            name = f"conv{block}_{layer}"
            x = functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)
            x = functional.relu(x)
        x = functional.max_pool2d(x, 2)
    x = x.flatten(1)
    for name in ("fc6", "fc7"):
        x = functional.relu(
            functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
        )
    return functional.normalize(x)
