"""Things before a mouth: a hand, a sheet of paper, a microphone. In the head's own picture."""

import numpy as np

from voiceface.demo.head import CENTRE_X, HEIGHT, WIDTH, Shape
from voiceface.demo.paint import Layer, blob, bump, ellipse, polygon, scaled, soft, stroke
from voiceface.demo.traits import RGB, Traits

PROPS = ("hand", "paper", "microphone")
_SIZE = (HEIGHT, WIDTH)


def prop(kind: str, person: Traits, shape: Shape) -> Layer:
    """One of PROPS, held before mouth and nose; it moves with the head."""
    layer = Layer(*_SIZE)
    if kind == "hand":
        _hand(layer, person, shape)
    elif kind == "paper":
        _paper(layer, person, shape)
    else:
        _microphone(layer, shape)
    return layer


def _hand(layer: Layer, person: Traits, shape: Shape) -> None:
    """Four fingers laid across the mouth, from the right, and the back of the hand below."""
    x, mouth, skin = CENTRE_X, shape.mouth_y, person.skin
    edge, far = scaled(skin, 0.52), x + shape.half_width * 0.8
    wrist = [
        (far - 40, mouth - 70), (far + 60, mouth - 40), (far + 110, mouth + 330),
        (far - 60, mouth + 340), (far - 70, mouth + 90),
    ]  # fmt: skip
    back = blob(_SIZE, wrist)
    layer.paint(soft(back, 1.2), scaled(skin, 0.86))
    layer.tint(np.clip(1.1 - soft(back, 16), 0, 1) * back, edge, 0.7)
    reach = shape.mouth_rx * 1.5
    for number, y in enumerate((mouth - 46, mouth - 8, mouth + 30, mouth + 66)):
        tip = x - reach * (0.72, 1.0, 0.93, 0.66)[number]
        line = [(far + 6, y + 8), ((tip + far) / 2, y - 6), (tip, y + 4)]
        finger = stroke(_SIZE, line, (50, 44, 38))
        finger = np.maximum(finger, ellipse(_SIZE, tip, y + 4, 18, 19))
        layer.paint(soft(finger, 1.0), scaled(skin, 0.97))
        layer.tint(np.clip(1.12 - soft(finger, 7), 0, 1) * finger, edge, 0.75)
        layer.tint(bump(_SIZE, (tip + far) / 2, y - 12, 60, 7) * finger, scaled(skin, 1.15), 0.5)
        nail = ellipse(_SIZE, tip - 3, y + 2, 9, 11)
        layer.tint(soft(nail, 1.2), (min(skin[0] * 1.1, 1.0), skin[1] * 0.9, skin[2] * 0.9), 0.8)


def _paper(layer: Layer, person: Traits, shape: Shape) -> None:
    """A printed sheet, a little askew."""
    x, top, wide = CENTRE_X, shape.nose_y + 6, shape.half_width * 1.25
    sheet = [(x - wide, top + 22), (x + wide, top - 14), (x + wide + 30, 790), (x - wide + 26, 798)]
    mask = polygon(_SIZE, sheet)
    layer.paint(mask, (0.93, 0.92, 0.88))
    layer.tint(bump(_SIZE, x + wide * 0.6, top + 200, wide * 0.5, 240) * mask, (0.72, 0.71, 0.69))
    rng = np.random.default_rng(person.seed + 31)
    for row in range(8):
        y = top + 50 + 34 * row
        start, end = x - wide * 0.82, x + wide * rng.uniform(0.2, 0.82)
        line = stroke(_SIZE, [(start, y + 10), (end, y - 8)], (7, 7))
        layer.tint(soft(line, 0.8) * mask, (0.25, 0.25, 0.28), 0.8)


def _microphone(layer: Layer, shape: Shape) -> None:
    """A microphone with a ball of foam on its stand."""
    x, y = CENTRE_X + 6, (shape.nose_y + shape.mouth_y) / 2 + 26
    radius = max(shape.mouth_rx * 1.25, 78)
    dark: RGB = (0.10, 0.10, 0.11)
    stand = polygon(_SIZE, [(x - 26, y + 40), (x + 26, y + 40), (x + 34, 800), (x - 34, 800)])
    layer.paint(stand, (0.20, 0.20, 0.22))
    layer.tint(bump(_SIZE, x - 9, y + 200, 6, 400) * stand, (0.55, 0.55, 0.58), 0.8)
    ball = ellipse(_SIZE, x, y, radius, radius * 1.08)
    layer.paint(soft(ball, 1.5), dark)
    layer.tint(bump(_SIZE, x - radius * 0.35, y - radius * 0.4, radius * 0.4, radius * 0.4) * ball,
               (0.38, 0.38, 0.40), 0.8)  # fmt: skip
    rng = np.random.default_rng(5)
    speckle = soft(rng.standard_normal(_SIZE).astype(np.float32), 1.6)
    layer.shade(1 + 1.6 * speckle * ball)
