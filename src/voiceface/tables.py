"""The schema of every table, each column with its meaning, unit and range.

Times are integer microseconds of the source's own presentation timestamps (PTS).
"""

import json

import pyarrow as pa


def _column(name: str, kind: pa.DataType, about: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"about": about})


# What Hugging Face `datasets` takes as an Image or Audio: exactly these two fields.
_MEDIA = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def _features(**kinds: str) -> dict[str, str]:
    features = {name: {"_type": kind} for name, kind in kinds.items()}
    return {"huggingface": json.dumps({"info": {"features": features}})}


_VIDEO = _column("video", pa.string(), "<extractor>-<id>, see ids.video_id")
_SEGMENT = [
    _VIDEO,
    _column("start_us", pa.int64(), "start of the segment, µs PTS"),
    _column("end_us", pa.int64(), "end of the segment, µs PTS"),
]
_SOUND_SCORES = [
    _column("voiced", pa.float32(), "share of voiced frames, 0 to 1"),
    _column("loudness_db", pa.float32(), "level of the quietest half second of speech, dB, ≤ 0"),
    _column("clipped", pa.float32(), "share of samples in flat tops, in the worst second, 0 to 1"),
    _column("snr_db", pa.float32(), "estimated signal-to-noise ratio, dB"),
    _column("speech", pa.float32(), "mean probability of speech by Silero's detector, 0 to 1"),
    _column("second_voice", pa.float32(), "share of frames with a second pitch, 0 to 1"),
    _column("voice_change", pa.float32(), "by how much two voices in turn explain it better, ≥ 0"),
]
_FACE_SCORES = [
    _column("faces", pa.int16(), "most faces found in one of the frames looked at"),
    _column("face_number", pa.int16(), "0 is the segment's best frame; see faces.per_segment"),
    _column("frame_us", pa.int64(), "PTS of the chosen frame, µs", nullable=True),
    _column("face_px", pa.float32(), "height of the detected face, source pixels", nullable=True),
    _column("detector_score", pa.float32(), "dlib HOG's score, > 0 is a face", nullable=True),
    _column("sharpness", pa.float32(), "variance of the crop's Laplacian, ≥ 0", nullable=True),
    _column("brightness", pa.float32(), "mean grey level of the face, 0 to 255", nullable=True),
    _column("yaw_deg", pa.float32(), "turn to a side, degrees, 0 is frontal", nullable=True),
    _column("pitch_deg", pa.float32(), "nod, degrees, 0 is frontal", nullable=True),
    _column("roll_deg", pa.float32(), "tilt, degrees, 0 is upright", nullable=True),
    _column("motion", pa.float32(), "mean change to a near frame, grey levels", nullable=True),
    _column("face_change", pa.float32(), "descriptor distance within the segment, ≥ 0", True),
    _column("frame_score", pa.float32(), "by which the frame was chosen, 0 to 1", nullable=True),
    _column("outside", pa.float32(), "share of the crop outside of the picture, 0 to 1", True),
    _column("occlusion", pa.float32(), "share of the face unlike this person's, 0 to 1", True),
    _column("mouth_motion", pa.float32(), "how much the mouth opens, see media.mouth", True),
    _column("lip_sync", pa.float32(), "agreement of mouth and sound, -1 to 1", nullable=True),
    _column("other_mouth_motion", pa.float32(), "of the other face that moves most", True),
    _column("face_print", pa.binary(32), "perceptual hash of the crop, 256 bit", nullable=True),
]

DOWNLOADS = pa.schema(
    [
        _VIDEO,
        _column("speaker", pa.string(), "label from sources.csv"),
        _column(
            "status", pa.string(), "ok, unavailable (for good), blocked (wants a login) or failed"
        ),
        _column("reason", pa.string(), "why it could not be had, one line; empty when ok"),
        _column("size", pa.int64(), "of the media file, bytes", nullable=True),
        _column("sha256", pa.string(), "hex digest of the media file", nullable=True),
        _column("format", pa.string(), "the container, in FFmpeg's words", nullable=True),
        _column("duration_us", pa.int64(), "length that the container states, µs", nullable=True),
        _column("width", pa.int32(), "picture as stored, pixels; null without one", nullable=True),
        _column("height", pa.int32(), "picture as stored, pixels", nullable=True),
        _column("fps", pa.float64(), "average frames per second", nullable=True),
        _column("video_codec", pa.string(), "as in h264; null without a picture", nullable=True),
        _column("audio_codec", pa.string(), "as in aac; null without sound", nullable=True),
        _column("pictures", pa.int32(), "of a folder of pictures; null for all else", True),
    ]
)
"""`data/downloads.parquet`: the outcome record of every listed video."""

SPEECH = pa.schema(
    [
        *_SEGMENT,
        *_SOUND_SCORES,
        _column("voice_print", pa.list_(pa.float32()), "32 numbers, see media.voice_print"),
        _column("audio_sha256", pa.string(), "hex digest of the segment's 16-bit PCM"),
        _column("audio_prints", pa.list_(pa.int64()), "digests of content-anchored short windows"),
        _column("audio_marks", pa.list_(pa.int32()), "robust fingerprint, 32 words a second"),
        _column("audio", _MEDIA, "FLAC, mono, 16 bit, speech.sample_rate_hz"),
    ],
    metadata=_features(audio="Audio"),
)
"""`data/speech/<video>.parquet`: one row per voiced segment."""

CHUNKS = pa.schema(
    [
        *_SEGMENT,
        _column("chunk", pa.int16(), "number of the chunk within its segment, from 0"),
        _column("chunk_start_us", pa.int64(), "start of the chunk, µs PTS"),
        _column("chunk_voiced", pa.float32(), "share of voiced frames of the chunk, 0 to 1"),
    ]
)
"""`data/chunks/<video>.parquet`: the segments' chunks (1 s each)."""

TIMELINE = pa.schema(
    [
        _VIDEO,
        _column("reason", pa.string(), "segment, or why that time is none: no_speech, too_short…"),
        _column("duration_us", pa.int64(), "time of the video that goes under this reason, µs"),
    ]
)
"""`data/timeline/<video>.parquet`: where each microsecond of the video went in the speech stage."""

FACES = pa.schema(
    [
        *_SEGMENT,
        *_FACE_SCORES,
        _column("landmarks", pa.list_(pa.float32()), "68 × (x, y) in the crop, pixels", True),
        _column("descriptor", pa.list_(pa.float32()), "dlib's 128-d face descriptor", True),
        _column("face_sha256", pa.string(), "hex digest of the crop's RGB pixels", nullable=True),
        _column("face", _MEDIA, "PNG, RGB, faces.size square", nullable=True),
    ],
    metadata=_features(face="Image"),
)
"""`data/faces/<video>.parquet`: a row for each segment of the speech table and face, in order of
both; a segment without a face has one row."""

SAMPLES = pa.schema(
    [
        _column("sample", pa.string(), "<video>_<start in ms>, see ids.sample_id"),
        *_SEGMENT,
        _column("content", pa.string(), "digest of face pixels and PCM; null without a face", True),
        *(field.with_nullable(True) for field in _SOUND_SCORES),
        _column("voice_distance", pa.float32(), "to the voice usual in the video, ≥ 0", True),
        *_FACE_SCORES,
        _column("audio_sha256", pa.string(), "hex digest of the segment's 16-bit PCM", True),
        _column("face_sha256", pa.string(), "hex digest of the crop's pixels", nullable=True),
        _column("audio_prints", pa.list_(pa.int64()), "as in the speech table", nullable=True),
        _column("audio_marks", pa.list_(pa.int32()), "as in the speech table", nullable=True),
        _column("descriptor", pa.list_(pa.float32()), "as in the faces table", nullable=True),
        _column(
            "flags", pa.list_(pa.string()), "every reason against it, worst first; [] is clean"
        ),
    ]
)
"""`data/samples/<video>.parquet`: one row per segment and face; no media. What has a picture and no
sound has a row for each face, all of sound null: see `voiceface.unpaired`."""

FINGERPRINTS = ("face_print", "audio_prints", "audio_marks", "descriptor")
"""Columns of the samples tables that stand in no table of all videos: they are most of what a
sample takes, and only needed where samples are compared. See `voiceface.fingerprints`."""

GATHERED = pa.schema(
    [
        *(field for field in SAMPLES if field.name not in FINGERPRINTS),
        _column("speaker", pa.string(), "label from sources.csv"),
        _column("gender", pa.string(), "from sources.csv; may be empty"),
        _column("language", pa.string(), "from sources.csv; may be empty"),
        _column("licence", pa.string(), "from sources.csv; may be empty"),
        _column("emotion", pa.string(), "of the segment, from sources.csv; may be empty"),
        _column("face_video", pa.string(), "where the face comes from: its own video, mostly"),
        _column("face_start_us", pa.int64(), "start of the face's row in the faces table, µs"),
        _column("identity_distance", pa.float32(), "descriptor distance to speaker's usual", True),
        _column("clean", pa.bool_(), "no flag"),
    ]
)
"""`data/gathered.parquet`: all samples, joined with sources. `flags` may have gained `wrong_person`
and `duplicate`, which take all videos to tell."""

MANIFEST = pa.schema(
    [
        *GATHERED,
        _column("review", pa.string(), "pending, keep, drop, unsure, stale or disputed"),
        _column("review_reason", pa.string(), "the curator's reason; may be empty"),
        _column("curator", pa.string(), "who decided; empty when pending or disputed"),
        _column("reviewed_at", pa.string(), "when, ISO 8601 UTC; empty as curator is"),
        _column("fate", pa.string(), "kept, or what it counts as in the funnel"),
    ]
)
"""`manifests/samples.parquet`: all samples, joined with the curators' marks."""

FUNNEL = pa.schema(
    [
        _column("speaker", pa.string(), "label from sources.csv"),
        _VIDEO,
        _column("reason", pa.string(), "kept, or the first reason against that time"),
        _column("samples", pa.int64(), "number of segments; 0 for time that is in no segment"),
        _column("duration_us", pa.int64(), "time, µs; all rows of a video add up to its duration"),
    ]
)
"""`manifests/funnel.parquet`: every microsecond of source video, kept or dropped with a reason.
A video that could not be had or read has one row with its reason and the duration 0.
`data/outside.parquet` has those of its rows that no mark changes: lost videos, and time that is in
no segment."""

PEOPLE = pa.schema(
    [
        _column("kind", pa.string(), "same_person: of two labels; several_people: in one label"),
        _column("speaker", pa.string(), "label from sources.csv"),
        _column("other", pa.string(), "the other label; the same one for several_people"),
        _column("distance", pa.float32(), "of the two people's usual descriptors, ≥ 0"),
        _column("faces", pa.int64(), "number of clean faces of the speaker"),
        _column("other_faces", pa.int64(), "number of clean faces of the other"),
        _column("videos", pa.list_(pa.string()), "in which the speaker is seen"),
        _column("other_videos", pa.list_(pa.string()), "in which the other is seen"),
        _column("sample", pa.string(), "whose face is the speaker's most usual one"),
        _column("other_sample", pa.string(), "whose face is the other's most usual one"),
    ]
)
"""`manifests/people.parquet`: two labels that are one person, and labels that hide several."""

DATASET = pa.schema(
    [
        *(MANIFEST.field(name) for name in ("sample", "speaker", "gender", "language", "emotion")),
        *_SEGMENT,
        *(MANIFEST.field(name) for name in ("face_video", "face_start_us")),
        MANIFEST.field("face_number"),
        _column("content", pa.string(), "digest of face pixels and PCM"),
        _column("audio_sha256", pa.string(), "hex digest of the segment's 16-bit PCM"),
        _column("face_sha256", pa.string(), "hex digest of the crop's pixels"),
        _column("split", pa.string(), "train, test (unheard speech) or unseen (unseen people)"),
    ]
)
"""`manifests/dataset.parquet`: the kept samples with their splits."""

SPLITS = ("train", "test", "unseen")

DESCRIPTOR = 128
"""Numbers of dlib's face descriptor."""

PACKED = pa.schema(
    [
        DATASET.field(name)
        for name in ("sample", "speaker", "gender", "emotion", "video", "face_video")
    ]
)
"""`data/packed/<split>/samples.parquet`: row i describes `faces.npy[i]`, `audio.npy[i]`
and `descriptors.npy[i]`.

The arrays are uint8 RGB, n × size × size × 3; int16, n × segment samples; and float32, n × 128: the
descriptor of that face, NaN where it has none. `pack.json` holds rates, sizes, the speakers and the
emotions of the training split in label order (the classes), and the digests of the arrays."""

HISTORY = pa.schema(
    [
        _column("step", pa.int64(), "training step, from 1"),
        _column("metric", pa.string(), "slash key, as in loss/generator"),
        _column("value", pa.float64(), "its value"),
    ]
)
"""`models/<model>/history.parquet`: the training curves."""

EXPERIMENT = pa.schema(
    [
        _column("cell", pa.string(), "what is compared with the other cells, by its label"),
        _column("model", pa.string(), "name of the model"),
        _column("settings", pa.string(), "what differs from config.yaml, as JSON"),
        _column("metric", pa.string(), "name of the metric"),
        _column("title", pa.string(), "the metric in words"),
        _column("unit", pa.string(), "of the metric; may be empty"),
        _column("higher_is_better", pa.bool_(), "null: the nearer to real faces the better", True),
        _column("split", pa.string(), "train, test or unseen"),
        _column("mean", pa.float64(), "mean over the seeds; null: see note", True),
        _column("low", pa.float64(), "lower end of its 95 % interval over the seeds", True),
        _column("high", pa.float64(), "upper end of the same", True),
        _column("best", pa.bool_(), "whether no other cell's mean is better"),
        _column("seeds", pa.list_(pa.int64()), "seeds of the trainings"),
        _column("values", pa.list_(pa.float64()), "the value with each seed that has one"),
        _column("real", pa.float64(), "the same of real faces: the upper line", True),
        _column("chance", pa.float64(), "what faces that tell nothing would get", True),
        _column("paper", pa.float64(), "the paper's figure, on the paper's data", True),
        _column("note", pa.string(), "why there is no value; may be empty"),
    ]
)
"""`reports/experiments/<name>/table.parquet`: each metric of each cell, on each split."""

REASONS = (
    "outside_clips",
    "no_speech",
    "too_short",
    "no_face",
    "several_faces",
    "other_talks",
    "face_changes",
    "small_face",
    "uncertain_face",
    "turned",
    "cut_off",
    "occluded",
    "dark",
    "overexposed",
    "blurred",
    "still_picture",
    "dubbed",
    "not_speech",
    "noise_or_music",
    "second_voice",
    "voice_changes",
    "other_voice",
    "quiet",
    "clipped",
    "wrong_person",
    "duplicate",
)
"""Reasons against a stretch of video, in the order in which they are counted in the funnel."""

SOUND_REASONS = frozenset(
    {"no_speech", "too_short", "not_speech", "noise_or_music", "second_voice", "voice_changes"}
    | {"other_voice", "quiet", "clipped"}
)
"""Those of them that are of the sound alone."""

REVIEWS = ("pending", "keep", "drop", "unsure", "stale", "disputed")

KEPT = "kept"
CURATED = ("dropped_by_curator", "unsure", "stale", "disputed", "pending")
"""Fates of a sample beside `kept` and `REASONS`: a curator's doing, or still to be done by one."""

FATE_OF_REVIEW = {
    "drop": "dropped_by_curator",
    "unsure": "unsure",
    "stale": "stale",
    "disputed": "disputed",
}
"""The fate that a mark (one of `REVIEWS`) alone decides, whatever the flags."""


def funnel_order(reason: str) -> tuple[int, str]:
    """Sort key of the funnel's reasons: kept, REASONS, CURATED, then any other by name."""
    known = (KEPT, *REASONS, *CURATED)
    return (known.index(reason) if reason in known else len(known)), reason
