"""A training step of a model, as the trainer sees it."""

from collections.abc import Generator

from torch import Tensor

Losses = Generator[tuple[str, Tensor], None, dict[str, Tensor]]
"""Yields each loss with the name of the optimiser that lowers it; the trainer changes that one's
weights before it goes on. Returns metrics as slash keys, still on the device; "loss/generator" is
among them."""
