"""What a run tells on a terminal; the lines without one are told in test_engine.py."""

import io
import sys

import pytest
import torch

from voiceface.model_config import TrainedSection
from voiceface.training.logs import Progress


class Terminal(io.StringIO):
    """Takes what is written as a terminal would."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_speed_and_all_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    losses = {"loss/generator": torch.tensor(2.5), "loss/discriminator": torch.tensor(0.25)}
    with Progress("wav2pix", 10, TrainedSection(steps=12, batch=8), tells=True) as progress:
        progress.tell(12, {**losses, "accuracy/voice": torch.tensor(1.0)})
    shown = terminal.getvalue()
    for words in ("wav2pix", "12/12", "steps/s", "generator 2.500", "discriminator 0.250"):
        assert words in shown
    assert "accuracy" not in shown


def test_a_process_that_does_not_lead_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress("wav2pix", 0, TrainedSection(steps=1), tells=False) as progress:
        progress.tell(1, {"loss/generator": torch.tensor(2.5)})
    assert terminal.getvalue() == ""
