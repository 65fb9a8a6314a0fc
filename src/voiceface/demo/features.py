"""The parts of a face that move: eyes, brows and mouth, each drawn once per state."""

from dataclasses import dataclass

import numpy as np

from voiceface.demo.head import CENTRE_X, EYE_Y, Shape
from voiceface.demo.paint import (
    Array,
    Bytes,
    Layer,
    blob,
    brightness,
    bump,
    curve,
    ellipse,
    grain,
    polygon,
    scaled,
    soft,
    stroke,
    to_bytes,
)
from voiceface.demo.traits import RGB, Traits


@dataclass(frozen=True)
class Patch:
    """A small picture to lay over the head at (x, y): colours × alpha, and 255 × (1 - alpha)."""

    x: int
    y: int
    colour: Bytes
    rest: Bytes

    @staticmethod
    def of(layer: Layer, x: float, y: float) -> "Patch":
        """The layer, with its top left corner at (x, y) of the head's picture."""
        alpha = layer.alpha[..., None]
        rest = np.repeat(to_bytes(1 - alpha), 3, axis=2)
        return Patch(round(x), round(y), to_bytes(layer.rgb * alpha), rest)


@dataclass(frozen=True)
class Mood:
    """How an emotion sets the face. Pixels, but for `smile` (-1 to 1) and `lids` (1 is usual)."""

    brow_inner: float
    """Rise of the brows' inner ends."""
    brow_outer: float
    smile: float
    lids: float
    mouth: float
    """Width of the mouth, 1 is usual."""


MOODS = {
    "neutral": Mood(0, 0, 0.10, 1.00, 1.00),
    "happiness": Mood(4, 4, 1.00, 0.88, 1.12),
    "sadness": Mood(13, -7, -0.80, 0.80, 0.94),
    "anger": Mood(-13, 6, -0.45, 0.86, 0.98),
    "surprise": Mood(23, 8, 0.05, 1.28, 0.84),
}


def mouth(person: Traits, shape: Shape, emotion: str, opening: float) -> Patch:
    """The mouth, `opening` from 0 (closed) to 1."""
    mood = MOODS[emotion]
    half = shape.mouth_rx * mood.mouth * (1 - 0.14 * opening)
    w, h = round(half) + 16, 66
    size, x, y = (h * 2, w * 2), float(w), h - 14.0
    gap, lift = 40 * opening, 9 * mood.smile
    up, low = 6 + 12 * person.lip_fullness, 9 + 14 * person.lip_fullness
    if person.gender == "m":
        up, low = up * 0.8, low * 0.85
    left, right = (x - half, y - lift + gap * 0.3), (x + half, y - lift + gap * 0.3)
    top = [(x - half * 0.5, y - up * 0.72), (x - half * 0.17, y - up), (x, y - up * 0.78)]
    inner_top = [(x - half * 0.5, y + 1.0), (x, y + 2.2), (x + half * 0.5, y + 1.0)]
    inner_low = [(x + half * 0.55, y + gap * 0.86 + 1), (x, y + gap + 2.4)]
    bottom = [(x + half * 0.58, y + gap * 0.92 + low * 0.74), (x, y + gap + low)]
    top += [(2 * x - px, py) for px, py in top[1::-1]]
    inner_low += [(2 * x - px, py) for px, py in inner_low[:1]]
    bottom += [(2 * x - px, py) for px, py in bottom[:1]]

    layer = Layer(*size)
    shadow = soft(ellipse(size, x, y + gap + low + 9, half * 0.62, 7), 5)
    layer.paint(shadow, scaled(person.skin, 0.5), 0.45)
    whole = blob(size, [left, *top, right, *bottom])
    layer.paint(soft(whole, 1.0), person.lips)
    layer.tint(blob(size, [left, *top, right, *inner_top[::-1]]), scaled(person.lips, 0.8))
    gloss = bump(size, x - half * 0.12, y + gap + low * 0.55, half * 0.34, low * 0.2)
    layer.tint(gloss * whole, scaled(person.lips, 1.5), 0.55)
    inside = blob(size, [left, *inner_top, right, *inner_low])
    _inside(layer, inside, x, y, half, gap)
    for px, py in (left, right):
        layer.paint(soft(ellipse(size, px, py, 4.5, 2.6), 1.5), scaled(person.lips, 0.42), 0.8)
    return Patch.of(layer, CENTRE_X - x, shape.mouth_y - y)


def _inside(layer: Layer, inside: Array, x: float, y: float, half: float, gap: float) -> None:
    size = layer.shape
    layer.paint(soft(inside, 0.7), (0.23, 0.07, 0.08))
    if gap < 5:
        return
    tongue = soft(ellipse(size, x, y + gap + 4, half * 0.55, gap * 0.42), 3)
    layer.tint(tongue * inside, (0.66, 0.27, 0.28), 0.9)
    teeth = polygon(size, [(x - half * 0.72, y - 9), (x + half * 0.72, y - 9),
                           (x + half * 0.6, y + min(gap * 0.34, 9)),
                           (x - half * 0.6, y + min(gap * 0.34, 9))])  # fmt: skip
    layer.tint(soft(teeth, 1.2) * inside, (0.93, 0.91, 0.87))


def eyes(person: Traits, shape: Shape, emotion: str, opening: float) -> Patch:
    """Both eyes, `opening` from 0 (shut) to 1 (the emotion's own width)."""
    w, h = round(shape.eye_dx + shape.eye_rx) + 22, 46
    size = (h * 2, w * 2)
    layer = Layer(*size)
    for side in (-1, 1):
        lids = _lids(
            person, shape, w + side * shape.eye_dx, float(h), side, MOODS[emotion], opening
        )
        _paint_lid(layer, person, lids)
        ball = blob(layer.shape, lids.outline())
        if opening > 0.15:
            _paint_ball(layer, person, lids, ball)
        _paint_lashes(layer, person, lids, opening)
    return Patch.of(layer, CENTRE_X - w, EYE_Y - h)


@dataclass(frozen=True)
class _Lids:
    """The edges of one eye; `side` is -1 for the one on the left of the picture."""

    x: float
    y: float
    side: int
    half: float
    fold: float
    """Height of the fold above the eye."""
    inner: tuple[float, float]
    upper: list[tuple[float, float]]
    outer: tuple[float, float]
    lower: list[tuple[float, float]]

    def outline(self) -> list[tuple[float, float]]:
        """Around the eyeball."""
        return [self.inner, *self.upper, self.outer, *self.lower]


def _lids(
    person: Traits, shape: Shape, x: float, y: float, side: int, mood: Mood, opening: float
) -> _Lids:
    half = shape.eye_rx
    up, low = half * 0.50 * mood.lids * opening, half * 0.30 * (0.35 + 0.65 * opening)
    rest = half * 0.16 * (1 - opening)  # a shut lid rests lower than the corners
    slant = 16 * (person.eye_slant - 0.45)
    near, far = x - side * half * 0.5, x + side * half * 0.55
    return _Lids(
        x, y, side, half,
        fold=half * 0.50 * mood.lids + 7,
        inner=(x - side * half, y + 1 + slant * 0.4),
        upper=[(near, y - up * 0.82 + rest), (x, y - up + rest * 1.6), (far, y - up * 0.78 + rest)],
        outer=(x + side * half, y - slant * 0.6),
        lower=[(x + side * half * 0.5, y + low * 0.86), (x, y + low), (near, y + low * 0.8)],
    )  # fmt: skip


def _paint_lid(layer: Layer, person: Traits, lids: _Lids) -> None:
    """The skin above the eye, and its fold."""
    size, x, y, fold = layer.shape, lids.x, lids.y, lids.fold
    near, far = x - lids.side * lids.half * 0.5, x + lids.side * lids.half * 0.6
    over = [(near, y - fold * 0.9), (x, y - fold * 1.08), (far, y - fold * 0.9)]
    lid = blob(size, [lids.inner, *over, lids.outer, *lids.upper[::-1]])
    layer.paint(soft(lid, 2.0), scaled(person.skin, 0.80), 0.75)
    end = (lids.outer[0] + lids.side * 3, lids.outer[1] - 3)
    crease = soft(stroke(size, [lids.inner, *over, end], (1, 2.2, 2.5, 2.2, 1)), 0.8)
    layer.paint(crease, scaled(person.skin, 0.42), 0.7)


def _paint_ball(layer: Layer, person: Traits, lids: _Lids, ball: Array) -> None:
    size = layer.shape
    layer.paint(ball, (0.95, 0.94, 0.92))
    raised = lids.y - lids.upper[1][1]
    _iris(layer, person, ball, lids.x - lids.side, lids.y - raised * 0.18, lids.half * 0.43)
    lowered = curve(lids.outline(), closed=True) + np.array([0, 5])
    layer.tint(soft(1 - polygon(size, lowered), 2) * ball, (0.30, 0.26, 0.26), 0.55)
    corner = ellipse(size, lids.inner[0] + lids.side * 4, lids.inner[1], 3.4, 2.4)
    layer.tint(soft(corner, 1) * ball, (0.80, 0.50, 0.48), 0.8)


def _paint_lashes(layer: Layer, person: Traits, lids: _Lids, opening: float) -> None:
    size, woman = layer.shape, person.gender == "f"
    width, reach = (5.4, 7) if woman else (3.6, 2)
    tip = (lids.outer[0] + lids.side * reach, lids.outer[1] - (0 if opening < 0.3 else 4))
    upper = [lids.inner, *lids.upper, lids.outer, tip]
    lash = stroke(size, upper, (1.4, width, width, width * 1.1, 1))
    layer.paint(soft(lash, 0.6), (0.10, 0.07, 0.07), 0.95)
    below = stroke(size, [lids.inner, *lids.lower[::-1], lids.outer], (0.6, 1.6, 1.8, 1.8, 0.8))
    layer.paint(soft(below, 0.7), scaled(person.skin, 0.38), 0.7)


def _iris(layer: Layer, person: Traits, ball: Array, x: float, y: float, radius: float) -> None:
    size = layer.shape
    layer.tint(ellipse(size, x, y, radius, radius) * ball, scaled(person.eyes, 0.45))
    layer.tint(ellipse(size, x, y, radius * 0.86, radius * 0.86) * ball, person.eyes)
    lower = bump(size, x, y + radius * 0.5, radius * 0.5, radius * 0.35)
    layer.tint(lower * ellipse(size, x, y, radius * 0.8, radius * 0.8) * ball,
               scaled(person.eyes, 1.7), 0.8)  # fmt: skip
    layer.tint(ellipse(size, x, y, radius * 0.42, radius * 0.42) * ball, (0.03, 0.03, 0.03))
    glint = ellipse(size, x - radius * 0.34, y - radius * 0.36, radius * 0.22, radius * 0.22)
    layer.tint(soft(glint, 0.6) * ball, (1.0, 1.0, 1.0), 0.95)


def brows(person: Traits, shape: Shape, emotion: str) -> Patch:
    """Both brows as the emotion sets them."""
    mood = MOODS[emotion]
    w, h = round(shape.eye_dx + shape.eye_rx * 1.5) + 14, 52
    size, y = (h * 2, w * 2), float(h)
    layer = Layer(*size)
    thick = 5 + 12 * person.brow + 5 * person.masculine
    arch = 3 + 12 * person.brow_arch * (1.15 - 0.7 * person.masculine)
    for side in (-1, 1):
        x = w + side * shape.eye_dx
        points = [
            (x - side * shape.eye_rx * 0.98, y + 4 - mood.brow_inner),
            (x - side * shape.eye_rx * 0.2, y - arch * 0.6 - mood.brow_inner * 0.6),
            (x + side * shape.eye_rx * 0.65, y - arch - mood.brow_outer),
            (x + side * shape.eye_rx * 1.35, y + 3 - mood.brow_outer * 0.6),
        ]
        hairs = stroke(size, points, (thick * 0.75, thick, thick * 0.8, 1.5))
        rough = np.clip(soft(hairs, 1.5) * (1 + 0.22 * grain(size, person.seed, 2.5, 0.8)), 0, 1)
        layer.paint(rough, _brow_colour(person), 0.92)
    return Patch.of(layer, CENTRE_X - w, shape.brow_y - h)


def _brow_colour(person: Traits) -> RGB:
    """Darker than fair hair, so that brows are always seen against the skin."""
    colour = scaled(person.hair, 0.62)
    limit = brightness(person.skin) * 0.52
    return scaled(colour, min(1.0, limit / max(brightness(colour), 1e-3)))


def glasses(person: Traits, shape: Shape) -> Patch | None:
    """The glasses, or none."""
    if not person.glasses:
        return None
    w, h = round(shape.half_width) + 14, 74
    size, y = (h * 2, w * 2), h + 6.0
    layer = Layer(*size)
    colour: RGB = ((0.08, 0.08, 0.09), (0.30, 0.13, 0.08), (0.55, 0.47, 0.30))[person.glasses - 1]
    power = {1: 2.0, 2: 5.0, 3: 3.5}[person.glasses]
    rx, ry = min(shape.eye_dx - 9, shape.eye_rx * 1.62), 38 if person.glasses == 1 else 33
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    px = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power)
    py = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power)
    for side in (-1, 1):
        x = w + side * shape.eye_dx
        lens = polygon(size, np.stack([x + px * rx, y + py * ry], 1))
        hole = polygon(size, np.stack([x + px * (rx - 5), y + py * (ry - 5)], 1))
        rim = lens - hole
        if person.glasses == 3:
            rim = rim * (np.arange(size[0])[:, None] < y + 4)
        layer.paint(rim, colour)
        glare = stroke(size, [(x - rx * 0.5, y + ry * 0.2), (x - rx * 0.1, y - ry * 0.62)], (5, 5))
        layer.paint(soft(glare, 2.5) * hole, (1.0, 1.0, 1.0), 0.22)
        arm = [(x + side * rx * 0.97, y - 10), (w + side * (shape.half_width + 6), y - 14)]
        layer.paint(stroke(size, arm, (6, 5)), scaled(colour, 0.8))
    bridge = [(w - shape.eye_dx + rx - 1, y - 6), (w, y - 13), (w + shape.eye_dx - rx + 1, y - 6)]
    layer.paint(stroke(size, bridge, (5, 5, 5)), colour)
    return Patch.of(layer, CENTRE_X - w, EYE_Y - y)
