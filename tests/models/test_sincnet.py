"""SincNet's filters, and the decision by all windows of a recording."""

import pytest
import torch
from scipy.signal import firwin

from voiceface.model_config import Sincnet
from voiceface.models.sincnet import (
    FILTERED_AT_A_TIME,
    RATE_HZ,
    WINDOW,
    SincEncoder,
    SincFilters,
    SincNet,
    mel_edges,
    of_windows,
)


def test_the_filters_are_scipys_band_passes() -> None:
    layer = SincFilters()
    low, high = (edge.detach().numpy() for edge in layer.edges_hz())
    taps = layer.filters().detach().numpy()
    for number in (0, 40, 78):
        edges = [low[number], high[number]]
        wanted = firwin(251, edges, pass_zero=False, scale=False, window="hamming", fs=RATE_HZ)
        assert taps[number] == pytest.approx(wanted, abs=1e-6)


def test_a_tone_passes_in_its_band_alone_and_the_edges_are_learnt() -> None:
    layer = SincFilters()
    number = 75
    low, high = (edge[number].item() for edge in layer.edges_hz())
    time = torch.arange(WINDOW) / RATE_HZ

    def loudness(hz: float) -> float:
        return layer(torch.sin(2 * torch.pi * hz * time)[None, None])[0, number].std().item()

    assert loudness((low + high) / 2) == pytest.approx(0.5**0.5, rel=0.01)  # of a sine, as it was
    assert max(loudness(low - 150), loudness(high + 150)) < 0.01
    layer(torch.randn(1, 1, WINDOW)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.all() for weight in layer.parameters())


def test_as_shipped_the_training_moves_the_edges_by_several_hz() -> None:
    model = SincNet(Sincnet(), 2)
    layer = next(one for one in model.networks["encoder"].modules() if type(one) is SincFilters)
    before = torch.stack(layer.edges_hz()).detach()
    optimizer = model.optimizers()["speaker"]
    for _ in range(5):
        optimizer.zero_grad()
        layer(torch.randn(1, 1, WINDOW)).square().sum().backward()
        optimizer.step()
    moved = (torch.stack(layer.edges_hz()) - before).abs()
    assert 5 < moved.median() < 500


def test_the_edges_are_evenly_spread_in_mel() -> None:
    edges = mel_edges(30, 7900, 81).double()
    mel = 2595 * torch.log10(1 + edges / 700)
    assert mel.diff() == pytest.approx(torch.full((80,), mel.diff().mean().item()), rel=1e-3)
    assert [edges[0].item(), edges[-1].item()] == pytest.approx([30, 7900], rel=1e-4)
    low, high = SincFilters().edges_hz()
    assert (low >= 50).all()
    assert (high - low > 50).all()
    assert high.max() == RATE_HZ / 2


def test_a_recording_is_decided_by_the_mean_of_its_windows_posteriors() -> None:
    torch.manual_seed(0)
    model = SincNet(Sincnet(hop_s=0.05), 3)
    sound = torch.randn(2, WINDOW + 3 * 800 + 700)
    likely = model.posteriors(sound)
    assert likely.shape == (2, 4, 3)
    assert likely.sum(2) == pytest.approx(torch.ones(2, 4), abs=1e-5)
    third = sound[1, 1600 : 1600 + WINDOW][None]
    alone = model.networks["speaker"](model.networks["encoder"](third)).softmax(1)
    assert likely[1, 2] == pytest.approx(alone.detach()[0], abs=1e-4)
    split = torch.tensor([[[0.5, 0.3, 0.2], [0.0, 0.5, 0.5], [0.5, 0.3, 0.2]]])
    # Most windows say 0, but all together 1.
    assert model.decided(split).tolist() == [[1, 0, 2]]


def test_a_recording_of_many_windows_is_gone_through_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def encoder(windows: torch.Tensor) -> torch.Tensor:
        calls.append(len(windows))
        return windows[:, :2]

    monkeypatch.setattr("voiceface.models.sincnet.AT_A_TIME", 6)
    sound = torch.arange(5 * 4800.0).reshape(5, 4800)
    found = of_windows(encoder, sound, 0.05)  # type: ignore[arg-type]
    assert calls == [6, 6, 3]
    calls.clear()
    assert of_windows(encoder, sound[:1], 0.01).shape == (1, 11, 2)  # type: ignore[arg-type]
    assert calls == [6, 5]  # also where one recording has more
    assert found[4, 2].tolist() == [4 * 4800 + 1600, 4 * 4800 + 1601]


def test_windows_that_are_filtered_in_parts_are_heard_as_all_together() -> None:
    encoder = SincEncoder().eval()
    windows = torch.randn(FILTERED_AT_A_TIME + 3, WINDOW)
    together = encoder(windows).detach()  # as it learns: with gradients, all at once
    with torch.no_grad():
        assert encoder(windows) == pytest.approx(together, abs=1e-5)
