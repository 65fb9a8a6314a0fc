"""Who a drawn person is: hidden traits shared by voice and face, and some that only the face has.

The shared ones make the voice tell something true about the face, also for speakers that no model
has heard:

- `masculine`: pitch and voice variant ↔ jaw, brows, hair, beard;
- `length`: low pitch ↔ long face;
- `size`: long vocal tract (low formants) ↔ wide head;
- `age`: slow speech ↔ grey hair and lines;
- `timbre`: voice variant ↔ colour and style of the hair.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

RGB = tuple[float, float, float]

_SKINS: list[RGB] = [
    (0.96, 0.80, 0.70), (0.55, 0.36, 0.25), (0.88, 0.67, 0.52), (0.46, 0.30, 0.22),
    (0.93, 0.74, 0.60), (0.72, 0.50, 0.36), (0.98, 0.85, 0.77), (0.82, 0.60, 0.44),
]  # fmt: skip
_HAIRS: list[RGB] = [
    (0.10, 0.08, 0.08), (0.62, 0.43, 0.20), (0.30, 0.18, 0.10), (0.52, 0.19, 0.08),
    (0.82, 0.66, 0.38), (0.20, 0.13, 0.10), (0.42, 0.27, 0.15),
]  # fmt: skip
_EYES: list[RGB] = [
    (0.32, 0.20, 0.11), (0.27, 0.47, 0.66), (0.30, 0.47, 0.28), (0.20, 0.12, 0.08),
    (0.50, 0.36, 0.16), (0.44, 0.52, 0.56),
]  # fmt: skip
_SHIRTS: list[RGB] = [
    (0.20, 0.30, 0.45), (0.62, 0.22, 0.22), (0.85, 0.83, 0.78), (0.18, 0.18, 0.20),
    (0.25, 0.42, 0.34), (0.78, 0.55, 0.25), (0.45, 0.35, 0.55), (0.55, 0.65, 0.72),
]  # fmt: skip
_LIPS_F: list[RGB] = [
    (0.74, 0.24, 0.28),
    (0.80, 0.42, 0.42),
    (0.60, 0.20, 0.30),
    (0.82, 0.46, 0.40),
]
_GREY: RGB = (0.74, 0.73, 0.72)

VARIANTS = {"f": ("f1", "f2", "f3", "f4", "f5"), "m": ("m1", "m2", "m3", "m4", "m5", "m6", "m7")}
# By timbre, so that a voice's variant tells something of the hair.
_STYLES = {
    "f": ("long", "bob", "curly", "bun", "fringe"),
    "m": ("side", "short", "curly", "receding", "long", "buzz", "quiff"),
}
_GUESTS_FROM = 100_003  # the guests' indices start far behind those of any world's speakers
_GUEST_DRAWS = 12


@dataclass(frozen=True)
class Traits:
    """One person. Values without a unit are from 0 to 1."""

    speaker: str
    gender: str
    """f or m."""
    language: str
    """en or es."""
    masculine: float
    length: float
    size: float
    age: float
    timbre: int
    """Index into VARIANTS[gender] and of the hair's style."""
    hair: RGB
    hair_style: str
    skin: RGB
    eyes: RGB
    shirt: RGB
    lips: RGB
    eye_distance: float
    eye_size: float
    nose_length: float
    nose_width: float
    eye_slant: float
    """Outer corners: 0 hang, 1 rise."""
    brow: float
    """Thickness of the brows."""
    brow_arch: float
    mouth_width: float
    lip_fullness: float
    jaw: float
    """Squareness of the jaw."""
    glasses: int
    """0 none, 1 round, 2 square, 3 half-rimmed."""
    beard: int
    """0 none, 1 stubble, 2 full, 3 moustache, 4 goatee."""
    room: int
    """Style of the background."""
    seed: int
    """Of textures and of anything else that is the person's own."""


def speaker_name(index: int) -> str:
    """`demo-01` for the first speaker (index 0)."""
    return f"demo-{index + 1:02d}"


def speaker_traits(index: int, seed: int) -> Traits:
    """Traits of speaker `index` (from 0); they do not depend on how many speakers there are."""
    return _traits(speaker_name(index), index, seed)


def guest_traits(index: int, seed: int, other_than: Traits) -> Traits:
    """A guest: someone who is no speaker, of the other gender than `other_than` and unlike them.

    A drawn head has less to tell it by than a real one: of some people the least alike is taken, so
    that a guest is as clearly somebody else as people are.
    """
    first = _GUESTS_FROM + _GUEST_DRAWS * index
    draws = [_traits(f"guest-{index + 1}", first + n, seed) for n in range(_GUEST_DRAWS)]
    others = [guest for guest in draws if guest.gender != other_than.gender]
    return max(others, key=lambda guest: _unlikeness(guest, other_than))


def _unlikeness(one: Traits, other: Traits) -> float:
    """How unlike two faces look, ≥ 0; the skin counts most, as it does for a face descriptor."""
    shapes = ("length", "size", "age", "eye_distance", "nose_length", "mouth_width", "jaw", "brow")
    shape = sum((getattr(one, name) - getattr(other, name)) ** 2 for name in shapes)
    skin = sum((a - b) ** 2 for a, b in zip(one.skin, other.skin, strict=True))
    return shape + 8 * skin


def sources_rows(speakers: int, seed: int) -> list[dict[str, str]]:
    """What `sources.csv` has to say of each speaker: speaker, gender and language."""
    people = [speaker_traits(index, seed) for index in range(speakers)]
    genders = {"f": "female", "m": "male"}
    return [
        {"speaker": p.speaker, "gender": genders[p.gender], "language": p.language} for p in people
    ]


def _traits(name: str, index: int, seed: int) -> Traits:
    # Additive recurrences spread each trait evenly over the speakers, however many there are:
    # neighbours come out unlike each other, which independent draws would not promise.
    start = np.random.default_rng([seed, 0xFACE]).random(32)
    primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73]
    u = ((start[: len(primes)] + index * np.sqrt(primes)) % 1.0).tolist()
    gender = "fm"[(index + int(start[31] * 2)) % 2]
    timbre = int(u[4] * len(VARIANTS[gender]))
    hair = _mix(_HAIRS[timbre % len(_HAIRS)], _GREY, _smooth((u[3] - 0.6) / 0.35) * 0.9)
    skin = _SKINS[int(u[5] * len(_SKINS))]
    return Traits(
        speaker=name,
        gender=gender,
        language="es" if index % 3 == 2 else "en",
        masculine=(0.62 if gender == "m" else 0.0) + 0.38 * u[0],
        length=u[1],
        size=u[2],
        age=u[3],
        timbre=timbre,
        hair=hair,
        hair_style=_STYLES[gender][timbre],
        skin=skin,
        eyes=_EYES[int(u[6] * len(_EYES))],
        shirt=_SHIRTS[int(u[7] * len(_SHIRTS))],
        lips=_lips(gender, skin, u[8]),
        eye_distance=u[9],
        eye_size=u[10],
        nose_length=u[11],
        nose_width=u[12],
        eye_slant=u[20],
        brow=u[13],
        brow_arch=u[14],
        mouth_width=u[15],
        lip_fullness=u[16],
        jaw=u[17],
        glasses=max(0, int(u[18] * 8) - 4),
        beard=max(0, int(u[19] * 7) - 2) if gender == "m" else 0,
        room=int(u[8] * 4),
        seed=seed * 1_000_003 + index,
    )


def _lips(gender: str, skin: RGB, u: float) -> RGB:
    natural = (skin[0] * 0.86, skin[1] * 0.62, skin[2] * 0.62)
    return _mix(natural, _LIPS_F[int(u * len(_LIPS_F))], 0.6) if gender == "f" else natural


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    r, g, b = (a + (c - a) * share for a, c in zip(one, other, strict=True))
    return r, g, b


def _smooth(x: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(max(x, 0.0), 1.0))


def as_row(person: Traits) -> dict[str, Any]:
    """The traits as a row of `traits.parquet`."""
    values = vars(person).items()
    return {name: _hex(value) if isinstance(value, tuple) else value for name, value in values}


def _hex(colour: RGB) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
