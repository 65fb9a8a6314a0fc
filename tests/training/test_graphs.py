"""A step that a GPU replays is the step as it was written. Needs a GPU; nothing else here does."""

from functools import partial

import pytest
import torch
from torch import Tensor

from tests.builders import packed_dataset
from voiceface.data.packed import Packed, read_packed
from voiceface.model_config import (
    Acgan,
    Fegan,
    Mapping,
    ModelSection,
    Modern,
    Sincnet,
    Speech2face,
    Train,
    TrainedSection,
    Vnet,
    Voice,
    Wav2pix,
)
from voiceface.models import registry
from voiceface.training.distributed import Workers
from voiceface.training.run import Run

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

STEPS = 4
CROP = {"batch": 4, "crop_s": (2.0, 2.0)}
SECTIONS: dict[str, TrainedSection] = {
    "wav2pix": Wav2pix(batch=4),
    "acgan": Acgan(**CROP),
    "speech2face": Speech2face(batch=4),
    "fegan": Fegan(batch=4, crop_frames=(300, 300)),
    "mapping": Mapping(batch=4),
    "modern": Modern(**CROP),
    "voice": Voice(**CROP),
    "vnet": Vnet(batch=4, crop_frames=(300, 300)),
    "sincnet": Sincnet(batch=4),
}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    folder = packed_dataset(tmp_path_factory.mktemp("packed"), emotions=("calm", "happy"))
    return read_packed(folder / "train")


def _run(name: str, packed: Packed, *, graphs: bool, most_gib: float = 16.0) -> Run:
    section, known = SECTIONS[name], registry.known_of(packed)
    is_model = isinstance(section, ModelSection)
    entry = registry.entry(name) if is_model else registry.recogniser(name)
    torch.backends.cudnn.deterministic = True
    config = Train(device="cuda", cuda_graphs=graphs, ema=0.9, most_data_gib=most_gib)
    build = partial(entry.fresh, section, known=known)  # type: ignore[arg-type]
    return Run(config, section, packed, Workers(torch.device("cuda")), build)


def _weights(run: Run) -> Tensor:
    """All that is kept, in a row."""
    parts = run.result().values()
    return torch.cat([value.double().flatten() for part in parts for value in part.values()])


@pytest.mark.parametrize("name", SECTIONS)
def test_replayed_steps_do_what_plain_ones_do(name: str, packed: Packed) -> None:
    weights, losses = [], []
    for graphs in (False, True):
        run = _run(name, packed, graphs=graphs)
        told = [[v.item() for v in run.advance().values()] for _ in range(STEPS)]
        losses.append(torch.tensor(told))
        weights.append(_weights(run))
    # What adds up in no fixed order on a GPU, as a gradient by place does, differs by a little.
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-2, atol=1e-2)
    assert (weights[1] - weights[0]).norm() < 1e-3 * weights[0].norm()


def test_steps_are_recorded_while_the_next_batch_is_read_from_the_disk(packed: Packed) -> None:
    held, mapped = (_run("wav2pix", packed, graphs=True, most_gib=gib) for gib in (16.0, 0.0))
    assert mapped.batches.store.ahead
    for run in (held, mapped):
        torch.manual_seed(1)
        for _ in range(2 * STEPS):
            run.advance()
    wanted, found = _weights(held), _weights(mapped)
    assert (found - wanted).norm() < 1e-3 * wanted.norm()


def test_a_replayed_run_goes_on_from_its_state(packed: Packed) -> None:
    whole, first, second = (_run("wav2pix", packed, graphs=True) for _ in range(3))
    torch.manual_seed(1)
    for _ in range(2 * STEPS):
        whole.advance()
    torch.manual_seed(1)
    for _ in range(STEPS):
        first.advance()
    random = torch.cuda.get_rng_state()
    second.load_state_dict(first.state_dict())
    torch.cuda.set_rng_state(random)
    for _ in range(STEPS):
        last = second.advance()
    assert second.step == whole.step
    for name, network in whole.model.networks.items():
        for one, other in zip(
            network.parameters(), second.model.networks[name].parameters(), strict=True
        ):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert all(torch.isfinite(value) for value in last.values())
