"""The part of a face that does not move: skin in relief, ears, neck and nose."""

from dataclasses import dataclass

import cv2
import numpy as np

from voiceface.demo.paint import (
    Array,
    Layer,
    Points,
    blob,
    bump,
    ellipse,
    mirrored,
    polygon,
    scaled,
    soft,
)
from voiceface.demo.traits import RGB, Traits

WIDTH, HEIGHT = 620, 800
CENTRE_X, EYE_Y = 310.0, 350.0
_LIGHT = np.array([-0.38, -0.42, 0.82])


@dataclass(frozen=True)
class Shape:
    """Where things are in the head's picture, in its pixels."""

    half_width: float
    length: float
    """From the top of the skull to the chin."""
    jaw: float
    eye_dx: float
    """From the middle to the middle of an eye."""
    eye_rx: float
    nose_y: float
    nose_rx: float
    mouth_y: float
    mouth_rx: float
    brow_y: float

    @property
    def chin_y(self) -> float:
        """Lowest point of the chin."""
        return EYE_Y + 0.5 * self.length

    @property
    def top_y(self) -> float:
        """Highest point of the skull."""
        return EYE_Y - 0.5 * self.length


def shape_of(person: Traits) -> Shape:
    """The geometry that goes with a person's traits."""
    length = 400 + 110 * person.length
    half_width = 134 + 50 * person.size + 4 * person.masculine
    nose = 0.155 + 0.09 * person.nose_length
    return Shape(
        half_width=half_width,
        length=length,
        jaw=0.6 * person.masculine + 0.4 * person.jaw,
        eye_dx=half_width * (0.385 + 0.145 * person.eye_distance),
        eye_rx=25 + 14 * person.eye_size + (3 if person.gender == "f" else 0),
        nose_y=EYE_Y + nose * length,
        nose_rx=half_width * (0.15 + 0.15 * person.nose_width + 0.02 * person.masculine),
        mouth_y=EYE_Y
        + (nose + 0.125 - 0.02 * person.nose_length + 0.015 * person.masculine) * length,
        mouth_rx=half_width * (0.28 + 0.20 * person.mouth_width),
        brow_y=EYE_Y - (0.078 + 0.03 * person.brow_arch - 0.012 * person.masculine) * length,
    )


def outline(shape: Shape, grow: float = 0.0) -> Points:
    """The face's outline from the skull to the chin, `grow` pixels further out."""
    t = np.linspace(0, 1, 60)
    w, up = shape.half_width + grow, 0.5 * shape.length + grow
    upper = np.stack([w * np.sin(t * np.pi / 2), -up * np.cos(t * np.pi / 2)], 1)
    power = 1.9 + 1.5 * shape.jaw
    width = w * np.maximum(1 - t**power, 0) ** (0.72 - 0.2 * shape.jaw)
    lower = np.stack([width, t * up], 1)
    right = np.concatenate([upper, lower[1:]])
    left = right[::-1] * [-1, 1]
    return np.concatenate([right, left[1:-1]]) + np.array([CENTRE_X, EYE_Y])


def face_mask(shape: Shape) -> Array:
    """Mask of the face."""
    return polygon((HEIGHT, WIDTH), outline(shape))


def paint_neck(layer: Layer, person: Traits, shape: Shape) -> None:
    """Neck and neckline, with the shadow of the chin."""
    w = shape.half_width * (0.52 + 0.16 * person.masculine)
    chin, x = shape.chin_y, CENTRE_X
    half = [
        (w, chin - 90),
        (w, chin + 40),
        (w * 1.25, chin + 75),
        (w * 0.5, chin + 130),
        (0, chin + 142),
    ]
    size = layer.shape
    neck = blob(size, mirrored(x, half))
    layer.paint(neck, scaled(person.skin, 0.82))
    layer.tint(
        soft(polygon(size, outline(shape) + np.array([6, 34])), 14) * neck,
        _shadow(person.skin),
        0.75,
    )
    edge = soft(neck, 18)
    layer.tint(np.clip(1.15 - edge, 0, 1) * neck, _shadow(person.skin), 0.6)
    for side in (-1, 1):  # the two cords that run down to the collarbone
        cord = bump(size, x + side * w * 0.42, chin + 75, 9, 45)
        layer.tint(cord * neck, scaled(person.skin, 0.95), 0.16)


def paint_ears(layer: Layer, person: Traits, shape: Shape) -> None:
    """Both ears, mostly behind the face."""
    for side in (-1, 1):
        x, y = CENTRE_X + side * (shape.half_width + 4), EYE_Y + 0.055 * shape.length
        turn = side * 0.18
        ear = ellipse(layer.shape, x, y, 21, 0.088 * shape.length, turn)
        layer.paint(ear, scaled(person.skin, 0.9 if side < 0 else 0.78))
        inner = ellipse(layer.shape, x + side * 2, y - 2, 11, 0.06 * shape.length, turn)
        layer.tint(soft(inner, 4) * ear, _shadow(person.skin), 0.8)


def paint_face(layer: Layer, person: Traits, shape: Shape) -> None:
    """The skin: a relief of skull, brow ridge, nose, cheeks and chin under one lamp."""
    mask = face_mask(shape)
    light = _lit(_relief(person, shape))
    skin = np.asarray(person.skin, np.float32)
    dark = np.asarray(_shadow(person.skin), np.float32)
    share = np.clip((light - 0.25) / 0.75, 0, 1)[..., None]
    colours = dark + (skin - dark) * share
    gloss = np.clip(light - 0.965, 0, 1)[..., None] * 3.0
    colours = np.clip(colours + gloss * (1 - colours) * 0.5, 0, 1)
    colours = colours * (1 + 0.012 * _pores(person)[..., None])
    layer.paint(mask, np.asarray(colours, np.float32))
    _flush(layer, person, shape, mask)
    _nostrils(layer, person, shape)
    if person.age > 0.45:
        _lines(layer, person, shape, mask, (person.age - 0.45) / 0.55)


def _relief(person: Traits, shape: Shape) -> Array:
    """Height of the head above the picture, in pixels."""
    size = (HEIGHT, WIDTH)
    x, length, nose_y = CENTRE_X, shape.length, shape.nose_y
    # An egg: where the outline is narrow, the surface falls away sooner.
    inside = cv2.distanceTransform((face_mask(shape) > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    depth = np.clip(inside / (shape.half_width * 0.95), 0, 1)
    z = shape.half_width * 0.72 * np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, 1))
    z = cv2.GaussianBlur(z, (0, 0), 9)
    for side in (-1, 1):
        z -= 13 * bump(size, x + side * shape.eye_dx, EYE_Y - 4, shape.eye_rx * 1.0, 20)
        z += (4 + 5 * person.masculine) * bump(
            size, x + side * shape.eye_dx * 0.95, shape.brow_y + 2, shape.eye_rx * 1.3, 11
        )
        z += 8 * bump(size, x + side * shape.half_width * 0.60, nose_y - 0.05 * length, 34, 26)
        z += 9 * bump(size, x + side * shape.nose_rx * 0.78, nose_y - 5, 9, 9)  # wings
        z -= 3.5 * bump(size, x + side * shape.mouth_rx * 1.22, shape.mouth_y - 8, 8, 22)
    bridge = nose_y - EYE_Y
    for share in np.linspace(0.0, 1.0, 9):
        width = 8 + shape.nose_rx * 0.28 * share
        z += (2.0 + 4.2 * share) * bump(size, x, EYE_Y - 6 + bridge * share, width, bridge / 8)
    z += 12 * bump(size, x, nose_y - 10, shape.nose_rx * 0.42, 12)
    z += 7 * bump(size, x, shape.mouth_y, shape.mouth_rx * 0.9, 24)
    z -= 6 * bump(size, x, shape.mouth_y + 33, shape.mouth_rx * 0.6, 9)
    z += (6 + 5 * person.masculine) * bump(size, x, shape.chin_y - 26, 34, 20)
    z -= 3 * bump(size, x, (nose_y + shape.mouth_y) / 2, 5, 11)
    return cv2.GaussianBlur(z, (0, 0), 2.5)


def _lit(relief: Array) -> Array:
    """Brightness of the relief, about 0.2 to 1."""
    dy, dx = np.gradient(relief)
    normal = np.stack([-dx, -dy, np.full_like(dx, 1.0)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    facing = normal @ (_LIGHT / np.linalg.norm(_LIGHT))
    return np.clip(0.36 + 0.66 * np.clip(facing, 0, 1), 0, 1)


def _pores(person: Traits) -> Array:
    rng = np.random.default_rng(person.seed)
    spots = rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    return cv2.GaussianBlur(spots, (0, 0), 1.2) * 3


def _flush(layer: Layer, person: Traits, shape: Shape, mask: Array) -> None:
    """Blood under the skin: cheeks, tip of the nose, chin."""
    warm = (min(person.skin[0] * 1.0, 1.0), person.skin[1] * 0.66, person.skin[2] * 0.66)
    size = layer.shape
    amount = 0.34 if person.gender == "f" else 0.2
    for side in (-1, 1):
        cheek = bump(size, CENTRE_X + side * shape.half_width * 0.58, shape.nose_y - 8, 36, 26)
        layer.tint(cheek * mask, warm, amount)
    layer.tint(bump(size, CENTRE_X, shape.nose_y - 8, 15, 12) * mask, warm, 0.25)


def _nostrils(layer: Layer, person: Traits, shape: Shape) -> None:
    size, dark = layer.shape, scaled(_shadow(person.skin), 0.42)
    for side in (-1, 1):
        x = CENTRE_X + side * shape.nose_rx * 0.46
        hole = ellipse(size, x, shape.nose_y + 4, shape.nose_rx * 0.24, 4.6, side * 0.35)
        layer.tint(soft(hole, 1.6), dark, 0.9)
        wing = bump(size, CENTRE_X + side * shape.nose_rx * 1.02, shape.nose_y - 2, 4, 10)
        layer.tint(wing, _shadow(person.skin), 0.55)
    under = bump(size, CENTRE_X, shape.nose_y + 11, shape.nose_rx * 0.8, 5)
    layer.tint(under, _shadow(person.skin), 0.5)


def _lines(layer: Layer, person: Traits, shape: Shape, mask: Array, amount: float) -> None:
    """What age leaves: folds beside the mouth, lines on the forehead, bags under the eyes."""
    size, dark = layer.shape, scaled(_shadow(person.skin), 0.85)
    for side in (-1, 1):
        for step in np.linspace(0, 1, 14):
            x = CENTRE_X + side * (shape.nose_rx * 1.15 + step * shape.mouth_rx * 0.42)
            y = shape.nose_y - 4 + step * (shape.mouth_y - shape.nose_y + 6)
            layer.tint(bump(size, x, y, 3, 5) * mask, dark, 0.22 * amount)
        bag = bump(size, CENTRE_X + side * shape.eye_dx, EYE_Y + 27, shape.eye_rx * 0.8, 4)
        layer.tint(bag * mask, dark, 0.45 * amount)
    for row in (0.155, 0.19, 0.225):
        y = EYE_Y - row * shape.length
        layer.tint(bump(size, CENTRE_X, y, 62, 2.2) * mask, dark, 0.28 * amount)


def _shadow(skin: RGB) -> RGB:
    """Skin in the shade: darker and warmer."""
    return skin[0] * 0.55, skin[1] * 0.40, skin[2] * 0.36
