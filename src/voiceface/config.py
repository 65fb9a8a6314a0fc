"""Every setting: its type, its range, its default and what it means.

`config.yaml` holds the same keys with the same values (a test keeps them equal), one section per
stage (those of the trainer and of the models are in model_config.py);
`workflow/schemas/config.schema.json` is made from `Settings`.
"""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from voiceface.layout import CONFIG
from voiceface.model_config import (
    Acgan,
    Fegan,
    Mapping,
    ModelSection,
    Modern,
    Precision,
    RecogniserSection,
    Sincnet,
    Speech2face,
    Train,
    Vnet,
    Voice,
    Wav2pix,
    wrong_embedding,
)
from voiceface.section import (
    AtLeastOne,
    Count,
    Fraction,
    NonNegative,
    Positive,
    Section,
    Seed,
    parse_section,
    read_yaml,
)


class Resolve(Section):
    """Sources into a frozen list of videos."""

    newest_per_channel: AtLeastOne | None = 15
    """Take the newest N videos of a channel or playlist (the paper: 15); null takes all."""
    local_roots: list[str] = ["."]
    """Folders that local sources must lie in, relative to the project."""
    file_types: list[str] = [
        *("avi", "flv", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ts", "webm"),
        *("aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav"),
    ]
    """Endings of the files that are taken as videos or as sound from a local folder."""
    require_licence: list[str] = []
    """Keep out all whose `licence` in sources.csv is none of these, whatever the case; an empty
    list lets all in."""
    shard: Annotated[str, Field(pattern=r"^([1-9][0-9]*/[1-9][0-9]*)?$")] = ""
    """As in `3/100`: of all people, by a digest of their labels, only the third of a hundred parts;
    empty: all. For a project too large for one machine, see docs/scale.md."""
    socket_timeout_s: Positive = 30.0
    """Give up on a connection that is silent for this long, in seconds."""
    cookies_file: str | None = None
    """Cookies in Netscape format, for lists that need a login."""
    proxy: str | None = None
    """Proxy, as in `socks5://127.0.0.1:1080`."""


class Download(Section):
    """Fetching the videos, with yt-dlp."""

    format: str = "bv*[height<=720]+ba/b[height<=720]/bv*+ba/b"
    """yt-dlp's format selection: at most 720p video and the best sound, else what there is.
    For videos fetched from then on: to fetch one again, delete its data/download/<video>.json."""
    retries: Count = 5
    """Tries again after a failure that may pass."""
    backoff_s: NonNegative = 2.0
    """Wait before the first new try, in seconds; doubled for each further one."""
    socket_timeout_s: Positive = 30.0
    """Give up on a connection that is silent for this long, in seconds."""
    rate_limit_kib_s: Positive | None = None
    """Download at most this fast, in KiB per second; null is no limit."""
    sleep_s: NonNegative = 0.0
    """Wait before each download, in seconds, to be gentle to the site."""
    cookies_file: str | None = None
    """Cookies in Netscape format, for videos that need a login."""
    proxy: str | None = None
    """Proxy, as in `socks5://127.0.0.1:1080`."""
    archive: str | None = None
    """yt-dlp's archive file: what stands in it is not fetched again; what is fetched is added."""
    max_lost_fraction: Fraction = 0.2
    """Stop the build when more than this share of the videos could not be had."""


class Speech(Section):
    """Voiced segments of the sound."""

    sample_rate_hz: Literal[8000, 16000, 32000, 48000] = 16000
    """Sample rate of the stored sound (the rates that webrtcvad knows)."""
    segment_s: Positive = 4.0
    """Length of a segment, in seconds (the paper: 4)."""
    chunk_s: Positive = 1.0
    """Length of a chunk, in seconds (the paper: 1)."""
    vad_mode: Literal[0, 1, 2, 3] = 2
    """webrtcvad's aggressiveness."""
    vad_frame_ms: Literal[10, 20, 30] = 30
    """webrtcvad's frame, in milliseconds."""
    min_voiced: Fraction = 0.8
    """Least share of voiced frames in a segment."""
    max_voice_change: NonNegative = 1.3
    """Gain of taking a stretch for two voices in turn above which no segment is cut across them."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if not self.vad_frame_ms / 1000 <= self.chunk_s <= self.segment_s:
            raise ValueError(
                f"chunk_s must be from vad_frame_ms ({self.vad_frame_ms} ms) to segment_s"
                f" ({self.segment_s:g} s), not {self.chunk_s:g} s"
            )
        return self


class Faces(Section):
    """One good frame of each segment, and the face in it."""

    size: Annotated[int, Field(ge=32, le=1024)] = 128
    """Width and height of the face crop, in pixels."""
    margin: Fraction = 0.35
    """Room around the landmarks' mean shape, as a share of the crop's width."""
    detect_width: Annotated[int, Field(ge=80, le=4096)] = 320
    """Width at which the HOG detector looks first, in pixels."""
    upsample_on_miss: Literal[0, 1, 2] = 1
    """Doublings of that width when no face was found."""
    frames_per_segment: AtLeastOne = 2
    """Frames of each segment in which faces are searched for, at least; the best is taken of these
    and of the frames that follow them, in which the face is followed."""
    descriptor: bool = True
    """Compute dlib's 128-d face descriptor (4 ms of CPU each)."""
    per_segment: Annotated[int, Field(ge=1, le=8)] = 1
    """Faces to keep of each segment, at least 0.5 s apart; each is a sample of its own."""


class Samples(Section):
    """Segment × face, and the thresholds that flag a sample. No threshold decodes a video again."""

    max_faces: AtLeastOne = 1
    """Most faces that may be seen at a time: `several_faces`."""
    max_face_change: NonNegative = 0.55
    """Greatest descriptor distance between the faces seen in a segment: `face_changes`."""
    max_other_mouth: NonNegative = 1.0
    """Greatest motion of another face's mouth, as a multiple of the main one's: `other_talks`."""
    min_face_px: NonNegative = 48.0
    """Least height of the detected face, in source pixels: `small_face`."""
    min_sharpness: NonNegative = 15.0
    """Least variance of the Laplacian of the crop's grey levels: `blurred`."""
    min_brightness: NonNegative = 35.0
    """Least mean grey level (0 to 255) of the face: `dark`."""
    max_brightness: NonNegative = 200.0
    """Greatest mean grey level of the face: `overexposed`."""
    max_yaw_deg: NonNegative = 50.0
    """Greatest turn to a side, in degrees: `turned`."""
    max_pitch_deg: NonNegative = 30.0
    """Greatest nod, in degrees: `turned`."""
    max_roll_deg: NonNegative = 30.0
    """Greatest tilt, in degrees: `turned`."""
    max_outside: Fraction = 0.1
    """Greatest share of the crop that lies outside of the picture: `cut_off`."""
    max_occlusion: Fraction = 0.15
    """Greatest share of the face that is unlike what is usual in the video: `occluded`."""
    min_detector_score: float = -0.2
    """Least score of dlib's detector: `uncertain_face`."""
    min_motion: NonNegative = 0.02
    """Least mean change between two near frames, in grey levels (0 to 255): `still_picture`."""
    min_lip_sync: Annotated[float, Field(ge=-1, le=1)] | None = 0.3
    """Least correlation of the mouth's opening with the loudness: `dubbed`. It counts only in
    videos where it tells: those whose usual one is over `usual_lip_sync`. null: never."""
    usual_lip_sync: Annotated[float, Field(ge=-1, le=1)] = 0.68
    """Median of a video's correlations from which on a low one is out of the usual."""
    min_mouth_share: Fraction = 0.25
    """Least motion of the mouth, as a share of the video's median: `dubbed`, it is shut."""
    min_speech: Fraction = 0.5
    """Least mean probability of speech by Silero's detector: `not_speech`."""
    min_snr_db: float = 10.5
    """Least estimated signal-to-noise ratio, in dB: `noise_or_music`."""
    max_second_voice: Fraction = 0.008
    """Greatest share of the frames in which a second voice is heard: `second_voice`."""
    max_voice_change: NonNegative = 1.4
    """Greatest gain of taking the segment for two voices in turn: `voice_changes`."""
    max_voice_distance: NonNegative | None = 1.8
    """Greatest distance to the voice that is usual in the video: `other_voice`. null: any."""
    min_loudness_db: float = -55.0
    """Least loudness of the quietest half second of speech, in dB of full scale: `quiet`."""
    max_clipped: Fraction = 0.001
    """Greatest share of clipped samples in a second: `clipped`."""


class Gather(Section):
    """All samples together: whose face it is, what is there twice, which face goes with a sound."""

    max_identity_distance: Positive | None = 0.45
    """Greatest descriptor distance to the speaker's usual face: `wrong_person`, as is a face that
    belongs to a crowd of somebody else's; null: no check."""
    same_person_distance: Positive | None = 0.35
    """Two speaker labels whose usual faces are nearer than this are reported as one person, and
    both or neither are unseen (on real videos: one man 0.16 to 0.37, two people from 0.38 on);
    null: not looked for."""
    duplicate_sound_errors: Annotated[float, Field(ge=0, le=0.18)] | None = 0.12
    """A sample that shares 1.6 s of sound with an earlier one, but for at most this share of its
    fingerprint's bits, is a `duplicate` (re-uploads, intros, jingles); null: no such check."""
    duplicate_face_bits: Annotated[int, Field(ge=0, le=7)] | None = 3
    """So is one whose face is that of an earlier sample of another video, but for at most so many
    of the 256 bits of its print (a new encoding: 2 to 10; another picture of the same person: 17
    or more in real videos, mostly 5 or more in the demo world); null: no such check."""
    pair_by_identity: bool = False
    """Sound without a picture gets a face of the same speaker also from videos; otherwise only
    from pictures without sound."""
    pair_seed: Seed = 0
    """Of the draw of those faces."""


class Manifest(Section):
    """All samples, joined with the curators' marks."""

    require_review: bool = False
    """Keep only what a curator kept; otherwise unmarked samples without a flag are kept too."""
    dispute_policy: Literal["unanimous", "majority", "adjudicator"] = "unanimous"
    """What holds where curators differ: unanimous, nothing until all agree; majority, what more
    than half of them say; adjudicator, what the adjudicators say, else as unanimous."""
    adjudicators: list[str] = []
    """Curators whose word goes before the others' under `adjudicator`."""


class Review(Section):
    """The review page, and the second look at a share of the samples."""

    must_hear: bool = True
    """Take a keep of a single sample only after its sound was heard to the end."""
    page_size: Annotated[int, Field(ge=1, le=24)] = 24
    """Faces on a page of the grid."""
    lease_s: Positive = 120.0
    """What a curator has on screen is offered to no other one for so long, in seconds."""
    second_share: Fraction = 0.05
    """Share of the samples that two curators mark without seeing each other's mark."""
    second_seed: Seed = 0
    """Of the draw of that share."""
    max_error: Fraction = 0.05
    """Propose to keep pages of samples when surely at most this share of them is wrong: by the
    upper end of the 95 % interval that marked samples as sure give."""
    audit_size: Count = 200
    """Samples of the random audit of what nobody looked at."""
    audit_seed: Seed = 0
    """Of the draw of the audit."""


class Dataset(Section):
    """The kept samples, and their splits."""

    test_fraction: Fraction = 0.25
    """Share of each known speaker's videos for the test on unheard speech (at least one of two)."""
    unseen_fraction: Fraction = 0.15
    """Share of the speakers for the test on unseen people."""
    noisy_train: bool = False
    """Train on flagged samples, too (the paper's noisy data); the tests stay clean."""
    seed: Seed = 0
    """Of the draw of the splits."""


class Evaluate(Section):
    """The metrics."""

    voices_per_split: AtLeastOne = 100
    """Voices to draw a face from in each split, at most."""
    seconds: tuple[Annotated[float, Field(ge=0.1)], ...] = (1.0, 2.0, 3.0, 5.0, 10.0)
    """Lengths of speech to draw from, in seconds: the metrics are told of each that at least half
    of the voices have, on the same voices."""
    babble_snr_db: tuple[float, ...] = ()
    """Signal-to-noise ratios, in dB, at which faces are drawn with others of the split talking in
    the background, too (Fang et al.: 1, 5, 10, 25); empty: none."""
    classifier_steps: AtLeastOne = 150
    """Training steps of the classifiers of identity, of gender and of emotion."""
    vgg_face_weights: str | None = None
    """Path of VGG-Face weights to fine-tune for identity, as in the paper; null: a built-in one."""
    inception_weights: str | None = None
    """Path of Inception as TorchScript (`inception-2015-12-05.pt`), for FID, KID and the Inception
    score; null: none of them."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to evaluate."""
    precision: Precision = "fp32"
    """Of the drawing: bf16 is twice as fast on processors that know it, for a grey level or two."""
    seed: Seed = 0
    """Of the draws."""


class Report(Section):
    """The report's pictures."""

    contact_sheet: Count = 48
    """Samples on each contact sheet, at most."""


class Experiments(Section):
    """What is compared when it is asked for by name, as in `snakemake compare`."""

    file: str = "workflow/experiments.yaml"
    """The experiments."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2)
    """Seeds that each cell of an experiment is trained with, where it names none of its own."""


class Settings(Section):
    """The whole configuration: one section per stage."""

    models: list[Literal["acgan", "fegan", "mapping", "modern", "speech2face", "wav2pix"]] = [
        "wav2pix"
    ]
    """Models to train and to evaluate."""
    recognisers: list[Literal["sincnet", "vnet", "voice"]] = []
    """Recognisers of speakers to train even where none of these models begins with them."""
    resolve: Resolve = Resolve()
    download: Download = Download()
    speech: Speech = Speech()
    faces: Faces = Faces()
    samples: Samples = Samples()
    gather: Gather = Gather()
    manifest: Manifest = Manifest()
    review: Review = Review()
    dataset: Dataset = Dataset()
    train: Train = Train()
    wav2pix: Wav2pix = Wav2pix()
    voice: Voice = Voice()
    sincnet: Sincnet = Sincnet()
    acgan: Acgan = Acgan()
    vnet: Vnet = Vnet()
    fegan: Fegan = Fegan()
    speech2face: Speech2face = Speech2face()
    mapping: Mapping = Mapping()
    modern: Modern = Modern()
    evaluate: Evaluate = Evaluate()
    experiments: Experiments = Experiments()
    report: Report = Report()

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        for name in [*self.models, *self.recognisers]:
            wanted = getattr(self, name).rate_hz
            if wanted not in (None, self.speech.sample_rate_hz):
                raise ValueError(
                    f"{name} takes sound at {wanted} Hz, but speech.sample_rate_hz is"
                    f" {self.speech.sample_rate_hz}; set that, or do not ask for {name}"
                )
        for name in self.models:
            if wrong := self.wrong_embedding(name):
                raise ValueError(wrong)
        return self

    def wrong_embedding(self, name: str) -> str:
        """What is wrong with the embedding that a model begins with; empty where nothing is."""
        model = getattr(self, name)
        return wrong_embedding(name, model, getattr(self, model.begins_with or name))


_CONNECTION = ("socket_timeout_s", "cookies_file", "proxy")
"""What `resolve` needs to reach the sites."""


def model_sections() -> list[str]:
    """The sections that are of a model: the names of all models."""
    return _sections_of(ModelSection)


def recogniser_sections() -> list[str]:
    """The sections that are of a recogniser: the names of all recognisers."""
    return _sections_of(RecogniserSection)


def _sections_of(base: type[Section]) -> list[str]:
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    return [
        name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, base)
    ]


def load_settings(path: Path = CONFIG) -> Settings:
    """Read and check `config.yaml`.

    Raises:
        VoicefaceError: the file is missing, is not YAML, or holds a wrong key or value.
    """
    values = read_yaml(path)
    return parse_section(Settings, values, str(path))


def result_settings(settings: Settings) -> str:
    """The settings that results depend on, as JSON, for the report.

    Without those of the connections: they change no result, and may hold passwords.
    """
    values = settings.model_dump(mode="json")
    values["download"] = {"format": settings.download.format}
    for name in _CONNECTION:
        del values["resolve"][name]
    return json.dumps(values, sort_keys=True)


def settings_schema() -> str:
    """JSON Schema of the configuration: `workflow/schemas/config.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**schema, **Settings.model_json_schema()}, indent=2) + "\n"
