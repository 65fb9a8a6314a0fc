"""Plain words for the manifest's columns, its queues and its filters."""

from voiceface.reporting.words import reason_words

COLUMNS: dict[str, tuple[str, str]] = {
    "sample": ("name", ""),
    "video": ("video", ""),
    "start_us": ("start", "µs"),
    "end_us": ("end", "µs"),
    "content": ("content", ""),
    "voiced": ("share of voiced sound", ""),
    "loudness_db": ("loudness", "dB"),
    "clipped": ("clipped share", ""),
    "snr_db": ("signal to noise", "dB"),
    "speech": ("probability of speech", ""),
    "second_voice": ("second voice", ""),
    "voice_change": ("change of voice", ""),
    "voice_distance": ("distance to the usual voice", ""),
    "faces": ("faces at a time", ""),
    "face_number": ("number of the face", ""),
    "frame_us": ("time of the frame", "µs"),
    "face_px": ("height of the face", "px"),
    "detector_score": ("detector's score", ""),
    "sharpness": ("sharpness", ""),
    "brightness": ("brightness", ""),
    "yaw_deg": ("turn", "°"),
    "pitch_deg": ("nod", "°"),
    "roll_deg": ("tilt", "°"),
    "motion": ("motion", ""),
    "face_change": ("change of face", ""),
    "frame_score": ("score of the frame", ""),
    "outside": ("share outside of the picture", ""),
    "occlusion": ("covered share", ""),
    "mouth_motion": ("motion of the mouth", ""),
    "lip_sync": ("mouth and sound agree", ""),
    "other_mouth_motion": ("motion of another mouth", ""),
    "audio_sha256": ("digest of the sound", ""),
    "face_sha256": ("digest of the face", ""),
    "flags": ("flag", ""),
    "speaker": ("speaker", ""),
    "gender": ("gender", ""),
    "language": ("language", ""),
    "licence": ("licence", ""),
    "emotion": ("emotion", ""),
    "face_video": ("video of the face", ""),
    "face_start_us": ("start of the face's segment", "µs"),
    "identity_distance": ("distance to the speaker's usual face", ""),
    "clean": ("without a flag", ""),
    "review": ("mark", ""),
    "review_reason": ("reason of the mark", ""),
    "curator": ("curator", ""),
    "reviewed_at": ("time of the mark", ""),
    "fate": ("fate", ""),
}
"""Every column of `tables.MANIFEST`: what it is called on the page, and its unit."""

QUEUES: dict[str, str] = {
    "pending": "waiting, with nothing against them",
    "fit": "whose face was found fit, to be heard",
    "flagged": "waiting, with a flag",
    "stale": "changed since they were marked",
    "disputed": "marked differently by two curators",
    "unsure": "marked unsure",
    "marked": "marked",
    "mine": "marked by you",
    "audit": "of the random audit, nobody has looked at them",
    "proposed": "proposed to be kept page by page",
    "all": "in the manifest",
}
"""The queues, and the words for what is in them."""

_ORDERS = {
    "doubtful": "most doubtful first",
    "worst": "worst first",
    "uncertain": "least certain first",
    "manifest": "in the manifest's order",
}

_OPERATORS = {
    "<": "under {}",
    "<=": "at most {}",
    ">": "over {}",
    ">=": "at least {}",
    "=": "{}",
    "!=": "not {}",
    "~": "containing “{}”",
    "!~": "not containing “{}”",
}


def filter_words(column: str, operator: str, value: str) -> str:
    """A filter in words, as in `signal to noise under 12 dB`."""
    label, unit = COLUMNS[column]
    if value == "":
        return f"{label} not known" if operator == "=" else f"{label} known"
    if column == "flags":
        return f"{'without' if operator == '!=' else 'with'} the flag “{reason_words(value)}”"
    if column == "fate":
        value = reason_words(value)
    return f"{label} {_OPERATORS[operator].format(f'{value} {unit}'.strip())}"


def sort_words(sort: str) -> str:
    """An order in words: `worst first`, or `lowest sharpness first`."""
    if sort in _ORDERS:
        return _ORDERS[sort]
    label = COLUMNS[sort.removeprefix("-")][0]
    return f"highest {label} first" if sort.startswith("-") else f"lowest {label} first"
