"""A head that looks away: in profile, or from behind."""

import numpy as np

from voiceface.demo.hair import VOLUME, paint_back, paint_strands
from voiceface.demo.head import (
    CENTRE_X,
    EYE_Y,
    HEIGHT,
    WIDTH,
    Shape,
    outline,
    paint_ears,
    paint_neck,
)
from voiceface.demo.paint import Layer, blob, bump, ellipse, polygon, scaled, soft, stroke
from voiceface.demo.traits import Traits

# Outline of a head that looks to the left, in shares of its length from the ear's height.
_PROFILE = (
    (-0.10, -0.47), (-0.26, -0.38), (-0.335, -0.24), (-0.345, -0.10), (-0.318, -0.03),
    (-0.37, 0.07), (-0.435, 0.165), (-0.405, 0.20), (-0.345, 0.212), (-0.372, 0.262),
    (-0.345, 0.288), (-0.362, 0.322), (-0.332, 0.365), (-0.348, 0.43), (-0.305, 0.495),
    (-0.20, 0.49), (-0.02, 0.40), (0.10, 0.36), (0.30, 0.25), (0.385, 0.02), (0.36, -0.22),
    (0.20, -0.43), (0.04, -0.49),
)  # fmt: skip
_PROFILE_HAIR = (
    (-0.29, -0.35), (-0.31, -0.30), (-0.20, -0.24), (-0.06, -0.17), (-0.06, 0.02), (0.0, 0.06),
    (0.10, -0.04), (0.13, 0.16), (0.20, 0.30), (0.33, 0.26), (0.42, 0.02), (0.39, -0.26),
    (0.22, -0.47), (0.04, -0.53), (-0.13, -0.50),
)  # fmt: skip


def from_behind(person: Traits, shape: Shape) -> Layer:
    """The back of the head."""
    layer = Layer(HEIGHT, WIDTH)
    paint_neck(layer, person, shape)
    paint_ears(layer, person, shape)
    size = layer.shape
    skull = polygon(size, outline(shape, VOLUME[person.hair_style]))
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    end = EYE_Y + 0.37 * shape.length - 0.0035 * (columns - CENTRE_X) ** 2
    nape = np.clip((end - rows) / 24, 0, 1)
    layer.paint(soft(skull * nape, 1.0), scaled(person.skin, 0.75))
    paint_strands(layer, person, soft(skull * nape, 1.5))
    paint_back(layer, person, shape)
    return layer


def in_profile(person: Traits, shape: Shape) -> Layer:
    """The head seen from its side."""
    layer = Layer(HEIGHT, WIDTH)
    if person.hair_style in ("long", "fringe", "bob", "bun"):
        paint_back(layer, person, shape)
    paint_neck(layer, person, shape)
    size, length, x = layer.shape, shape.length, CENTRE_X
    head = blob(size, np.asarray(_PROFILE) * length + [x, EYE_Y])
    layer.paint(head, person.skin)
    edge = np.clip(1.2 - soft(head, 30), 0, 1) * head
    layer.tint(edge, scaled(person.skin, 0.5), 0.8)
    layer.tint(bump(size, x - 0.2 * length, EYE_Y + 0.18 * length, 40, 34) * head,
               scaled(person.skin, 1.08), 0.6)  # fmt: skip
    eye_x, eye_y = x - 0.265 * length, EYE_Y - 0.01 * length
    layer.paint(blob(size, [(eye_x - 13, eye_y), (eye_x + 2, eye_y - 11), (eye_x + 17, eye_y + 2),
                            (eye_x + 1, eye_y + 7)]), (0.94, 0.93, 0.92))  # fmt: skip
    layer.paint(ellipse(size, eye_x - 7, eye_y - 1, 4, 8), scaled(person.eyes, 0.5))
    lid = stroke(
        size, [(eye_x - 15, eye_y), (eye_x + 2, eye_y - 12), (eye_x + 19, eye_y + 2)], (4, 5, 2)
    )
    layer.paint(lid, (0.1, 0.07, 0.07))
    brow = [(eye_x - 24, eye_y - 36), (eye_x, eye_y - 44), (eye_x + 34, eye_y - 34)]
    layer.paint(soft(stroke(size, brow, (8, 10, 3)), 1.2), scaled(person.hair, 0.6), 0.9)
    lip_y = EYE_Y + 0.288 * length
    lips = [
        (x - 0.372 * length, lip_y - 9),
        (x - 0.27 * length, lip_y + 3),
        (x - 0.365 * length, lip_y + 14),
    ]
    layer.tint(soft(blob(size, lips), 1.5) * head, person.lips, 0.9)
    nostril = ellipse(size, x - 0.372 * length, EYE_Y + 0.195 * length, 7, 3.5)
    layer.tint(soft(nostril, 1.5) * head, scaled(person.skin, 0.3))
    paint_strands(
        layer, person, soft(blob(size, np.asarray(_PROFILE_HAIR) * length + [x, EYE_Y]), 1.5)
    )
    ear = ellipse(size, x + 0.045 * length, EYE_Y + 0.06 * length, 22, 0.085 * length, 0.2)
    layer.paint(ear, scaled(person.skin, 0.92))
    inner = ellipse(size, x + 0.045 * length, EYE_Y + 0.055 * length, 11, 0.055 * length, 0.2)
    layer.tint(soft(inner, 4), scaled(person.skin, 0.5), 0.7)
    return layer
