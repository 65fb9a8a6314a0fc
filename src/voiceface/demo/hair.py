"""Hair and beards."""

import numpy as np

from voiceface.demo.head import CENTRE_X, EYE_Y, HEIGHT, WIDTH, Shape, face_mask, outline
from voiceface.demo.paint import (
    Array,
    Layer,
    blob,
    bump,
    ellipse,
    grain,
    mirrored,
    polygon,
    scaled,
    soft,
)
from voiceface.demo.traits import Traits

# How far the hair stands off the skull, in pixels, by style.
VOLUME = {
    "long": 32, "bob": 36, "curly": 40, "bun": 18, "fringe": 30, "side": 24, "short": 16,
    "receding": 12, "buzz": 6, "quiff": 26,
}  # fmt: skip


def paint_back(layer: Layer, person: Traits, shape: Shape) -> None:
    """What hangs behind the head; painted before neck and face."""
    style, size = person.hair_style, layer.shape
    if style in ("long", "fringe", "bob"):
        reach = {"long": 215, "fringe": 150, "bob": 40}[style]
        if person.gender == "m":
            reach = 70
        w, chin = shape.half_width + VOLUME[style], shape.chin_y
        flare = 26 if style == "bob" else 6
        half = [(0, shape.top_y - 28), (w * 0.72, shape.top_y + 22), (w * 1.02, EYE_Y - 60),
                (w + flare, EYE_Y + 90), (w + flare, chin + reach * 0.5), (w * 0.82, chin + reach),
                (w * 0.42, chin + reach * 0.9)]  # fmt: skip
        paint_strands(layer, person, blob(size, mirrored(CENTRE_X, half)), dark=0.72)
    elif style == "bun":
        paint_strands(layer, person, ellipse(size, CENTRE_X, shape.top_y - 34, 66, 54), dark=0.85)
    elif style == "curly" and person.gender == "f":
        paint_strands(layer, person, _curls(person, shape, 40, EYE_Y + 150), dark=0.8)


def paint_front(layer: Layer, person: Traits, shape: Shape) -> None:
    """What lies on the skull and frames the face; painted after the face."""
    style, size = person.hair_style, layer.shape
    x, w = CENTRE_X, shape.half_width
    long_sides = style in ("long", "bob", "fringe") and person.gender == "f"
    edge = outline(shape, VOLUME[style])
    if not long_sides:  # short hair lies close above the ears
        close = np.clip((edge[:, 1:] - (EYE_Y - 130)) / 110, 0, 1)
        edge = edge + (outline(shape, 2) - edge) * close
    cap = polygon(size, edge)
    bottom = EYE_Y + (shape.length * 0.36 if long_sides else 24 + 20 * person.masculine)
    mask = cap * (1 - _window(person, shape))
    rows = np.arange(size[0])[:, None]
    mask = mask * np.clip((bottom - rows) / 40 + 0.5, 0, 1)
    if style == "curly":
        mask = np.maximum(
            mask, _curls(person, shape, 30, EYE_Y - 40) * (1 - _window(person, shape))
        )
    if style == "quiff":
        quiff = blob(size, [
            (x - w * 0.75, shape.top_y + 55), (x - 70, shape.top_y - 34),
            (x + 60, shape.top_y - 58), (x + w * 0.8, shape.top_y + 20),
            (x + w * 0.55, shape.top_y + 78),
        ])  # fmt: skip
        mask = np.maximum(mask, quiff)
    # Hair throws a shadow on the forehead.
    shade = soft(mask, 11) * face_mask(shape) * (1 - mask)
    layer.tint(shade, scaled(person.skin, 0.42), 0.55)
    paint_strands(layer, person, mask, opacity=0.72 if style == "buzz" else 1.0)


def paint_beard(layer: Layer, person: Traits, shape: Shape) -> None:
    """The beard, if there is one."""
    if not person.beard:
        return
    size, x = layer.shape, CENTRE_X
    w, mouth_y, chin = shape.half_width, shape.mouth_y, shape.chin_y
    lip = shape.mouth_rx
    under_nose: list[tuple[float, float]] = [
        (0, shape.nose_y + 14),
        (lip * 0.7, mouth_y - 22),
        (lip * 1.1, mouth_y + 10),
        (0, mouth_y - 9),
    ]
    jaw: list[tuple[float, float]] = [
        (0, mouth_y + 4),
        (lip * 1.3, mouth_y - 16),
        (w * 0.84, mouth_y - 30),
        (w * 1.1, EYE_Y + 40),
        (w, chin + 18),
        (0, chin + 40),
    ]
    below: list[tuple[float, float]] = [
        (0, mouth_y + 30), (lip * 0.95, mouth_y + 14), (46, chin + 6), (0, chin + 20),
    ]  # fmt: skip
    moustache, goatee = blob(size, mirrored(x, under_nose)), blob(size, mirrored(x, below))
    room = 14 if person.beard == 2 else 0
    skin = polygon(size, outline(shape, room))
    cheeks = blob(size, mirrored(x, jaw)) * skin * (1 - _lips_room(shape, size))
    mask, strength = {
        1: (np.maximum(cheeks, moustache), 0.34),
        2: (np.maximum(cheeks, moustache), 0.92),
        3: (moustache, 0.92),
        4: (np.maximum(goatee, moustache), 0.9),
    }[person.beard]
    paint_strands(layer, person, soft(mask, 5), opacity=strength, dark=0.8)


def _lips_room(shape: Shape, size: tuple[int, int]) -> Array:
    """Where no beard grows: around the lips."""
    return np.clip(bump(size, CENTRE_X, shape.mouth_y + 8, shape.mouth_rx * 0.72, 15) * 1.7, 0, 1)


def _window(person: Traits, shape: Shape) -> Array:
    """The part of the face that the hair leaves free."""
    x, w, length = CENTRE_X, shape.half_width, shape.length
    line = {"fringe": 0.145, "receding": 0.40, "buzz": 0.31, "quiff": 0.30, "bun": 0.31}.get(
        person.hair_style, 0.275
    )
    tilt = {"side": 0.075, "long": 0.06, "quiff": -0.03}.get(person.hair_style, 0.0)
    top = EYE_Y - line * length
    temple = EYE_Y - (0.17 if person.hair_style != "receding" else 0.26) * length
    inset = {"long": 0.80, "bob": 0.78, "fringe": 0.80, "curly": 0.86}.get(person.hair_style, 0.93)
    if person.gender == "m":
        inset = 0.95
    points = [
        (x - w * inset, shape.chin_y + 60), (x - w * inset, EYE_Y + 20),
        (x - w * inset * 0.96, temple),
        (x - w * 0.55, top + tilt * length + 10), (x - w * 0.05, top - 4),
        (x + w * 0.55, top - tilt * length * 0.4 + 8), (x + w * inset * 0.96, temple),
        (x + w * inset, EYE_Y + 20), (x + w * inset, shape.chin_y + 60),
    ]  # fmt: skip
    if person.hair_style == "receding":  # corners climb further than the middle
        points[3] = (x - w * 0.5, top - 14)
        points[5] = (x + w * 0.5, top - 14)
        points[4] = (x, top + 12)
    hole = blob((HEIGHT, WIDTH), points)
    # A hairline is not cut with scissors.
    ragged = (
        0.22 * grain(hole.shape, person.seed + 5, 1.4, 5.0) * soft(hole, 6) * (1 - soft(hole, 6))
    )
    return np.clip(soft(hole, 2.0) + 4 * ragged, 0, 1)


def _curls(person: Traits, shape: Shape, radius: float, lowest: float) -> Array:
    rng = np.random.default_rng(person.seed + 9)
    edge = outline(shape, VOLUME["curly"] * 0.6)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    for px, py in edge[::3]:
        if py < lowest:
            r = radius * rng.uniform(0.75, 1.2)
            at = rng.uniform(-6, 6, 2)
            mask = np.maximum(mask, ellipse(mask.shape, px + at[0], py + at[1], r, r))
    return mask


def paint_strands(
    layer: Layer, person: Traits, mask: Array, *, opacity: float = 1.0, dark: float = 1.0
) -> None:
    """Fill `mask` with strands of hair: lighter in a band near the top, darker towards the edge."""
    size = layer.shape
    if person.hair_style == "curly":
        strands = (
            grain(size, person.seed + 1, 5.0, 5.0) * 0.16
            + grain(size, person.seed + 2, 2, 2) * 0.07
        )
    else:
        strands = (
            grain(size, person.seed + 1, 1.1, 22.0) * 0.08
            + grain(size, person.seed + 2, 3.5, 40.0) * 0.09
        )
    inner = np.clip(soft(mask, 13) * 1.6 - 0.6, 0, 1)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    bend = 0.0011 * (columns - CENTRE_X + 40) ** 2
    shine = np.exp(-(((rows - bend - (EYE_Y - 190)) / 30) ** 2)) * 0.32
    light = dark * (0.62 + 0.38 * inner + strands + shine - 0.10 * (columns > CENTRE_X + 90))
    colour = np.asarray(person.hair, np.float32) * np.clip(light, 0.2, 1.9)[..., None]
    layer.paint(mask, np.clip(colour + 0.03 * shine[..., None], 0, 1), opacity)
