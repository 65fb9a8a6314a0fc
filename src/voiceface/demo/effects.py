"""What a bad camera does to a whole frame: out of focus, in the dark, in glaring light."""

import cv2
import numpy as np

from voiceface.demo.picture import Planes
from voiceface.demo.scene import HEIGHT, WIDTH


def out_of_focus(picture: Planes) -> Planes:
    """Blur a frame, in place."""
    small = cv2.resize(picture.y, (WIDTH // 16, HEIGHT // 16), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.8)
    cv2.resize(small, (WIDTH, HEIGHT), dst=picture.y, interpolation=cv2.INTER_CUBIC)
    for plane in (picture.u, picture.v):
        small = cv2.resize(plane, (WIDTH // 16, HEIGHT // 16), interpolation=cv2.INTER_AREA)
        cv2.resize(small, (WIDTH // 2, HEIGHT // 2), dst=plane, interpolation=cv2.INTER_LINEAR)
    return picture


def in_the_dark(picture: Planes) -> Planes:
    """Darken a frame until it is nearly black, in place."""
    # Limited range: black is 16, and no colour is 128.
    return _exposed(picture, light=0.10, black=14.4, colour=0.15)


def in_glaring_light(picture: Planes, skin: float) -> Planes:
    """Wash a frame out, in place, until a face stands at full white.

    Args:
        skin: how light it is, 0 to 1: the light is as much too bright for dark skin as for pale.
    """
    return _exposed(picture, light=0.85, black=250 - 0.85 * (16 + 219 * skin), colour=0.4)


def _exposed(picture: Planes, *, light: float, black: float, colour: float) -> Planes:
    cv2.convertScaleAbs(picture.y, dst=picture.y, alpha=light, beta=black)
    np.minimum(picture.y, 235, out=picture.y)  # white, in limited range
    for plane in (picture.u, picture.v):
        cv2.convertScaleAbs(plane, dst=plane, alpha=colour, beta=128 * (1 - colour))
    return picture
