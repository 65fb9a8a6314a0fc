"""The settings of the trainer and of every model; as in config.py."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from voiceface.section import (
    AtLeastOne,
    Crop,
    CropFrames,
    Fraction,
    NonNegative,
    Positive,
    Section,
    Seed,
)

Precision = Literal["fp32", "bf16"]


class Train(Section):
    """The trainer, whatever the model."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train: auto takes CUDA where there is one."""
    devices: AtLeastOne = 1
    """Devices to train on at a time, each with its share of the batch (on a CPU: processes)."""
    seed: Seed = 0
    """Of the weights, the draws and the augmentation."""
    precision: Precision = "fp32"
    """Of the forward and backward pass: bf16 is autocast."""
    compile: bool = False
    """torch.compile the networks: faster steps after a slow start."""
    cuda_graphs: bool = True
    """On a GPU, record each kind of step and replay it: small steps are then no slower than the GPU
    itself. Of no meaning on a CPU or on several devices."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the moving average of the weights, which is what is kept; 0 is none. At the start it
    is shorter, (1 + step) / (10 + step), so that it does not keep the first weights."""
    accumulate: AtLeastOne = 1
    """Parts that a batch is gone through in, one after the other, where memory is short. What all
    of them have drawn is kept until the last loss: in 4 parts wav2pix keeps two thirds, and acgan
    half, of what it keeps for the backward pass in one, not a quarter."""
    babble_snr_db: float | None = None
    """Mix others of the split, who talk at the same time, into each voice that is learnt from, at
    this signal-to-noise ratio in dB; null: none."""
    most_data_gib: NonNegative = 16.0
    """Training data that takes more than this on the device, in GiB, stays on the disk, and batches
    are read ahead."""
    budget_s: Positive | None = None
    """Stop training after so long, in seconds; null: after the model's steps alone."""
    stop_metric: str | None = None
    """Stop early when this one of the logged metrics no longer gets better, as accuracy/voice (more
    is better; of all that are no accuracy, less); null: never."""
    stop_patience: AtLeastOne = 50
    """Logged means of that metric without a new best after which training stops."""
    checkpoint_every_s: NonNegative = 60.0
    """Write a checkpoint this often, in seconds, when losses are logged."""
    grid_every: AtLeastOne = 100
    """Draw the fixed voices for TensorBoard every N steps."""
    log_every: AtLeastOne = 10
    """Log the losses' means every N steps."""


class TrainedSection(Section):
    """What the trainer needs to know of whatever it trains."""

    rate_hz: ClassVar[int | None] = None
    """The sample rate that it takes, which is no setting; None: any."""
    steps: AtLeastOne = 900
    """Training steps (Wav2Pix's code: 200 epochs of 24 k pairs at batch 64, 75,000 steps)."""
    batch: Annotated[int, Field(ge=2)] = 8
    """Pairs in a step (Wav2Pix's code: 64)."""


class RecogniserSection(TrainedSection):
    """What the trainer needs to know of every recogniser: of what learns to tell speakers apart."""


class ModelSection(TrainedSection):
    """What the trainer needs to know of every model."""

    px: Literal[64, 128] = 64
    """Width and height of the drawn face, in pixels."""
    flip: bool = True
    """Mirror the faces at random."""
    pairing: Literal["paired", "identity"] = "paired"
    """Faces to train on: the one beside the sound, or any of the same speaker's (Wen et al.)."""

    @property
    def begins_with(self) -> str | None:
        """The recogniser that is trained before, and whose encoder it takes; None: none of ours."""
        return None


class EmbeddingSection(ModelSection):
    """What the trainer needs to know of a model that begins with a trained voice embedding."""

    embedding: str | None = None
    """Path of a trained voice embedding (safetensors); null: that of our own recogniser."""


class Wav2pix(ModelSection):
    """Wav2Pix (Duarte et al., ICASSP 2019). The defaults suit the demo; see workflow/paper.yaml."""

    input_samples: AtLeastOne = 16_384
    """Length of the sound that a face is drawn from, in samples (the paper: 16,384)."""
    variant: Literal["paper", "code"] = "paper"
    """Layers as in the paper, or as in the authors' code where that differs."""
    encoder_batch_norm: bool = True
    """BatchNorm in the speech encoder (the paper names none; its code has it). Without it the
    voices are told apart several times later."""
    lr_generator: Positive = 1e-4
    """Adam's learning rate of the generator and of the speech encoder (the paper: 1e-4)."""
    lr_discriminator: Positive = 4e-4
    """Adam's learning rate of the discriminator (the paper: 4e-4)."""
    betas: tuple[Fraction, Fraction] = (0.5, 0.999)
    """Adam's momenta (the paper's code)."""
    identity_weight: NonNegative = 20.0
    """Weight of the auxiliary identity classification (the paper's code: 20)."""
    l1_weight: NonNegative = 50.0
    """Weight of the pixels' mean absolute error (the paper: 0; its code: 50)."""
    feature_matching_weight: NonNegative = 0.0
    """Weight of matching the discriminator's mean features (the paper: 0; its code: 100)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Dropout of the generator, kept on when it draws (the paper names no rate; its code: 0.5)."""


class Voice(RecogniserSection):
    """Speaker recognition, by which the voice embedding of acgan is trained first."""

    rate_hz = 16_000
    steps: AtLeastOne = 600
    """Training steps."""
    batch: Annotated[int, Field(ge=2)] = 32
    """Voices in a step."""
    variant: Literal["paper", "code"] = "paper"
    """The embedding's last layer: with BatchNorm and ReLU, or a bias; as in acgan.variant."""
    crop_s: Crop = (3.0, 8.0)
    """Least and greatest length of the sound that it learns from, in seconds."""
    lr: Positive = 1e-3
    """Adam's learning rate."""


class Sincnet(RecogniserSection):
    """SincNet (Ravanelli and Bengio, SLT 2018): speaker recognition from the raw waveform. The
    defaults suit the demo; see workflow/paper.yaml."""

    rate_hz = 16_000
    steps: AtLeastOne = 400
    """Training steps (the authors' code: 288,000)."""
    batch: Annotated[int, Field(ge=2)] = 32
    """Windows of 200 ms in a step (the authors' code: 128)."""
    lr: Positive = 1e-3
    """RMSprop's learning rate (the paper: 1e-3)."""
    hop_s: Annotated[float, Field(ge=0.001, le=1)] = 0.01
    """How far apart the windows of a recording are by which it is decided, in seconds (the paper:
    0.01)."""


class Acgan(EmbeddingSection):
    """AC-GAN (Wen, Singh and Raj, NeurIPS 2019). The defaults suit the demo; see
    workflow/paper.yaml."""

    rate_hz = 16_000
    px: Literal[64] = 64
    """Width and height of the drawn face, in pixels."""
    steps: AtLeastOne = 900
    """Training steps (the paper: 100,000; its code: 50,000)."""
    batch: Annotated[int, Field(ge=2)] = 32
    """Pairs in a step (the paper: 128)."""
    pairing: Literal["paired", "identity"] = "identity"
    """Faces to train on: the one beside the sound, or any of the same speaker's (the paper)."""
    variant: Literal["paper", "code"] = "paper"
    """Layers as in the paper, or as in the authors' code where that differs."""
    crop_s: Crop = (3.0, 8.0)
    """Least and greatest length of the sound that it learns from, in seconds. Where that is longer
    than a segment, the next ones of the same video are joined to it."""
    lr: Positive = 2e-4
    """Adam's learning rate (the paper: 2e-4)."""
    betas: tuple[Fraction, Fraction] = (0.5, 0.999)
    """Adam's momenta (the paper)."""

    @property
    def begins_with(self) -> str | None:
        """The recogniser that is trained before, and whose encoder it takes; None: none of ours."""
        return None if self.embedding else "voice"


class Vnet(RecogniserSection):
    """Speaker recognition, by which the V-net of fegan is trained first."""

    steps: AtLeastOne = 300
    """Training steps."""
    batch: Annotated[int, Field(ge=2)] = 32
    """Voices in a step (the paper: 64)."""
    variant: Literal["paper", "code"] = "paper"
    """The embedding's layers; as in fegan.variant."""
    front_end: Literal["fbank", "mfcc", "spectrogram"] = "fbank"
    """What is made of the sound: 64 log-mel bands, 13 cepstral coefficients, or 128 linear bands;
    as in fegan.front_end."""
    crop_frames: CropFrames = (300, 800)
    """Least and greatest length of the sound that it learns from, in frames of 16 ms (the paper);
    the sound is repeated until it is long enough."""
    lr: Positive = 0.03
    """SGD's learning rate (the paper: 0.03)."""
    halve_every: Positive = 100.0
    """The learning rate is halved after every so many epochs (the paper: 100)."""


class Fegan(EmbeddingSection):
    """FE-GAN (Fang et al. 2021). The defaults suit the demo; see workflow/paper.yaml."""

    steps: AtLeastOne = 900
    """Training steps."""
    batch: Annotated[int, Field(ge=2)] = 16
    """Pairs in a step (the paper: 64)."""
    pairing: Literal["paired"] = "paired"
    """Faces to train on: the one beside the sound, whose emotion is that of the sound."""
    variant: Literal["paper", "code"] = "paper"
    """Layers and losses as in the paper, or as in the authors' code where that differs."""
    front_end: Literal["fbank", "mfcc", "spectrogram"] = "fbank"
    """What is made of the sound: 64 log-mel bands (the paper's best), 13 cepstral coefficients (its
    code), or 128 linear bands."""
    crop_frames: CropFrames = (300, 800)
    """Least and greatest length of the sound that it learns from, in frames of 16 ms (the paper);
    the sound is repeated until it is long enough."""
    without: tuple[Literal["c1", "c2", "d1", "d2"], ...] = ()
    """Components to leave out, as in the paper's ablation: c1, d1 tell identities, c2, d2 emotions;
    c is a classifier, d a discriminator."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Dropout of the generator while it learns (the paper names no rate; its code: 0.25)."""
    lr: Positive = 2e-4
    """Adam's learning rate (the paper: 2e-4)."""
    betas: tuple[Fraction, Fraction] = (0.5, 0.999)
    """Adam's momenta (its code)."""

    @property
    def begins_with(self) -> str | None:
        """The recogniser that is trained before, and whose encoder it takes; None: none of ours."""
        return None if self.embedding else "vnet"


class Speech2face(Acgan):
    """Speech2Face, a student system: as acgan, for all or for one gender."""

    gender: Literal["all", "female", "male"] = "all"
    """Whose voices and faces it is for, by the gender in sources.csv: its general, female and male
    models."""
    crop_s: Crop = (10.0, 10.0)
    """Least and greatest length of the sound that it learns from, in seconds: the sound is repeated
    until it is so long (the system: 10)."""


class Mapping(EmbeddingSection):
    """A voice mapped into the space of face descriptors, and a face drawn from there. The defaults
    suit the demo; see workflow/paper.yaml."""

    rate_hz = 16_000
    px: Literal[64] = 64
    """Width and height of the drawn face, in pixels."""
    steps: AtLeastOne = 400
    """Training steps."""
    batch: Annotated[int, Field(ge=2)] = 16
    """Pairs in a step."""
    recogniser: Literal["sincnet", "voice"] = "sincnet"
    """Whose voice embedding is mapped (that of `voice` with voice.variant paper)."""
    crop_s: Crop = (1.0, 1.0)
    """Least and greatest length of the sound that it learns from, in seconds."""
    hop_s: Annotated[float, Field(ge=0.001, le=1)] = 0.2
    """How far apart SincNet's windows are whose mean is mapped, in seconds."""
    identity: Literal["early", "late"] = "late"
    """Where speakers are to be told apart: on the mapping's first layer, or on the descriptor."""
    angle_weight: NonNegative = 10.0
    """Weight of the angle between the mapped and the true descriptor (the source: 10)."""
    speaker_weight: NonNegative = 5.0
    """Weight of the softmax cross-entropy of the speakers (the source: 5)."""
    gw_weight: NonNegative = 1.0
    """Weight of the Gromov-Wasserstein divergence of mapped and true descriptors; 0 is none."""
    gw_epsilon: Positive = 0.005
    """Weight of the entropy of its coupling; the greater, the more even that is (at 0.05 it no
    longer tells faces apart in a batch of 64)."""
    lr: Positive = 1e-3
    """Adam's learning rate of the mapping."""
    lr_decoder: Positive = 1e-3
    """Adam's learning rate of the decoder."""

    @property
    def begins_with(self) -> str | None:
        """The recogniser that is trained before, and whose encoder it takes; None: none of ours."""
        return None if self.embedding else self.recogniser


class Modern(EmbeddingSection):
    """What the published models are measured against: a GAN of today. No paper has these values."""

    rate_hz = 16_000
    px: Literal[64] = 64
    """Width and height of the drawn face, in pixels."""
    steps: AtLeastOne = 900
    """Training steps."""
    batch: Annotated[int, Field(ge=2)] = 32
    """Pairs in a step."""
    pairing: Literal["paired", "identity"] = "identity"
    """Faces to train on: the one beside the sound, or any of the same speaker's."""
    crop_s: Crop = (3.0, 8.0)
    """Least and greatest length of the sound that it learns from, in seconds."""
    lr: Positive = 1e-3
    """Adam's learning rate."""
    betas: tuple[Fraction, Fraction] = (0.0, 0.99)
    """Adam's momenta (R3GAN: no first one)."""
    gamma: NonNegative = 1.0
    """Weight of the gradient penalties (R3GAN: 1 and more, with the square of the size)."""
    penalty_share: Fraction = 0.25
    """Share of a batch that the penalties are taken on."""
    wrong_weight: NonNegative = 1.0
    """Weight of telling a voice's real face from somebody else's."""

    @property
    def begins_with(self) -> str | None:
        """The recogniser that is trained before, and whose encoder it takes; None: none of ours."""
        return None if self.embedding else "voice"


def wrong_embedding(
    name: str, model: ModelSection, encoder: ModelSection | RecogniserSection
) -> str:
    """What keeps a model from beginning with a recogniser's embedding; empty where nothing does.

    Args:
        encoder: the recogniser's section; the model's own where it begins with none of ours.
    """
    for key in ("variant", "front_end"):
        ours, theirs = getattr(model, key, None), getattr(encoder, key, None)
        if ours != theirs and None not in (ours, theirs):
            return (
                f"{name}.{key} is {ours}, but {model.begins_with}.{key} is {theirs}, and it"
                " begins with that embedding; set both alike"
            )
        if model.begins_with == "voice" and ours is None and theirs not in (None, "paper"):
            return f"voice.{key} is {theirs}, but {name} begins with that of paper; set that"
    return ""
