"""The known corpora."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voiceface.corpora import (
    avspeech,
    crema_d,
    demo_world,
    enterface,
    folder,
    grid,
    hdtf,
    ravdess,
    vggface,
    voxceleb,
    wav2pix,
)
from voiceface.corpora.found import Found
from voiceface.corpora.tables import People


@dataclass(frozen=True)
class Corpus:
    """A kind of corpus that can be imported."""

    about: str
    find: Callable[[Path, People], Found]
    advice: str = ""
    """what to set for it"""


_SHORT = "its clips last about {}: set speech.segment_s to {} in config.yaml"

KINDS = {
    "voxceleb1": Corpus("utterances of celebrities: wav, faces by vggface", voxceleb.find),
    "voxceleb2": Corpus("utterances of celebrities: m4a or mp4", voxceleb.find),
    "vggface": Corpus("pictures of celebrities, by name", vggface.find),
    "vggface2": Corpus("pictures of celebrities, by number", vggface.find_2),
    "ravdess": Corpus("actors in eight emotions", ravdess.find, _SHORT.format("3 s", 2)),
    "enterface05": Corpus("people in six emotions", enterface.find, _SHORT.format("3 s", 2)),
    "crema-d": Corpus("actors in six emotions", crema_d.find, _SHORT.format("2.5 s", 2)),
    "grid": Corpus("short sentences of 34 talkers", grid.find, _SHORT.format("3 s", 2)),
    "avspeech": Corpus(
        "YouTube videos by avspeech_*.csv",
        avspeech.find,
        "it tells whose face talks, where there are several: set samples.max_faces to 3 in"
        " config.yaml",
    ),
    "hdtf": Corpus("YouTube videos by *_video_url.txt", hdtf.find),
    "wav2pix": Corpus(
        "the data released with Wav2Pix",
        wav2pix.find,
        "its clips last 1 s and its faces are cropped tightly: set speech.segment_s and"
        " speech.chunk_s to 1.0 (its model takes 1.024 s), and faces.margin to 0.1, in config.yaml",
    ),
    "demo-world": Corpus("the demo world, with its emotions", demo_world.find),
    "folder": Corpus("any tree of speaker/clip.mp4", folder.find),
}
