"""What the demo world's truth says of each segment of a build."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voiceface.demo.truth import Row, is_clean, picture_is_good, sound_is_foul

# Each planted trouble, and the reasons that should tell it.
TELLS: dict[str, set[str]] = {
    "silence": {"no_speech"},
    "music": {"noise_or_music", "not_speech"},
    "music_only": {"noise_or_music", "not_speech"},
    "jingle": {"noise_or_music", "not_speech", "no_face", "duplicate"},
    "noise": {"noise_or_music", "not_speech"},
    "clipping": {"clipped"},
    "quiet": {"quiet"},
    "overlap": {"second_voice"},
    "none": {"no_face"},
    "turned": {"turned", "no_face", "uncertain_face"},
    "small": {"small_face", "no_face"},
    "blur": {"blurred", "no_face"},
    "dark": {"dark", "no_face"},
    "overexposed": {"overexposed", "no_face"},
    "occluded": {"occluded", "no_face"},
    "cut_off": {"cut_off", "no_face"},
    "frozen": {"still_picture"},
    "dubbed": {"dubbed", "voice_changes", "other_voice"},
    "listening": {"dubbed", "voice_changes", "other_voice"},
    "two": {"several_faces"},
    "poster": {"several_faces"},
    "guest_talks": {"several_faces", "other_talks", "voice_changes", "other_voice"},
    "guest": {"wrong_person", "face_changes", "voice_changes", "other_voice"},
    "photo": {"wrong_person", "face_changes", "still_picture"},
}
_EDGE_US = 100_000  # as in demo.truth.is_clean
_FOUL_SHARE = 0.05
_QUIET_SHARE = 0.3
_SEEN_US = 500_000  # where no face was found, what is seen for so long may be the reason
_REPEATED_US = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One segment of a build beside the truth."""

    sample: dict[str, Any]
    good: bool
    """The pair is truly clean; without a face: there was one to be found all the time."""
    repeated: bool
    """A second or more of it stands twice in the world: a re-upload, what it repeats, a jingle."""
    touched: frozenset[str]
    """Troubles that overlap it."""
    spoilt: frozenset[str]
    """Those of them that make it no clean pair."""

    @property
    def flags(self) -> set[str]:
        """The reasons against it."""
        return set(self.sample["flags"])


def judge(sample: dict[str, Any], rows: Sequence[Row], again: Sequence[tuple[int, int]]) -> Verdict:
    """Hold a segment against the truth.

    Args:
        rows: the truth of its file.
        again: (start_us, end_us) of what stands a second time elsewhere.
    """
    start, end = sample["start_us"], sample["end_us"]
    inside = [row for row in rows if row["start_us"] < end and row["end_us"] > start]
    if sample["frame_us"] is None:
        good = all(picture_is_good(row) for row in inside)
        good = good and is_clean(rows, (start + end) // 2, start, end)
    else:
        good = is_clean(rows, sample["frame_us"], start, end)
    spoilt = set() if good else {row["trouble"] for row in inside if _spoils(row, rows, sample)}
    common = sum(max(0, min(end, last) - max(start, first)) for first, last in again)
    return Verdict(
        sample,
        good,
        common >= _REPEATED_US,
        frozenset(row["trouble"] for row in inside if row["trouble"]),
        frozenset(spoilt - {""}),
    )


def _spoils(row: Row, rows: Sequence[Row], sample: dict[str, Any]) -> bool:
    start, end, frame = sample["start_us"], sample["end_us"], sample["frame_us"]
    overlap = min(row["end_us"], end) - max(row["start_us"], start)
    if sound_is_foul(row) and overlap > _FOUL_SHARE * (end - start):
        return True
    if (row["voice"] == "none" or row["quiet"]) and overlap > _QUIET_SHARE * (end - start):
        return True
    if picture_is_good(row):
        return False
    if frame is None:
        return overlap >= _SEEN_US
    near = [r for r in rows if r["start_us"] <= frame + _EDGE_US and r["end_us"] > frame - _EDGE_US]
    return row in near and not any(picture_is_good(r) for r in near)
