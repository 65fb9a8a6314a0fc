"""One video's frames: the script's stretches as pictures at any time."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voiceface.demo import scene
from voiceface.demo.head import EYE_Y, shape_of
from voiceface.demo.paint import Array
from voiceface.demo.picture import Head, Look, Matrix, Planes, Pose
from voiceface.demo.scene import HEIGHT, WIDTH
from voiceface.demo.script import RATE_HZ, Script, Stretch
from voiceface.demo.sound import loudness
from voiceface.demo.traits import Traits

# Zoom of the whole picture, and the shift of its middle, in pixels.
_FRAMINGS = ((1.0, 0, 0), (1.08, 46, 14), (1.15, -84, 28), (1.05, -28, 4), (1.11, 64, 24))
_NOISES = 8
_LOUD = 0.115  # RMS at which the mouth is wide open


@dataclass(frozen=True)
class Place:
    """Where someone sits: the middle of the eyes, and the size of the head."""

    x: float
    y: float
    scale: float


_ALONE = Place(640, 305, 0.89)
_LEFT, _RIGHT = Place(370, 330, 0.80), Place(915, 330, 0.80)


def mouth_openings(
    voice: npt.NDArray[np.float32], rate_hz: int, at_s: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How far the mouth is open at each time, 0 to 1: it follows the voice's loudness."""
    return np.clip(loudness(voice, rate_hz, at_s) / _LOUD, 0, 1) ** 0.75


class Camera:
    """Films one script."""

    def __init__(
        self,
        person: Traits,
        guest: Traits,
        script: Script,
        at_s: npt.NDArray[np.float64],
        seed: list[int],
    ) -> None:
        self._rng = np.random.default_rng([*seed, 1])
        self._script, self._at_s = script, at_s
        self._main, self._guest = Head(person), Head(guest)
        self._main_mouth = mouth_openings(script.main, RATE_HZ, at_s)
        self._guest_mouth = mouth_openings(script.guest, RATE_HZ, at_s)
        self._sway = {head: self._rng.uniform(0, 6.3, (6, 2)) for head in (self._main, self._guest)}
        self._blinks = np.cumsum(self._rng.uniform(1.8, 5.0, 1 + int(at_s[-1])))
        self._framing = _FRAMINGS[int(self._rng.integers(0, 4))]
        self._stages: dict[tuple[object, ...], Planes] = {}
        self._wide: dict[int, Array] = {}
        self._noise = [self._grain() for _ in range(_NOISES)]
        self._held: Planes | None = None

    def frame(self, number: int) -> npt.NDArray[np.uint8]:
        """Frame `number` as I420, (1080, 1280) uint8. To be asked for in order."""
        at = float(self._at_s[number])
        index = self._index(at)
        stretch = self._script.stretches[index]
        if stretch.trouble == "frozen" and self._held is not None:
            return self._held.data
        picture = self._shot(stretch, index, number, at)
        if stretch.trouble == "blur":
            picture = _out_of_focus(picture)
        elif stretch.trouble == "dark":
            picture = _in_the_dark(picture)
        dx, dy = self._rng.integers(0, 16, 2) * 2
        grain = self._noise[number % _NOISES][dy : dy + HEIGHT, dx : dx + WIDTH]
        cv2.add(picture.y, grain, dst=picture.y)
        self._held = picture
        return picture.data

    def _index(self, at: float) -> int:
        ends = [stretch.end_s for stretch in self._script.stretches]
        return min(int(np.searchsorted(ends, at, side="right")), len(ends) - 1)

    def _shot(self, stretch: Stretch, index: int, number: int, at: float) -> Planes:
        if stretch.face == "none":
            return self._insert(stretch, index, at)
        if stretch.face == "two":
            picture = self._stage("two", (1.0, 0, 0)).copy()
            self._draw(self._main, _LEFT, stretch, number, at, picture, (1.0, 0, 0))
            self._draw(self._guest, _RIGHT, stretch, number, at, picture, (1.0, 0, 0))
            return picture
        framing = self._framing
        if stretch.trouble == "cuts":
            step = int((at - stretch.start_s) / 0.9)
            framing = _FRAMINGS[(index + 1 + step) % len(_FRAMINGS)]
        kind = "guest" if stretch.face == "guest" else "main"
        picture = self._stage(kind, framing).copy()
        head = self._guest if kind == "guest" else self._main
        if stretch.face == "turned":
            pose = self._pose(head, _ALONE, at, framing)
            head.draw_away(pose, "profile" if index % 2 else "behind", picture)
        else:
            self._draw(head, _ALONE, stretch, number, at, picture, framing)
        return picture

    def _draw(
        self, head: Head, place: Place, stretch: Stretch, number: int, at: float, onto: Planes,
        framing: tuple[float, int, int],
    ) -> None:  # fmt: skip
        main = head is self._main
        opening = (self._main_mouth if main else self._guest_mouth)[number]
        emotion = stretch.emotion if main else "neutral"
        # Both people of one video blink at their own times.
        shift = 0.0 if main else 0.9
        look = Look(emotion, float(opening), self._lids(at + shift))
        head.draw(self._pose(head, place, at, framing), look, onto)

    def _lids(self, at: float) -> float:
        since = at - self._blinks[np.searchsorted(self._blinks, at, side="right") - 1]
        return float(np.clip(abs(since - 0.11) / 0.11, 0, 1)) if 0 <= since < 0.22 else 1.0

    def _pose(self, head: Head, place: Place, at: float, framing: tuple[float, int, int]) -> Pose:
        phase = self._sway[head]
        slow = np.sin(at * np.array([0.61, 0.83, 0.72, 0.47, 0.91, 1.07]) + phase[:, 0])
        fast = np.sin(at * np.array([2.3, 2.9, 2.1, 1.7, 2.6, 3.1]) + phase[:, 1])
        x, y, tilt, size, yaw, pitch = (0.75 * slow + 0.25 * fast).tolist()
        zoom, dx, dy = framing
        return Pose(
            x=(place.x + 20 * x - WIDTH / 2) * zoom + WIDTH / 2 + dx,
            y=(place.y + 9 * y - HEIGHT / 2) * zoom + HEIGHT / 2 + dy,
            tilt=0.055 * tilt,
            scale=place.scale * zoom * (1 + 0.018 * size),
            yaw=11 * yaw,
            pitch=6 * pitch,
        )

    def _stage(self, kind: str, framing: tuple[float, int, int]) -> Planes:
        """The room with the shoulders of those in it, through a framing."""
        if (key := (kind, framing)) not in self._stages:
            seats = {
                "main": [(self._main, _ALONE)],
                "guest": [(self._guest, _ALONE)],
                "two": [(self._main, _LEFT), (self._guest, _RIGHT)],
            }[kind]
            rgb = scene.room(seats[0][0].person)
            for head, place in seats:
                shape = shape_of(head.person)
                neck = place.y + (shape.chin_y + 118 - EYE_Y) * place.scale
                body = scene.shoulders(head.person, place.x, neck, place.scale)
                cover = body.alpha[..., None]
                rgb = rgb * (1 - cover) + body.rgb * cover
            self._stages[key] = Planes.of(_framed(rgb, framing))
        return self._stages[key]

    def _insert(self, stretch: Stretch, index: int, at: float) -> Planes:
        """A picture without anybody: a title card, a slide, or a landscape that passes by."""
        if stretch.trouble == "jingle":
            return self._still(("title",), lambda: scene.title_card(self._main.person))
        if index % 3 == 0:
            return self._still(
                ("slide", index), lambda: scene.slide(self._main.person.seed + index)
            )
        if index not in self._wide:
            # Only the latest is kept: a long video has many.
            self._wide = {index: scene.landscape(self._main.person.seed + index)}
        share = (at - stretch.start_s) / (stretch.end_s - stretch.start_s)
        x = round((scene.PAN_WIDTH - WIDTH) * share / 2) * 2
        return Planes.of(np.ascontiguousarray(self._wide[index][:, x : x + WIDTH]))

    def _still(self, key: tuple[object, ...], paint: Callable[[], Array]) -> Planes:
        if key not in self._stages:
            self._stages[key] = Planes.of(paint())
        return self._stages[key].copy()

    def _grain(self) -> npt.NDArray[np.uint8]:
        """The camera's noise, a little larger than the picture; its mean is added to all frames."""
        raw = self._rng.standard_normal((HEIGHT + 32, WIDTH + 32)).astype(np.float32)
        return np.clip(1.5 + 1.1 * raw, 0, 6).round().astype(np.uint8)


def _framed(rgb: Array, framing: tuple[float, int, int]) -> Array:
    zoom, dx, dy = framing
    matrix: Matrix = np.array(
        [[zoom, 0, WIDTH / 2 * (1 - zoom) + dx], [0, zoom, HEIGHT / 2 * (1 - zoom) + dy]]
    )
    return cv2.warpAffine(rgb, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def _out_of_focus(picture: Planes) -> Planes:
    small = cv2.resize(picture.y, (WIDTH // 16, HEIGHT // 16), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.8)
    cv2.resize(small, (WIDTH, HEIGHT), dst=picture.y, interpolation=cv2.INTER_CUBIC)
    for plane in (picture.u, picture.v):
        small = cv2.resize(plane, (WIDTH // 16, HEIGHT // 16), interpolation=cv2.INTER_AREA)
        cv2.resize(small, (WIDTH // 2, HEIGHT // 2), dst=plane, interpolation=cv2.INTER_LINEAR)
    return picture


def _in_the_dark(picture: Planes) -> Planes:
    # Limited range: black is 16, and no colour is 128.
    cv2.convertScaleAbs(picture.y, dst=picture.y, alpha=0.10, beta=14.4)
    for plane in (picture.u, picture.v):
        cv2.convertScaleAbs(plane, dst=plane, alpha=0.15, beta=108.8)
    return picture
