"""Plain words for what the tables call by a short name."""

_REASONS = {
    "kept": "kept",
    "no_speech": "no speech",
    "too_short": "too little speech for a segment",
    "no_face": "no face found",
    "several_faces": "several faces",
    "small_face": "face too small",
    "uncertain_face": "not surely a face",
    "turned": "face turned away",
    "dark": "too dark",
    "overexposed": "too bright",
    "blurred": "blurred",
    "still_picture": "still picture",
    "noise_or_music": "noise or music",
    "quiet": "too quiet",
    "clipped": "sound clipped",
    "wrong_person": "another person",
    "duplicate": "seen before",
}
_SOUND = {"no_speech", "too_short", "noise_or_music", "quiet", "clipped"}
_DOUBLE = {"wrong_person", "duplicate"}


def reason_words(reason: str) -> str:
    """A reason of the funnel, or of a curator, in words."""
    return _REASONS.get(reason, reason.replace("_", " "))


def family(reason: str) -> str:
    """What kind of reason: kept, sound, face, double (another person, seen before) or curator."""
    if reason == "kept":
        return "kept"
    if reason in _SOUND:
        return "sound"
    if reason in _DOUBLE:
        return "double"
    return "face" if reason in _REASONS else "curator"


def clock(seconds: float) -> str:
    """A length of video: `3:07` in minutes and seconds, `1:02:33` from an hour on."""
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def percent(fraction: float) -> str:
    """A share, as in `12.3 %`."""
    return f"{100 * fraction:.1f} %"


def figure(value: float | None, unit: str = "") -> str:
    """A metric's value with its unit; a dash when there is none."""
    if value is None:
        return "–"
    text = f"{value:.1f}" if unit == "%" or abs(value) >= 10 else f"{value:.3f}"
    return f"{text} {unit}".strip()
