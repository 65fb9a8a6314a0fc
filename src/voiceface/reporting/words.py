"""Plain words for what the tables call by a short name."""

from collections.abc import Sequence

from voiceface.tables import CURATED, KEPT, REASONS, SOUND_REASONS

_REASONS = {
    "kept": "kept",
    "outside_clips": "outside of the clips that were asked for",
    "no_speech": "no speech",
    "too_short": "too little speech for a segment",
    "no_face": "no face found",
    "several_faces": "several faces",
    "other_talks": "another face talks",
    "face_changes": "another face in between",
    "small_face": "face too small",
    "uncertain_face": "not surely a face",
    "turned": "face turned away",
    "cut_off": "face cut off by the edge",
    "occluded": "face covered",
    "dark": "too dark",
    "overexposed": "too bright",
    "blurred": "blurred",
    "still_picture": "still picture",
    "dubbed": "mouth does not fit the sound",
    "not_speech": "not speech",
    "second_voice": "a second voice",
    "voice_changes": "another voice takes over",
    "other_voice": "another voice",
    "noise_or_music": "noise or music",
    "quiet": "too quiet",
    "clipped": "sound clipped",
    "wrong_person": "another person",
    "duplicate": "seen before",
    "dropped_by_curator": "dropped by a curator",
    "unsure": "a curator is unsure",
    "stale": "changed since its review",
    "disputed": "curators differ",
    "pending": "waits for a review",
    "unreadable": "could not be read",
}
FAMILIES = {
    "kept": "kept",
    "sound": "no usable sound",
    "face": "no usable face",
    "double": "another person, or seen before",
    "curator": "a curator's decision",
    "other": "other",
}
"""The kinds of reasons, and the words for them."""

_DOUBLE = {"wrong_person", "duplicate"}


def reason_words(reason: str) -> str:
    """A reason of the funnel, or of a curator, in words.

    That of a lost video is in words already, as in `unavailable: Private video`.
    """
    return _REASONS.get(reason, reason)


def family(reason: str) -> str:
    """What kind of reason it is: a key of `FAMILIES`."""
    if reason == KEPT:
        return "kept"
    if reason in SOUND_REASONS:
        return "sound"
    if reason in _DOUBLE:
        return "double"
    if reason in REASONS and reason != "outside_clips":
        return "face"
    return "curator" if reason in CURATED else "other"


def some_of(names: Sequence[object], most: int) -> str:
    """The first so many names, and how many more there are; empty when there is none."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")


def clock(seconds: float) -> str:
    """A length of video: `3:07` in minutes and seconds, `1:02:33` from an hour on."""
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def figure(value: float | None, unit: str = "") -> str:
    """A metric's value with its unit; a dash when there is none."""
    if value is None:
        return "–"
    text = f"{value:.1f}" if unit == "%" or abs(value) >= 10 else f"{value:.3f}"
    return f"{text} {unit}".strip()


def spread_of(ends: tuple[float, float] | None, unit: str = "") -> str:
    """An interval in the digits of `figure`, as in `65.0 to 77.1`; empty when there is none."""
    if ends is None:
        return ""
    low, high = (figure(end, unit).removesuffix(unit).strip() for end in ends)
    return f"{low} to {high}"


def joined(names: list[str]) -> str:
    """As in `train, test and unseen`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def thousands(count: int) -> str:
    """A count with thin spaces between its thousands."""
    return f"{count:,}".replace(",", "\u202f")


def counted(count: int, noun: str) -> str:
    """As in `1 pair`, `12 pairs`."""
    return f"{thousands(count)} {noun}{'' if count == 1 else 's'}"
