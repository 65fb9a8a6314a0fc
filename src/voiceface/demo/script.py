"""The script of one video: what is said, shown and spoilt, and when."""

from dataclasses import dataclass, field

import numpy as np

from voiceface.demo import sound
from voiceface.demo.sentences import sentence
from voiceface.demo.sound import Sound
from voiceface.demo.traits import Traits
from voiceface.demo.voice import EMOTIONS, ESPEAK_RATE_HZ, speak, voice_of

RATE_HZ = ESPEAK_RATE_HZ
TROUBLES = (
    "silence", "music", "turned", "noise", "guest", "blur", "clipping", "none", "two", "dark",
    "cuts", "frozen", "music_only",
)  # fmt: skip
_JINGLE_S = 2.5


@dataclass(frozen=True)
class Stretch:
    """A stretch of time in which the same holds, in seconds from the start of the video."""

    start_s: float
    end_s: float
    trouble: str
    emotion: str

    @property
    def face(self) -> str:
        """main, turned, none, two or guest."""
        shown = {
            "jingle": "none",
            "turned": "turned",
            "none": "none",
            "two": "two",
            "guest": "guest",
        }
        return shown.get(self.trouble, "main")

    @property
    def voice(self) -> str:
        """main, guest or none."""
        heard = {"jingle": "none", "silence": "none", "music_only": "none", "guest": "guest"}
        return heard.get(self.trouble, "main")


@dataclass
class Script:
    """All stretches, and the sound (mono, RATE_HZ)."""

    stretches: list[Stretch]
    main: Sound
    """The main speaker's voice alone."""
    guest: Sound
    mix: Sound
    """What the video plays."""


@dataclass
class _Draft:
    seconds: float
    main: Sound
    guest: Sound
    stretches: list[Stretch] = field(default_factory=list)

    @property
    def at_s(self) -> float:
        return self.stretches[-1].end_s if self.stretches else 0.0

    def add(self, end_s: float, trouble: str, emotion: str) -> None:
        end_s = min(end_s, self.seconds)
        if end_s > self.at_s:
            self.stretches.append(Stretch(self.at_s, end_s, trouble, emotion))


def deck(speaker: int, video: int, seed: int) -> list[str]:
    """The troubles in the order in which this video has them; the next video starts elsewhere."""
    order = np.random.default_rng([seed, 0xDECC]).permutation(TROUBLES).tolist()
    # 3 and 13 share no factor: whatever the number of videos, all kinds come up soon.
    start = 3 * (speaker + 5 * video) % len(order)
    return order[start:] + order[:start]


def write_script(
    person: Traits,
    guest: Traits,
    seconds: float,
    troubles: list[str],
    seed: list[int],
    *,
    jingle: bool = False,
    clean_s: float = 7.0,
) -> Script:
    """Write the script: clean passages, with the troubles in turn between them.

    Args:
        troubles: taken in order, then from the start again.
        jingle: open with the jingle that all such videos share.
        clean_s: least length of a clean passage, in seconds.
    """
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE_HZ)
    draft = _Draft(seconds, np.zeros(samples, np.float32), np.zeros(samples, np.float32))
    if jingle:
        draft.add(_JINGLE_S, "jingle", "neutral")
    turn = 0
    while draft.at_s < seconds:
        emotion = str(rng.choice(EMOTIONS))
        # In a very short video the first passage must leave room for trouble.
        talk_s = min(clean_s * (1 + 0.7 * rng.random() ** 2), seconds * 0.42)
        if talk_s:
            draft.add(_talk(draft, person, draft.main, talk_s, emotion, rng), "", emotion)
        trouble = troubles[turn % len(troubles)]
        turn += 1
        if draft.at_s >= seconds:
            continue
        end = draft.at_s + rng.uniform(3.5, 6.5)
        if trouble == "guest":
            end = _talk(draft, guest, draft.guest, 4.0, "neutral", rng)
        elif trouble not in ("silence", "music_only"):
            end = _talk(draft, person, draft.main, 4.0, emotion, rng)
        draft.add(end, trouble, emotion)
    return Script(draft.stretches, draft.main, draft.guest, _mix(draft, rng))


def _talk(
    draft: _Draft,
    person: Traits,
    track: Sound,
    at_least_s: float,
    emotion: str,
    rng: np.random.Generator,
) -> float:
    """Put sentences on a track from the draft's end on; returns where they end, in seconds."""
    at = start = round(draft.at_s * RATE_HZ)
    while at - start < at_least_s * RATE_HZ and at < len(track):
        said = speak(sentence(person.language, rng), voice_of(person), emotion)
        part = said[: len(track) - at]
        track[at : at + len(part)] = part if len(part) == len(said) else sound.faded(part, RATE_HZ)
        at += len(said) + round(rng.uniform(0.15, 0.35) * RATE_HZ)
    return at / RATE_HZ


def _mix(draft: _Draft, rng: np.random.Generator) -> Sound:
    mix = draft.main + draft.guest
    for stretch in draft.stretches:
        first, last = round(stretch.start_s * RATE_HZ), round(stretch.end_s * RATE_HZ)
        part, long = mix[first:last], last - first
        if stretch.trouble in ("music", "music_only"):
            part += sound.faded(sound.music(long, RATE_HZ, rng), RATE_HZ)
        elif stretch.trouble == "noise":
            part += sound.faded(sound.noise(long, RATE_HZ, rng), RATE_HZ)
        elif stretch.trouble == "clipping":
            part[:] = sound.overdriven(part)
        elif stretch.trouble == "jingle":
            part += sound.jingle(RATE_HZ, _JINGLE_S)[:long]
    mix += sound.room_tone(len(mix), rng)
    return np.asarray(np.clip(mix, -1, 1), np.float32)
