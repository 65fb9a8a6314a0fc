"""Training steps as the published repositories take them: what the trainer is measured against.

The networks, losses and optimisers are those of our models' `variant: code`; what differs is how a
step is computed. Each face goes through the discriminator in a pass of its own, with gradients for
all that it goes through; Wav2Pix draws anew for the generator's step; nothing is in channels-last
or fused.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from voiceface.data.batches import Batch
from voiceface.models.acgan import NOISE, AcGan
from voiceface.models.wav2pix import Wav2Pix

Step = Callable[[Batch], None]


def wav2pix_step(model: Wav2Pix) -> Step:
    """A step of Wav2Pix: LSGAN, 100 × feature matching, 50 × L1, 20 × identity."""
    encode, draw, judge, classify = (
        model.networks[name] for name in ("encoder", "generator", "discriminator", "classifier")
    )
    config = model.config
    ours = [*encode.parameters(), *draw.parameters(), *classify.parameters()]
    generator = torch.optim.Adam(ours, config.lr_generator, config.betas)
    discriminator = torch.optim.Adam(judge.parameters(), config.lr_discriminator, config.betas)

    def step(batch: Batch) -> None:
        embedding = encode(batch.audio)
        condition = embedding.detach()
        discriminator.zero_grad()
        real, fake, wrong = (
            judge(faces, condition)[0] for faces in (batch.faces, draw(embedding), batch.wrong)
        )
        loss = ((real - 0.9).square() + fake.square() + wrong.square()).mean()
        loss.backward()
        discriminator.step()

        generator.zero_grad()
        embedding = encode(batch.audio)
        condition = embedding.detach()
        drawn = draw(embedding)
        score, features = judge(drawn, condition)
        _, true_features = judge(batch.faces, condition)
        gap = features.mean(0) - true_features.mean(0).detach()
        loss = (
            (score - 1).square().mean()
            + config.feature_matching_weight * gap.square().mean()
            + config.l1_weight * (drawn - batch.faces).abs().mean()
            + config.identity_weight * functional.cross_entropy(classify(embedding), batch.labels)
        )
        loss.backward()
        generator.step()

    return step


def acgan_step(model: AcGan) -> Step:
    """A step of AC-GAN: cross-entropies of real and drawn, and of the speaker."""
    encode, draw, judge = (
        model.networks[name] for name in ("encoder", "generator", "discriminator")
    )
    encode.requires_grad_(True).eval()  # frozen only in that no optimiser has it
    config = model.config
    generator = torch.optim.Adam(draw.parameters(), config.lr, config.betas)
    discriminator = torch.optim.Adam(judge.parameters(), config.lr, config.betas)

    def step(batch: Batch) -> None:
        embedding = functional.normalize(encode(batch.audio))
        moved = embedding + NOISE * torch.randn_like(embedding)
        drawn = draw(functional.normalize(moved))

        discriminator.zero_grad()
        loss = (
            _is(judge(batch.faces)[0], 1)
            + _is(judge(drawn.detach())[0], 0)
            + functional.cross_entropy(judge(batch.faces)[1], batch.labels)
        )
        loss.backward()
        discriminator.step()

        generator.zero_grad()
        loss = _is(judge(drawn)[0], 1) + functional.cross_entropy(judge(drawn)[1], batch.labels)
        loss.backward()
        generator.step()

    return step


def _is(scores: Tensor, target: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))
