"""Frames: heads that move, over backgrounds that were painted once. All in planar YUV 4:2:0."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from voiceface.demo import features, hair, head, props, turned
from voiceface.demo.features import Patch
from voiceface.demo.paint import Array, Bytes, Layer, bump, to_bytes
from voiceface.demo.scene import HEIGHT, WIDTH
from voiceface.demo.traits import Traits

Matrix = npt.NDArray[np.float64]

MOUTH_LEVELS = 9
_EYE_LEVELS = 4
_FAR = 0.1  # below this share of its area, a head is scaled down before it is laid over a frame
_ROOM = 46  # the face area that yaw and pitch bend reaches this far beyond the skin


@dataclass(frozen=True)
class Pose:
    """Where a head is: pixels of the frame, but for `tilt` (radians) and `scale`."""

    x: float
    y: float
    tilt: float
    scale: float
    yaw: float
    """Shift of the nose against the ears: a slight turn."""
    pitch: float

    def matrix(self) -> Matrix:
        """2 × 3: from the head's picture into the frame. The head tilts about its neck."""
        c, s = np.cos(self.tilt) * self.scale, np.sin(self.tilt) * self.scale
        rotate = np.array([[c, -s], [s, c]])
        pivot = np.array([head.CENTRE_X, head.EYE_Y + 230])
        at = np.array([self.x, self.y + 230 * self.scale])
        return np.concatenate([rotate, (at - rotate @ pivot)[:, None]], 1)


@dataclass(frozen=True)
class Look:
    """How a face is set: `opening` of the mouth and `lids` from 0 (shut) to 1."""

    emotion: str = "neutral"
    opening: float = 0.0
    lids: float = 1.0


@dataclass
class Planes:
    """One I420 picture: `data` is (720 × 3 / 2, 1280) uint8, the others are views of it."""

    data: Bytes
    y: Bytes = field(init=False)
    u: Bytes = field(init=False)
    v: Bytes = field(init=False)

    def __post_init__(self) -> None:
        quarter = HEIGHT // 4
        self.y = self.data[:HEIGHT]
        self.u = self.data[HEIGHT : HEIGHT + quarter].reshape(HEIGHT // 2, WIDTH // 2)
        self.v = self.data[HEIGHT + quarter :].reshape(HEIGHT // 2, WIDTH // 2)

    @staticmethod
    def of(rgb: Array) -> "Planes":
        """From colours (720, 1280, 3)."""
        return Planes(cv2.cvtColor(to_bytes(rgb), cv2.COLOR_RGB2YUV_I420))

    def rgb(self) -> Array:
        """The colours (720, 1280, 3), from 0 to 1."""
        return cv2.cvtColor(self.data, cv2.COLOR_YUV2RGB_I420).astype(np.float32) / 255

    def copy(self) -> "Planes":
        """The same picture in memory of its own."""
        return Planes(self.data.copy())


class Sprite:
    """A head's picture with its outline, ready to be laid over a frame."""

    def __init__(self, layer: Layer) -> None:
        hidden = (layer.alpha < 0.02)[..., None]
        # Beyond the outline: the colours next to it, so that edges do not mix with black.
        spread = cv2.GaussianBlur(layer.rgb * layer.alpha[..., None], (0, 0), 6)
        weight = cv2.GaussianBlur(layer.alpha, (0, 0), 6)[..., None] + 1e-3
        self.rgb = to_bytes(np.where(hidden, spread / weight, layer.rgb))
        self.alpha = to_bytes(layer.alpha)
        rows, columns = np.flatnonzero(self.alpha.any(1)), np.flatnonzero(self.alpha.any(0))
        # Only this part is drawn; its sides are even, for the chroma planes.
        self._x0, self._x1 = columns[0] // 2 * 2, (columns[-1] + 2) // 2 * 2
        self._y0, self._y1 = rows[0] // 2 * 2, (rows[-1] + 2) // 2 * 2
        self.alpha = self.alpha[self._y0 : self._y1, self._x0 : self._x1]
        self._half = cv2.resize(self.alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    def draw(self, rgb: Bytes, matrix: Matrix, onto: Planes) -> None:
        """Lay `rgb` (this sprite's picture, or a version of it) over a frame."""
        h, w = self.alpha.shape
        rgb = np.ascontiguousarray(rgb[self._y0 : self._y1, self._x0 : self._x1])
        matrix = matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ [self._x0, self._y0]
        if np.linalg.det(matrix[:, :2]) < _FAR:
            _draw_far(rgb, self.alpha, matrix, onto)
            return
        corners = np.array([[0, 0], [w, 0], [w, h], [0, h]]) @ matrix[:, :2].T + matrix[:, 2]
        x0, y0 = (np.maximum(np.floor(corners.min(0) / 2) * 2, 0)).astype(int)
        x1, y1 = np.minimum(np.ceil(corners.max(0) / 2) * 2, [WIDTH, HEIGHT]).astype(int)
        yuv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
        luma, chroma = yuv[:h], yuv[h:].reshape(2, h // 2, w // 2)
        moved = matrix.copy()
        moved[:, 2] -= [x0, y0]
        _blend(onto.y[y0:y1, x0:x1], luma, self.alpha, moved)
        # Chroma's pixel centres lie between luma's: x_luma = 2 x_chroma + 1/2.
        half = moved.copy()
        half[:, 2] = (moved[:, :2] @ [0.5, 0.5] + moved[:, 2] - 0.5) / 2
        box = slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)
        _blend(onto.u[box], chroma[0], self._half, half)
        _blend(onto.v[box], chroma[1], self._half, half)


def _draw_far(rgb: Bytes, alpha: Bytes, matrix: Matrix, onto: Planes) -> None:
    """Lay over a frame what is so small there that bilinear sampling would miss most of it."""
    matrix = matrix.copy()
    while np.linalg.det(matrix[:, :2]) < 0.3:
        rgb = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        matrix[:, :2] *= 2
    size = (WIDTH, HEIGHT)
    moved = cv2.warpAffine(rgb, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, matrix, size)
    yuv = Planes(cv2.cvtColor(moved, cv2.COLOR_RGB2YUV_I420))
    half = cv2.resize(cover, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    for under, over, mask in ((onto.y, yuv.y, cover), (onto.u, yuv.u, half), (onto.v, yuv.v, half)):
        part = cv2.multiply(over, mask, scale=1 / 255)
        rest = cv2.multiply(under, cv2.bitwise_not(mask), scale=1 / 255)
        cv2.add(part, rest, dst=under)


def _blend(onto: Bytes, plane: Bytes, alpha: Bytes, matrix: Matrix) -> None:
    size = (onto.shape[1], onto.shape[0])
    colour = cv2.warpAffine(
        plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    cover = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    over = cv2.multiply(colour, cover, scale=1 / 255)
    under = cv2.multiply(onto, cv2.bitwise_not(cover), scale=1 / 255)
    cv2.add(over, under, dst=onto)


class Head:
    """A person's head. Its parts are painted when first needed and kept."""

    def __init__(self, person: Traits) -> None:
        self.person = person
        self.shape = head.shape_of(person)
        self._front: Sprite | None = None
        self._away: dict[str, Sprite] = {}
        self._props: dict[str, Sprite] = {}
        self._patches: dict[tuple[object, ...], Patch | None] = {}
        self._bend: tuple[tuple[int, int, int, int], Array, Array, Array, Array] | None = None

    def draw(self, pose: Pose, look: Look, onto: Planes) -> None:
        """Draw the face from the front."""
        if self._front is None:
            self._front = Sprite(self._paint())
        picture = self._front.rgb.copy()
        for patch in self._parts(look):
            if patch is not None:
                h, w = patch.rest.shape[:2]
                under = picture[patch.y : patch.y + h, patch.x : patch.x + w]
                cv2.add(cv2.multiply(under, patch.rest, scale=1 / 255), patch.colour, dst=under)
        self._turn(picture, pose, look.opening)
        self._front.draw(picture, pose.matrix(), onto)

    def draw_away(self, pose: Pose, side: str, onto: Planes) -> None:
        """Draw the head turned away: `side` is profile or behind."""
        if side not in self._away:
            paint = turned.in_profile if side == "profile" else turned.from_behind
            self._away[side] = Sprite(paint(self.person, self.shape))
        self._away[side].draw(self._away[side].rgb, pose.matrix(), onto)

    def draw_prop(self, pose: Pose, kind: str, onto: Planes) -> None:
        """Draw what is before the mouth: `kind` is one of props.PROPS."""
        if kind not in self._props:
            self._props[kind] = Sprite(props.prop(kind, self.person, self.shape))
        self._props[kind].draw(self._props[kind].rgb, pose.matrix(), onto)

    def _paint(self) -> Layer:
        layer = Layer(head.HEIGHT, head.WIDTH)
        person, shape = self.person, self.shape
        hair.paint_back(layer, person, shape)
        head.paint_ears(layer, person, shape)
        head.paint_neck(layer, person, shape)
        head.paint_face(layer, person, shape)
        hair.paint_beard(layer, person, shape)
        hair.paint_front(layer, person, shape)
        return layer

    def _parts(self, look: Look) -> list[Patch | None]:
        level = round(look.opening * (MOUTH_LEVELS - 1))
        lids = round(look.lids * (_EYE_LEVELS - 1))
        person, shape, mood, kept = self.person, self.shape, look.emotion, self._patches
        if (key := ("mouth", mood, level)) not in kept:
            kept[key] = features.mouth(person, shape, mood, level / (MOUTH_LEVELS - 1))
        if (eyes := ("eyes", mood, lids)) not in kept:
            kept[eyes] = features.eyes(person, shape, mood, lids / (_EYE_LEVELS - 1))
        if (brows := ("brows", mood)) not in kept:
            kept[brows] = features.brows(person, shape, mood)
        if (glasses := ("glasses",)) not in kept:
            kept[glasses] = features.glasses(person, shape)
        return [kept[eyes], kept[key], kept[brows], kept[glasses]]

    def _turn(self, picture: Bytes, pose: Pose, opening: float) -> None:
        """Bend the face: what stands out of the head moves further when it turns."""
        if self._bend is None:
            self._bend = self._bend_fields()
        (x0, y0, x1, y1), xs, ys, near, jaw = self._bend
        map_x = cv2.scaleAdd(near, -pose.yaw, xs)
        map_y = cv2.scaleAdd(jaw, -9 * opening, cv2.scaleAdd(near, -pose.pitch, ys))
        area = picture[y0:y1, x0:x1].copy()
        picture[y0:y1, x0:x1] = cv2.remap(
            area, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def _bend_fields(self) -> tuple[tuple[int, int, int, int], Array, Array, Array, Array]:
        s = self.shape
        x0, x1 = int(head.CENTRE_X - s.half_width) - 20, int(head.CENTRE_X + s.half_width) + 20
        y0, y1 = int(head.EYE_Y - 0.36 * s.length), int(s.chin_y) + _ROOM
        size = (y1 - y0, x1 - x0)
        ys, xs = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
        middle, eye = size[1] / 2, head.EYE_Y - y0
        near = bump(size, middle, eye + 0.10 * s.length, s.half_width * 0.55, 0.22 * s.length)
        rim = np.minimum(np.minimum(xs, size[1] - 1 - xs), np.minimum(ys, size[0] - 1 - ys))
        near = near * np.clip(rim / 24, 0, 1)
        # The jaw hangs from the corners of the mouth down, and the chin moves most.
        below = bump(size, middle, s.chin_y - y0 - 12, s.half_width * 0.6, 0.07 * s.length)
        return (
            (x0, y0, x1, y1),
            xs,
            ys,
            near,
            below * np.clip(rim / 24, 0, 1),
        )
