"""What is behind a head: rooms and shoulders, landscapes, slides and title cards (720p, RGB)."""

import cv2
import numpy as np

from voiceface.demo.paint import (
    Array,
    Layer,
    blob,
    bump,
    ellipse,
    mirrored,
    polygon,
    scaled,
    soft,
    to_bytes,
)
from voiceface.demo.sentences import sentence
from voiceface.demo.traits import RGB, Traits

WIDTH, HEIGHT = 1280, 720
PAN_WIDTH = 1600
"""Width of a landscape, over which the camera travels."""
POSTER = (70, 50, 400, 560)
"""Where a poster hangs: x, y, width and height in the room's picture."""
_SIZE = (HEIGHT, WIDTH)


def room(person: Traits) -> Array:
    """The speaker's room, a little out of focus: (720, 1280, 3)."""
    rng = np.random.default_rng(person.seed + 21)
    wall = _pastel(rng)
    layer = Layer(HEIGHT, WIDTH)
    layer.paint(np.ones(_SIZE, np.float32), wall)
    (_shelf, _window, _pictures, _studio)[person.room](layer, rng)
    layer.shade(0.55 + 0.55 * bump(_SIZE, 420, 240, 620, 480))
    return cv2.GaussianBlur(layer.rgb, (0, 0), 4.5)


def hall(person: Traits) -> Array:
    """A hall with a stage, seen from the last row: (720, 1280, 3)."""
    rng = np.random.default_rng(person.seed + 23)
    layer = Layer(HEIGHT, WIDTH)
    layer.paint(np.ones(_SIZE, np.float32), scaled(_pastel(rng), 0.45))
    for x in range(0, WIDTH, 106):  # curtains
        layer.tint(bump(_SIZE, x + 40, 250, 26, 400), scaled(_pastel(rng), 0.62), 0.7)
    layer.tint(bump(_SIZE, 620, 330, 190, 210), (1.0, 0.95, 0.82), 0.75)
    _box(layer, 0, 470, WIDTH, 90, (0.36, 0.25, 0.16))
    for row, y in enumerate((570, 630, 690)):  # the backs of the seats
        for x in range(-20, WIDTH, 92):
            seat = ellipse(_SIZE, x + 46 * (row % 2), y + 40, 42, 52)
            layer.paint(soft(seat, 2), scaled((0.40, 0.12, 0.14), 0.9 - 0.2 * row))
    return cv2.GaussianBlur(layer.rgb, (0, 0), 1.5)


def behind_lectern(rgb: Array, empty: Array) -> Array:
    """Someone who stands in the hall's middle, now behind a lectern; `empty` is the hall."""
    layer = Layer(HEIGHT, WIDTH)
    layer.rgb[:], layer.alpha[:] = rgb, 1.0
    layer.rgb[470:] = empty[470:]
    top = [(548.0, 402.0), (692.0, 402.0), (676.0, 424.0), (564.0, 424.0)]
    layer.paint(
        polygon(_SIZE, [(570, 420), (670, 420), (662, 534), (578, 534)]), (0.34, 0.22, 0.13)
    )
    layer.paint(polygon(_SIZE, top), (0.50, 0.34, 0.20))
    return layer.rgb


def with_poster(rgb: Array, portrait: Array) -> Array:
    """A room with a framed portrait (720, 1280, 3) on its wall, on the left."""
    x, y, w, h = POSTER
    cut = portrait[30 : 30 + h, WIDTH // 2 - w // 2 : WIDTH // 2 + w // 2]
    out = rgb.copy()
    out[y - 14 : y + h + 14, x - 14 : x + w + 14] = (0.13, 0.11, 0.10)
    out[y : y + h, x : x + w] = cv2.GaussianBlur(cut * 0.92 + 0.03, (0, 0), 1.2)
    return out


def shoulders(person: Traits, x: float, y: float, scale: float) -> Layer:
    """The clothed upper body, with the middle of its neckline at (x, y)."""
    layer = Layer(HEIGHT, WIDTH)
    wide = scale * (225 + 70 * person.masculine + 30 * person.size)
    half = [
        (0, y + 4 * scale), (wide * 0.34, y - 44 * scale), (wide * 0.8, y + 6 * scale),
        (wide * 1.14, y + 95 * scale), (wide * 1.3, y + 260), (wide * 1.3, y + 600), (0, y + 620),
    ]  # fmt: skip
    body = blob(_SIZE, mirrored(x, half))
    layer.paint(body, person.shirt)
    light = 0.62 + 0.5 * bump(_SIZE, x - wide * 0.45, y + 60, wide * 0.7, 150)
    folds = np.random.default_rng(person.seed + 3).standard_normal((18, 32)).astype(np.float32)
    light = light + 0.05 * cv2.resize(folds, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    layer.shade(light)
    shade = bump(_SIZE, x, y - 10 * scale, wide * 0.42, 34 * scale) * body
    layer.tint(shade, scaled(person.shirt, 0.4), 0.7)
    return layer


def landscape(seed: int) -> Array:
    """Sky, hills and trees, wider than the picture: (720, PAN_WIDTH, 3)."""
    rng = np.random.default_rng(seed)
    size = (HEIGHT, PAN_WIDTH)
    rows = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    sky = (
        np.array([0.35, 0.58, 0.85], np.float32) * (1 - rows) + np.array([0.97, 0.85, 0.72]) * rows
    )
    layer = Layer(*size)
    layer.paint(np.ones(size, np.float32), sky)
    layer.tint(soft(ellipse(size, rng.uniform(300, 1200), 190, 55, 55), 6), (1.0, 0.95, 0.8))
    for row, colour in (
        (380, (0.45, 0.55, 0.66)),
        (470, (0.32, 0.46, 0.44)),
        (570, (0.22, 0.36, 0.22)),
    ):
        xs = np.linspace(-50, PAN_WIDTH + 50, 14)
        ys = row + rng.uniform(-70, 50, 14)
        line = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        ridge = blob(size, [(-300.0, 1000.0), *line, (PAN_WIDTH + 300.0, 1000.0)])
        layer.tint(ridge, colour)
    for x in rng.uniform(0, PAN_WIDTH, 40):
        y, tall = rng.uniform(600, 700), rng.uniform(40, 110)
        tree = polygon(size, [(x - tall * 0.3, y), (x, y - tall), (x + tall * 0.3, y)])
        layer.tint(tree, (0.10, 0.22 + rng.uniform(0, 0.1), 0.12))
    return layer.rgb


def slide(seed: int) -> Array:
    """A slide with a heading and lines of text: (720, 1280, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), 244, np.uint8)
    accent = [int(c * 200) for c in _pastel(rng)]
    cv2.rectangle(picture, (0, 0), (WIDTH, 130), accent, -1)
    _write(picture, sentence("en", rng)[:38], (60, 90), 1.7, (255, 255, 255))
    for number in range(5):
        y = 230 + 90 * number
        cv2.rectangle(picture, (70, y - 22), (92, y), accent, -1)
        _write(picture, sentence("en", rng)[:54], (120, y), 1.1, (50, 50, 60))
    return picture.astype(np.float32) / 255


def title_card(person: Traits) -> Array:
    """The opening card of a channel: (720, 1280, 3)."""
    rows = np.linspace(0.7, 0.25, HEIGHT, dtype=np.float32)[:, None, None]
    picture = to_bytes(
        np.broadcast_to(rows * np.asarray(person.shirt, np.float32), (HEIGHT, WIDTH, 3))
    )
    picture = np.ascontiguousarray(picture)
    _write(picture, person.speaker, (360, 380), 3.5, (255, 255, 255))
    return picture.astype(np.float32) / 255


def _write(
    picture: cv2.typing.MatLike,
    text: str,
    at: tuple[int, int],
    size: float,
    colour: tuple[int, int, int],
) -> None:
    cv2.putText(
        picture, text, at, cv2.FONT_HERSHEY_DUPLEX, size, colour, round(size * 1.6), cv2.LINE_AA
    )


def _pastel(rng: np.random.Generator) -> RGB:
    hue = rng.uniform(0, 2 * np.pi)
    r, g, b = (0.62 + 0.16 * float(np.cos(hue + k)) for k in (0.0, 2.1, 4.2))
    return r, g, b


def _box(layer: Layer, x: float, y: float, w: float, h: float, colour: RGB) -> None:
    layer.paint(polygon(_SIZE, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]), colour)


def _shelf(layer: Layer, rng: np.random.Generator) -> None:
    wood: RGB = (0.42, 0.29, 0.18)
    for y in (60, 260, 460):
        x = 20.0
        while x < WIDTH:
            w, h = rng.uniform(18, 44), rng.uniform(100, 165)
            if rng.random() < 0.85:
                _box(layer, x, y + 170 - h, w, h, scaled(_pastel(rng), rng.uniform(0.35, 1.0)))
            x += w + (2 if rng.random() < 0.9 else 60)
        _box(layer, 0, y + 170, WIDTH, 14, wood)


def _window(layer: Layer, rng: np.random.Generator) -> None:
    x = 90.0 if rng.random() < 0.5 else 830.0
    _box(layer, x, 40, 350, 460, (0.95, 0.95, 0.93))
    for dx in (14, 182):
        for dy in (14, 238):
            _box(layer, x + dx, 40 + dy, 154, 208, (0.72, 0.85, 0.95))
    for side in (-70, 340):
        _box(layer, x + side, 10, 80, 560, scaled(_pastel(rng), 0.9))
    pot = 1280 - x - 230
    for _ in range(26):
        angle, long = rng.uniform(-2.6, -0.5), rng.uniform(90, 230)
        tip = (pot + long * np.cos(angle), 520 + long * np.sin(angle))
        leaf = ellipse(_SIZE, (pot + tip[0]) / 2, (520 + tip[1]) / 2, long / 2, 14, angle)
        layer.paint(leaf, (0.15, 0.34 + rng.uniform(0, 0.2), 0.17))
    _box(layer, pot - 60, 510, 120, 130, (0.62, 0.36, 0.25))


def _pictures(layer: Layer, rng: np.random.Generator) -> None:
    for x in (70, 330, 860, 1080):
        w, h, y = rng.uniform(120, 180), rng.uniform(130, 220), rng.uniform(50, 200)
        _box(layer, x, y, w, h, (0.16, 0.14, 0.13))
        _box(layer, x + 9, y + 9, w - 18, h - 18, (0.93, 0.92, 0.88))
        _box(layer, x + 28, y + 28, w - 56, h - 56, scaled(_pastel(rng), 0.8))
    layer.paint(soft(ellipse(_SIZE, 1120, 430, 200, 180), 60), (1.0, 0.90, 0.70), 0.5)
    layer.paint(
        polygon(_SIZE, [(1080, 340), (1160, 340), (1200, 450), (1040, 450)]), (0.98, 0.9, 0.75)
    )
    _box(layer, 1115, 450, 10, 270, (0.25, 0.22, 0.2))
    _box(layer, 0, 600, 420, 120, (0.36, 0.30, 0.34))


def _studio(layer: Layer, rng: np.random.Generator) -> None:
    layer.paint(np.ones(_SIZE, np.float32), scaled(_pastel(rng), 0.33))
    for x in range(0, WIDTH, 160):
        for y in range(0, HEIGHT, 160):
            tone = scaled(_pastel(rng), rng.uniform(0.30, 0.42))
            layer.paint(
                polygon(_SIZE, [(x + 4, y + 150), (x + 80, y + 8), (x + 154, y + 150)]), tone
            )
    for x in (130, 1130):
        glow = bump(_SIZE, x, 330, 150, 260)
        layer.tint(glow, _pastel(rng), 0.75)
        _box(layer, x - 7, 110, 14, 440, (1.0, 0.97, 0.95))
