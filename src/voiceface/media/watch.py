"""Following the faces of one video from frame to frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from voiceface.media import faces, mouth, quality
from voiceface.media.frames import Frame

_MOVING_PX = 320  # longer side of the picture in which two frames are compared
_THUMB_PX = 64
_NEAR_PX = 200  # of a face in the picture in which its landmarks are looked for, about
_SURE = 0.0  # detector's score; below, larger widths are tried, too
_LEAST_PX = 80  # of a face, for the detector to find it
_THOROUGH = 2  # looks of a segment at which faces are searched for at all widths
_FOLLOW_US = 1_300_000  # for so long after it was found, a face is followed without the detector
_MOST_FACES = 3  # that are followed
_APART_US = 500_000  # between the frames kept of a segment
_COMPARED_US = (90_000, 400_000)  # between two frames that are compared
_SAME_PLACE = 0.2  # overlap of two boxes (IoU) from which on they are at one place
# Likeness of two thumbs below which they may be two people's: of 5,815 pairs of nine people's 99 in
# 100 lie below, of one person's at two looks one after the other three in four above.
_ALIKE = 0.6


@dataclass(frozen=True, eq=False)
class Sight:
    """One face in one frame.

    Attributes:
        frame: where it was seen.
        face: its box in pixels of the frame, with the score when the detector found it.
        landmarks: float32 (68, 2), pixels of the frame.
        thumb: the aligned face, uint8 grey (64, 64).
        score: see `quality.frame_score`.
    """

    frame: Frame
    face: faces.Face
    landmarks: np.ndarray
    thumb: np.ndarray
    score: float


@dataclass
class Mouth:
    """A mouth over time: PTS in µs, and the landmarks of its face."""

    times_us: list[int] = field(default_factory=list)
    landmarks: list[np.ndarray] = field(default_factory=list)

    @property
    def openings(self) -> np.ndarray:
        """See `mouth.mouth_openings`: (n,)."""
        return mouth.mouth_openings(np.reshape(self.landmarks, (-1, 68, 2)))


@dataclass
class Finding:
    """What was seen in a segment.

    Attributes:
        faces: most faces in one frame.
        best: the best sights of the main face, at least 0.5 s apart, best first.
        looks: the main face at each look.
        mouth: of the main face.
        others: those of other faces.
        motion: change of the picture where it changes least, mean grey levels; None if unknown.
    """

    faces: int = 0
    best: list[Sight] = field(default_factory=list)
    looks: list[Sight] = field(default_factory=list)
    mouth: Mouth = field(default_factory=Mouth)
    others: list[Mouth] = field(default_factory=list)
    motion: float | None = None


@dataclass(frozen=True, eq=False)
class _Seen:
    """A face where the detector found it."""

    frame: Frame
    face: faces.Face

    @cached_property
    def marked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `_landmarks`."""
        return _landmarks(self.frame, self.face)

    @cached_property
    def thumb(self) -> np.ndarray:
        """See `Sight`."""
        return faces.thumb(*self.marked[1:], _THUMB_PX)

    @property
    def middle(self) -> np.ndarray:
        """Of the box, in pixels of the frame: (x, y)."""
        face = self.face
        return np.array([face.left + face.right, face.top + face.bottom]) / 2

    def likeness(self, other: "_Seen") -> float:
        """See `quality.likeness`."""
        return quality.likeness(self.thumb, other.thumb)

    def at_place(self, others: list["_Seen"]) -> int | None:
        """Which of the others is where this one is."""
        overlaps = [_overlap(self.face, other.face) for other in others]
        best = max(overlaps, default=0.0)
        return overlaps.index(best) if best >= _SAME_PLACE else None


@dataclass
class _Track:
    """A followed face: its box, its mouth, and where the landmarks' mean lies from the box."""

    face: faces.Face
    mouth: Mouth
    offset: np.ndarray | None = None

    def move(self, landmarks: np.ndarray) -> None:
        """Move the box to where the landmarks have gone since the detector found it."""
        face = self.face
        corner = landmarks.mean(axis=0) - (face.left, face.top)
        if self.offset is None:
            self.offset = corner
        x, y = (round(float(step)) for step in corner - self.offset)
        self.face = replace(
            face, left=face.left + x, right=face.right + x, top=face.top + y, bottom=face.bottom + y
        )


Choose = Callable[[Frame, list[np.ndarray]], int | None]
Place = tuple[float, float]
"""In shares of the picture's width and height."""


class Watcher:
    """Looks at the frames of one video, segment by segment, in their order."""

    def __init__(
        self,
        *,
        detect_width: int,
        upsample_on_miss: int,
        keep: int,
        choose: Choose,
        place: Callable[[int], Place | None] = lambda time_us: None,
    ) -> None:
        """Look with these settings of `config.Faces`.

        Args:
            keep: sights to keep of each segment, at most.
            choose: tells from their landmarks which of several faces is the main one, if it can;
                asked where places and thumbs do not tell.
            place: tells where the main face is known to be at a time, µs, if that is known.
        """
        self._widths = [detect_width * 2**n for n in range(upsample_on_miss + 1)]
        self._keep = keep
        self._choose = choose
        self._place = place
        self._usual: int | None = None  # number of the width at which faces were found last
        self._known: list[_Seen] = []  # the main face, then others of the segment, where last seen
        self._finding = Finding()
        self._waiting: list[tuple[Frame, list[_Track]]] = []

    @property
    def finding(self) -> Finding:
        """What has been seen of the present segment so far."""
        # All that wait are followed at once: the landmarks' model is 65 MB, of which each face
        # takes 4, and frames that are decoded in between would push these out of the caches.
        waiting, self._waiting = self._waiting, []
        for frame, tracks in waiting:
            for track in tracks:
                self._follow(frame, track)
        return self._finding

    def segment(self, frames: Iterable[Frame]) -> Finding:
        """Look at the frames of one segment; pixels of those that are not kept are let go."""
        self._finding = finding = Finding()
        self._known = self._known[:1]
        tracks: list[_Track] = []
        since_us, missed = 0, 0
        still = _Stillness()
        for frame in frames:
            still.add(frame)
            if frame.full:
                found = self._find(frame, thorough=missed < _THOROUGH)
                missed += not found
                finding.faces = max(finding.faces, len(found))
                tracks = self._assign(frame, found, finding)
                since_us = frame.time_us
            elif frame.time_us - since_us > _FOLLOW_US:
                tracks = []
            self._waiting.append((frame, tracks))
        finding.motion = still.least()
        return self.finding

    def _find(self, frame: Frame, thorough: bool) -> list[faces.Face]:
        """Faces, at the width at which this video's are found, then at larger ones.

        Args:
            thorough: try larger widths, too; each costs four times as much as the one before.
        """
        first = self._usual or 0
        best: list[faces.Face] = []
        thorough = thorough or self._usual is None
        for number in range(first, len(self._widths) if thorough else first + 1):
            scale = self._widths[number] / max(frame.size)
            found = faces.detect(frame.grey(self._widths[number]), scale)
            if found and found[0].score > _SURE:
                large = found[0].height * scale > 2.2 * _LEAST_PX
                self._usual = max(0, number - large)
                return found
            if found and not (best and best[0].score >= found[0].score):
                best = found
        return best

    def _assign(self, frame: Frame, found: list[faces.Face], finding: Finding) -> list[_Track]:
        """The faces to follow from here on, the main one first if it is there."""
        seen = [_Seen(frame, face) for face in found]
        tracks = []
        for number, one in sorted(self._numbered(seen).items()):
            self._known[number : number + 1] = [one]  # or at the end: numbers have no gaps
            while len(finding.others) < number:
                finding.others.append(Mouth())
            tracks.append(_Track(one.face, [finding.mouth, *finding.others][number]))
        return tracks

    def _numbered(self, seen: list[_Seen]) -> dict[int, _Seen]:
        """The faces by whose they are: 0 the main one's, from 1 on others'."""
        if len(seen) == 1:
            return {self._whose(seen[0]): seen[0]}
        if not seen:
            return {}
        main = seen[self._main_of(seen)]
        numbered = {0: main}
        free = list(range(1, _MOST_FACES))
        for one in [one for one in seen if one is not main][: len(free)]:
            before = [number for number in free if number < len(self._known)]
            at = one.at_place([self._known[number] for number in before])
            unused = free[len(before) :]
            number = before[at] if at is not None else (unused or free)[0]
            free.remove(number)
            numbered[number] = one
        return numbered

    def _whose(self, one: _Seen) -> int:
        """Whose a face is that is alone: the main one's, but after others of the segment."""
        if len(self._known) < 2:
            return 0
        at = one.at_place(self._known)
        if at is not None and one.likeness(self._known[at]) >= _ALIKE:
            return at
        return int(np.argmax([one.likeness(known) for known in self._known]))

    def _main_of(self, seen: list[_Seen]) -> int:
        """The one at the main face's place; who may be somebody else there is chosen."""
        frame, at = seen[0].frame, None
        if place := self._place(frame.time_us):
            middle = np.array(place) * frame.size
            return int(np.argmin([np.linalg.norm(one.middle - middle) for one in seen]))
        if self._known:
            main = self._known[0]
            at = main.at_place(seen)
            if at is not None and main.likeness(seen[at]) >= _ALIKE:
                return at
        chosen = self._choose(frame, [one.marked[0] for one in seen])
        return chosen if chosen is not None else at or 0

    def _follow(self, frame: Frame, track: _Track) -> None:
        finding = self._finding
        landmarks, near, in_near = _landmarks(frame, track.face)
        track.mouth.times_us.append(frame.time_us)
        track.mouth.landmarks.append(landmarks)
        track.move(landmarks)
        if track.mouth is not finding.mouth:
            return
        eyes = quality.eyes_open(landmarks)
        worst = finding.best[-1].score if len(finding.best) == self._keep else 0.0
        if frame.full or quality.best_score(eyes) > worst:
            sight = _sight(
                frame, track.face, landmarks, faces.thumb(near, in_near, _THUMB_PX), eyes
            )
            finding.best = _best_apart([*finding.best, sight], self._keep)
            finding.looks += [sight] if frame.full else []


def _landmarks(frame: Frame, face: faces.Face) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Landmarks in pixels of the frame; the grey picture around the face; landmarks in that."""
    step = max(1, face.height // _NEAR_PX)
    around = face.height // 2
    left, top = max(0, face.left - around), max(0, face.top - around)
    near = frame.luma[top : face.bottom + around : step, left : face.right + around : step]
    box = replace(
        face,
        left=(face.left - left) // step,
        top=(face.top - top) // step,
        right=(face.right - left) // step,
        bottom=(face.bottom - top) // step,
    )
    near = np.ascontiguousarray(near)
    points = faces.find_landmarks(near, box)
    return points * np.float32(step) + np.array([left, top], np.float32), near, points


def _sight(
    frame: Frame, face: faces.Face, landmarks: np.ndarray, thumb: np.ndarray, eyes: float
) -> Sight:
    yaw, pitch, _ = faces.head_pose(landmarks, *frame.size)
    score = quality.frame_score(
        eyes=eyes,
        yaw_deg=yaw,
        pitch_deg=pitch,
        sharp=quality.sharpness(thumb),
        bright=quality.brightness(thumb),
        sure=face.score,
    )
    return Sight(frame, face, landmarks, thumb, score)


class _Stillness:
    """How much the picture changes within about 0.1 s at each of the places looked at."""

    def __init__(self) -> None:
        self._recent: list[tuple[int, np.ndarray]] = []
        self._here: float | None = None
        self._least: float | None = None

    def add(self, frame: Frame) -> None:
        """Compare a frame with one that is 0.09 to 0.4 s older, if there is one."""
        step = max(1, max(frame.size) // _MOVING_PX)
        grey = np.ascontiguousarray(frame.luma[::step, ::step])
        least_us, most_us = _COMPARED_US
        if frame.full or (self._recent and frame.time_us - self._recent[-1][0] > most_us):
            self._recent, self._least, self._here = [], self.least(), None
        old = [one for one in self._recent if frame.time_us - one[0] >= least_us]
        if old and old[-1][1].shape == grey.shape:
            change = cv2.norm(grey, old[-1][1], cv2.NORM_L1) / grey.size
            self._here = max(self._here or 0.0, change)
        self._recent = [*self._recent[max(0, len(old) - 1) :], (frame.time_us, grey)]

    def least(self) -> float | None:
        """Change at the stillest place, mean grey levels; None where no frames were near."""
        known = [change for change in (self._least, self._here) if change is not None]
        return min(known, default=None)


def _best_apart(sights: list[Sight], keep: int) -> list[Sight]:
    chosen: list[Sight] = []
    for sight in sorted(sights, key=lambda sight: -sight.score):
        times = [other.frame.time_us for other in chosen]
        if len(chosen) < keep and all(abs(sight.frame.time_us - t) >= _APART_US for t in times):
            chosen.append(sight)
    return chosen


def _overlap(one: faces.Face, other: faces.Face) -> float:
    """Intersection over union of two boxes."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    both = sum((face.right - face.left) * face.height for face in (one, other))
    return shared / max(1, both - shared)
