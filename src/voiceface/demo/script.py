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
    "cuts", "frozen", "music_only", "overlap", "dubbed", "listening", "poster", "photo",
    "guest_talks", "occluded", "overexposed", "cut_off", "small", "quiet",
)  # fmt: skip
"""What is planted; the jingle and the re-uploads come beside these.

- overlap: a second voice, off screen, speaks at the same time.
- dubbed: another voice is heard, and the mouth says other words.
- listening: another voice is heard, off screen; the speaker's mouth is shut.
- poster: a picture of somebody else hangs on the wall beside the speaker.
- photo: a photograph of somebody else fills the screen while the speaker talks.
- guest_talks: two faces; the guest speaks, and the speaker's mouth is shut.
- occluded: a hand, a sheet of paper or a microphone is before mouth and nose.
- cut_off: the face is partly out of the picture.
- small: the camera is far away.
- quiet: speech that is nearly inaudible.
"""
_JINGLE_S = 2.5
_QUIET = 0.015  # -36 dB: a little above the room's hiss


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
            "jingle": "none", "turned": "turned", "none": "none", "two": "two", "poster": "two",
            "guest_talks": "two", "guest": "guest", "photo": "guest",
        }  # fmt: skip
        return shown.get(self.trouble, "main")

    @property
    def voice(self) -> str:
        """main, guest, both or none."""
        heard = {
            "jingle": "none", "silence": "none", "music_only": "none", "guest": "guest",
            "guest_talks": "guest", "dubbed": "guest", "listening": "guest", "overlap": "both",
        }  # fmt: skip
        return heard.get(self.trouble, "main")


@dataclass
class Script:
    """All stretches, and the sound (mono, RATE_HZ)."""

    stretches: list[Stretch]
    main: Sound
    """The main speaker's voice alone."""
    guest: Sound
    unheard: Sound
    """What the main speaker's mouth says while another voice is dubbed over it."""
    mix: Sound
    """What the video plays."""


@dataclass
class _Draft:
    seconds: float
    main: Sound
    guest: Sound
    unheard: Sound
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
    # A video of a minute has three or four: the next speaker's goes on where it ends, and six
    # speakers have them all.
    start = (4 * speaker + 2 * video) % len(order)
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
    main, other, unheard = np.zeros((3, samples), np.float32)
    draft = _Draft(seconds, main, other, unheard)
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
        draft.add(_troubled(draft, person, guest, trouble, emotion, rng), trouble, emotion)
    return Script(draft.stretches, draft.main, draft.guest, draft.unheard, _mix(draft, rng))


def _troubled(
    draft: _Draft,
    person: Traits,
    guest: Traits,
    trouble: str,
    emotion: str,
    rng: np.random.Generator,
) -> float:
    """Put on the tracks what is said during a trouble; returns where it ends, in seconds."""
    voice = Stretch(0, 0, trouble, emotion).voice
    if voice == "none":
        return draft.at_s + rng.uniform(3.5, 6.5)
    if voice == "main":
        return _talk(draft, person, draft.main, 4.0, emotion, rng)
    if voice == "guest":
        end = _talk(draft, guest, draft.guest, 4.0, "neutral", rng)
        other = draft.unheard
    else:
        end = _talk(draft, person, draft.main, 4.0, emotion, rng)
        other = draft.guest
    if trouble in ("dubbed", "overlap"):
        by = person if other is draft.unheard else guest
        _talk(draft, by, other, end - draft.at_s, "neutral", rng)
        _silence(other, draft.at_s, end)
    return end


def _silence(track: Sound, from_s: float, end_s: float) -> None:
    """Cut what a track says after `end_s`, without a click."""
    first, last = round(from_s * RATE_HZ), min(round(end_s * RATE_HZ), len(track))
    track[first:last] = sound.faded(track[first:last], RATE_HZ)
    track[last:] = 0


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
        elif stretch.trouble == "quiet":
            part *= _QUIET
        elif stretch.trouble == "jingle":
            part += sound.jingle(RATE_HZ, _JINGLE_S)[:long]
    mix += sound.room_tone(len(mix), rng)
    return np.asarray(np.clip(mix, -1, 1), np.float32)
