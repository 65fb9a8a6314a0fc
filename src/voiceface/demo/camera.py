"""One video's frames: the script's stretches as pictures at any time."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from voiceface.demo import scene
from voiceface.demo.effects import in_glaring_light, in_the_dark, out_of_focus
from voiceface.demo.head import EYE_Y
from voiceface.demo.paint import Array, brightness
from voiceface.demo.picture import Head, Look, Matrix, Planes, Pose
from voiceface.demo.props import PROPS
from voiceface.demo.scene import HEIGHT, WIDTH
from voiceface.demo.script import RATE_HZ, Script, Stretch
from voiceface.demo.sound import loudness
from voiceface.demo.traits import Traits

Framing = tuple[float, int, int]
"""Zoom of the whole picture, and the shift of its middle, in pixels."""

_FRAMINGS = ((1.0, 0, 0), (1.08, 46, 14), (1.15, -84, 28), (1.05, -28, 4), (1.11, 64, 24))
_ANGLES_DEG = (7.0, 4.0)  # of yaw and pitch, by which a video's camera stands off, at most
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
_BESIDE_POSTER = Place(800, 320, 0.85)
_FAR_AWAY = Place(620, 330, 0.105)
# Partly out of the picture: on the left, at the top, on the right.
_AT_THE_EDGE = (Place(95, 305, 0.89), Place(650, 62, 0.89), Place(1190, 300, 0.89))
_WHOLE = (1.0, 0, 0)


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
        self._main_mouth = mouth_openings(script.main + script.unheard, RATE_HZ, at_s)
        self._guest_mouth = mouth_openings(script.guest, RATE_HZ, at_s)
        self._sway = {head: self._rng.uniform(0, 6.3, (6, 2)) for head in (self._main, self._guest)}
        self._blinks = np.cumsum(self._rng.uniform(1.8, 5.0, 1 + int(at_s[-1])))
        self._framing = _FRAMINGS[int(self._rng.integers(0, 4))]
        # Nobody puts the camera to the same place twice.
        self._angle = np.random.default_rng([*seed, 2]).uniform(-1, 1, 2) * _ANGLES_DEG
        # Who sits where in each kind of picture.
        self._seats: dict[str, list[tuple[Head, Place]]] = {
            "main": [(self._main, _ALONE)],
            "guest": [(self._guest, _ALONE)],
            "two": [(self._main, _LEFT), (self._guest, _RIGHT)],
            "poster": [(self._main, _BESIDE_POSTER)],
            "photo": [],
            "small": [(self._main, _FAR_AWAY)],
        }
        for number, place in enumerate(_AT_THE_EDGE):
            self._seats[f"edge-{number}"] = [(self._main, place)]
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
            picture = out_of_focus(picture)
        elif stretch.trouble == "dark":
            picture = in_the_dark(picture)
        elif stretch.trouble == "overexposed":
            picture = in_glaring_light(picture, brightness(self._main.person.skin))
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
        kind, framing = self._set(stretch, index, at)
        picture = self._stage(kind, framing).copy()
        for head, place in self._seats[kind]:
            pose = self._pose(head, place, at, framing)
            if stretch.face == "turned":
                head.draw_away(pose, "profile" if index % 2 else "behind", picture)
            else:
                head.draw(pose, self._look(head, stretch, number, at), picture)
            if stretch.trouble == "occluded":
                head.draw_prop(pose, PROPS[index % len(PROPS)], picture)
        return picture

    def _set(self, stretch: Stretch, index: int, at: float) -> tuple[str, Framing]:
        """The kind of picture, a key of `_seats`, and through which framing it is seen."""
        if stretch.trouble == "cuts":
            step = int((at - stretch.start_s) / 0.9)
            return "main", _FRAMINGS[(index + 1 + step) % len(_FRAMINGS)]
        if stretch.trouble == "cut_off":
            return f"edge-{index % len(_AT_THE_EDGE)}", _WHOLE
        if stretch.trouble in ("poster", "photo", "small"):
            return stretch.trouble, _WHOLE
        if stretch.face == "two":
            return "two", _WHOLE
        return ("guest" if stretch.face == "guest" else "main"), self._framing

    def _look(self, head: Head, stretch: Stretch, number: int, at: float) -> Look:
        main = head is self._main
        opening = (self._main_mouth if main else self._guest_mouth)[number]
        emotion = stretch.emotion if main else "neutral"
        # Both people of one video blink at their own times.
        return Look(emotion, float(opening), self._lids(at + (0.0 if main else 0.9)))

    def _lids(self, at: float) -> float:
        since = at - self._blinks[np.searchsorted(self._blinks, at, side="right") - 1]
        return float(np.clip(abs(since - 0.11) / 0.11, 0, 1)) if 0 <= since < 0.22 else 1.0

    def _pose(self, head: Head, place: Place, at: float, framing: Framing) -> Pose:
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
            yaw=11 * yaw + self._angle[0],
            pitch=6 * pitch + self._angle[1],
        )

    def _stage(self, kind: str, framing: Framing) -> Planes:
        """The room with the shoulders of those in it, through a framing."""
        if (key := (kind, framing)) not in self._stages:
            owner = self._guest if kind == "guest" else self._main
            if kind == "small":
                rgb = scene.hall(owner.person)
            elif kind == "photo":
                rgb = self._portrait(scene.landscape(self._guest.person.seed)[:, :WIDTH])
            else:
                rgb = scene.room(owner.person)
            if kind == "poster":
                wall = np.full((HEIGHT, WIDTH, 3), self._guest.person.shirt, np.float32)
                rgb = scene.with_poster(rgb, self._portrait(wall))
            for head, place in self._seats[kind]:
                rgb = _seated(rgb, head, place)
            if kind == "small":
                rgb = scene.behind_lectern(rgb, scene.hall(owner.person))
            self._stages[key] = Planes.of(_framed(rgb, framing))
        return self._stages[key]

    def _portrait(self, backdrop: Array) -> Array:
        """A photograph of the guest, who smiles: (720, 1280, 3)."""
        picture = Planes.of(_seated(backdrop, self._guest, _ALONE))
        pose = Pose(_ALONE.x, _ALONE.y, 0.03, _ALONE.scale, 3.0, -1.0)
        self._guest.draw(pose, Look("happiness"), picture)
        return picture.rgb()

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


def _seated(rgb: Array, head: Head, place: Place) -> Array:
    """A picture with someone's shoulders in it."""
    neck = place.y + (head.shape.chin_y + 118 - EYE_Y) * place.scale
    body = scene.shoulders(head.person, place.x, neck, place.scale)
    cover = body.alpha[..., None]
    return rgb * (1 - cover) + body.rgb * cover


def _framed(rgb: Array, framing: Framing) -> Array:
    zoom, dx, dy = framing
    matrix: Matrix = np.array(
        [[zoom, 0, WIDTH / 2 * (1 - zoom) + dx], [0, zoom, HEIGHT / 2 * (1 - zoom) + dy]]
    )
    return cv2.warpAffine(rgb, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
