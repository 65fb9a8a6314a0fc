"""Names of videos and samples, and the digest that ties a decision to what was seen."""

import hashlib
import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_VIDEO = re.compile(r"^[a-z0-9]+-[A-Za-z0-9_-]+$")
PICTURES = "pictures-"
"""How the id of a folder of pictures begins, which is no video."""
_LONGEST_ID = 80  # <video>.parquet and a temporary name beside it stay under 255 bytes


def video_id(extractor: str, source_id: str) -> str:
    """`<extractor>-<id>`, safe as a file name, in a URL and on a command line.

    An id with other characters, or one that is too long, gets a digest of the original appended,
    so that two ids never become one name.
    """
    name = _UNSAFE.sub("_", source_id)[:_LONGEST_ID]
    if name != source_id:
        name = f"{name[:60]}-{hashlib.sha256(source_id.encode()).hexdigest()[:12]}"
    return f"{re.sub(r'[^a-z0-9]', '', extractor.lower()) or 'web'}-{name}"


def video_mark(video: str) -> str:
    """A short digest of a video's name, by which a model's card remembers what it was trained on.

    So a takedown finds the model, and the card does not name what was taken down.
    """
    return hashlib.sha256(video.encode()).hexdigest()[:16]


def is_video_id(name: str) -> bool:
    """Whether `name` has the form that `video_id` gives."""
    return bool(_VIDEO.match(name))


def sample_id(video: str, start_us: int, face_number: int = 0) -> str:
    """`<video>_<segment start in ms, 9 digits>`: stable, readable, no number to a spreadsheet.

    The segment's further faces have their number appended: `…-1`, `…-2`.
    """
    name = f"{video}_{start_us // 1000:09d}"
    return f"{name}-{face_number}" if face_number else name


def segment_of(sample: str) -> str:
    """The id of the segment's first face: the same for all faces that share its sound."""
    video, _, place = sample.rpartition("_")
    return f"{video}_{place.partition('-')[0]}"


def content_digest(face_sha256: str, audio_sha256: str) -> str:
    """The sample's content: SHA-256 over the digests of its face pixels and of its PCM.

    A new container or encoder changes nothing; a moved crop or another cut does.
    """
    return hashlib.sha256(f"{face_sha256}{audio_sha256}".encode()).hexdigest()
