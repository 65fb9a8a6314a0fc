"""The built-in classifier of faces: a small network, trained on the training split's real ones."""

import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.store import shrunk

PX = 64
BATCH = 48

Classifier = Callable[[np.ndarray], np.ndarray]
"""Faces uint8 (n, px, px, 3) → scores float32 (n, classes): the highest is its choice."""


def train_classifier(
    faces: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    steps: int,
    seed: int,
    device: torch.device,
) -> Classifier:
    """Train four convolutions (5 × 5, stride 2, 32-64-128-128, BatchNorm, ReLU) at 64 px.

    Faces are mirrored, moved, brightened, blurred and made noisy at random, so that it looks at the
    person and not at a picture's grain. torch's random state is left as it was.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = _network(classes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        pixels, truth = _scaled(faces, device), torch.from_numpy(labels).to(device)
        optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        told_at = time.monotonic()
        for step in range(steps):
            index = torch.randint(len(pixels), (BATCH,), device=device)
            scores = network(_augmented(pixels[index]))
            loss = functional.cross_entropy(scores, truth[index], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if time.monotonic() - told_at > 4:
                told_at = time.monotonic()
                print(f"evaluate: classifier, step {step + 1}/{steps}", file=sys.stderr, flush=True)
    network.eval()

    def classify(pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            parts = _scaled(pictures, device).split(256)
            return np.concatenate([network(part).cpu().numpy() for part in parts])

    return classify


def _network(classes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise((3, 32, 64, 128, 128)):
        layers.append(nn.Conv2d(before, after, 5, stride=2, padding=2, bias=False))
        layers += [nn.BatchNorm2d(after), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, classes)]
    return nn.Sequential(*layers, *head)


def _scaled(faces: np.ndarray, device: torch.device) -> Tensor:
    return shrunk(faces, PX, device).float().div_(127.5).sub_(1)


def _augmented(faces: Tensor) -> Tensor:
    count, device = len(faces), faces.device

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1, 1, device=device).uniform_(low, high)

    move = torch.zeros(count, 2, 3, device=device)
    zoom = draw(0.9, 1.1)[:, 0, 0, 0]
    move[:, 0, 0] = zoom * torch.where(draw(-1, 1)[:, 0, 0, 0] < 0, -1.0, 1.0)
    move[:, 1, 1] = zoom
    move[:, :, 2] = torch.cat([draw(-0.1, 0.1), draw(-0.1, 0.1)], 1)[:, :, 0, 0]
    grid = functional.affine_grid(move, list(faces.shape), align_corners=False)
    moved = functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    blurred = functional.avg_pool2d(moved, 3, 1, 1, count_include_pad=False)
    mixed = torch.lerp(moved, blurred, draw(0, 1))
    noise = torch.randn_like(mixed) * draw(0, 0.3)
    return mixed * draw(0.8, 1.2) + draw(-0.15, 0.15) + noise
