"""Finding, aligning and describing faces, with dlib."""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import dlib
import numpy as np

from voiceface import dlib_models

# A generic head in units of the distance between the outer corners of its eyes (x right, y down,
# z away): nose tip, chin, outer eye corners, mouth corners; and their numbers among the 68 points.
_HEAD_POINTS = [30, 8, 36, 45, 48, 54]
_HEAD = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.0, 0.73, 0.20],
        [-0.5, -0.38, 0.48],
        [0.5, -0.38, 0.48],
        [-0.33, 0.33, 0.36],
        [0.33, 0.33, 0.36],
    ]
)
_LEAST_SCORE = -0.4


@dataclass(frozen=True)
class Face:
    """A detected face in a picture.

    Attributes:
        left, top, right, bottom: its box in pixels of the picture.
        score: dlib HOG's score; from 0 on it is surely a face, from -0.4 on most likely.
    """

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def height(self) -> int:
        """Height of the box in pixels."""
        return self.bottom - self.top


def detect(grey: np.ndarray, scale: float) -> list[Face]:
    """Faces in a picture that was made smaller or larger, best first; at least 80 of its pixels.

    The local contrast is made even first (CLAHE): without it, dark skin below light hair is often
    no face to HOG. A score from -0.4 on counts: neither beside 1,200 single faces, drawn or real,
    nor in 120 looks at no face or one from behind is there as much.

    Args:
        grey: uint8 (height, width).
        scale: its size over that of the picture in whose pixels the boxes are given.
    """
    boxes, scores, _ = _detector().run(_evened().apply(grey), 0, _LEAST_SCORE)
    faces = [
        Face(
            left=round(box.left() / scale),
            top=round(box.top() / scale),
            right=round(box.right() / scale),
            bottom=round(box.bottom() / scale),
            score=score,
        )
        for box, score in zip(boxes, scores, strict=True)
    ]
    return sorted(faces, key=lambda face: -face.score)


def find_landmarks(picture: np.ndarray, face: Face) -> np.ndarray:
    """The 68 landmarks of a face: float32 (68, 2), x and y in pixels of the picture.

    Args:
        picture: uint8, RGB (height, width, 3) or grey (height, width).
    """
    box = dlib.rectangle(face.left, face.top, face.right, face.bottom)
    shape = _landmark_model()(picture, box)
    return np.array([(p.x, p.y) for p in shape.parts()], np.float32)


def align(
    rgb: np.ndarray, landmarks: np.ndarray, size: int, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the face out upright and centred, by a similarity transform (dlib's face chip).

    Args:
        margin: room around the mean shape, as a share of the crop's width.

    Returns: the crop, uint8 (size, size, 3), and the landmarks in it, float32 (68, 2). Outside of
        the picture the crop is black.
    """
    details = dlib.get_face_chip_details(_shape(landmarks), size, margin)
    crop = dlib.extract_image_chip(rgb, details)
    centre = details.rect.dcenter()
    scale = size / details.rect.width()
    turn = -details.angle
    offset = landmarks - np.array([centre.x, centre.y], np.float32)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return crop, (offset @ rotation.T * scale + size / 2).astype(np.float32)


def thumb(grey: np.ndarray, landmarks: np.ndarray, size: int) -> np.ndarray:
    """Eyes to mouth, upright, quickly: uint8 (size, size), with half as much around it.

    Args:
        grey: uint8 (height, width).
        landmarks: (68, 2), in its pixels.
    """
    eyes, lips = landmarks[36:48].mean(axis=0), landmarks[48:68].mean(axis=0)
    down = lips - eyes
    scale = 0.4 * size / max(float(np.hypot(*down)), 1.0)
    cos, sin = down[1] * scale * scale / (0.4 * size), down[0] * scale * scale / (0.4 * size)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([size / 2, size / 2]) - turn @ ((eyes + lips) / 2)
    matrix = np.hstack([turn, shift[:, None]])
    return cv2.warpAffine(
        grey, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )


def face_height(landmarks: np.ndarray) -> float:
    """Height in pixels that the detector's box usually has: 2.3 times from the eyes to the lips.

    The boxes themselves come in steps of a fifth.
    """
    return float(2.3 * np.hypot(*(landmarks[48:68].mean(axis=0) - landmarks[36:48].mean(axis=0))))


def outside_share(landmarks: np.ndarray, width: int, height: int, margin: float) -> float:
    """Share (0 to 1) of what `align` cuts out that lies outside of the picture."""
    places = _crop_places(landmarks, 32, margin)
    inside = (places >= 0).all(axis=2) & (places <= [width - 1, height - 1]).all(axis=2)
    return float(1 - inside.mean())


def descriptor_chip(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The crop that the descriptor is computed from: uint8 (150, 150, 3)."""
    return align(rgb, landmarks, 150, 0.25)[0]


def head_pose(landmarks: np.ndarray, width: int, height: int) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, 0 when the face looks into an upright camera.

    A generic head is fitted to six landmarks, taking a pinhole camera whose focal length is the
    picture's width.
    """
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    image = landmarks[_HEAD_POINTS].astype(np.float64)
    found, rotation, _ = cv2.solvePnP(_HEAD, image, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return 90.0, 90.0, 90.0
    pitch, yaw, roll = cv2.RQDecomp3x3(cv2.Rodrigues(rotation)[0])[0]
    return float(yaw), float(pitch), float(roll)


def _crop_places(landmarks: np.ndarray, size: int, margin: float) -> np.ndarray:
    """Where in the picture each pixel of the crop comes from: (size, size, 2), x and y."""
    details = dlib.get_face_chip_details(_shape(landmarks), size, margin)
    centre = details.rect.dcenter()
    steps = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(steps * details.rect.width(), steps * details.rect.height())
    cos, sin = math.cos(details.angle), math.sin(details.angle)
    return np.stack([centre.x + cos * x - sin * y, centre.y + sin * x + cos * y], axis=2)


def _shape(landmarks: np.ndarray) -> dlib.full_object_detection:
    points = dlib.points([dlib.point(x, y) for x, y in landmarks.round().astype(int).tolist()])
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    return dlib.full_object_detection(
        dlib.rectangle(int(left), int(top), int(right), int(bottom)), points
    )


@cache
def _evened() -> cv2.CLAHE:
    return cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8))


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib_models.detector()


@cache
def _landmark_model() -> dlib.shape_predictor:
    return dlib_models.load("shape_predictor", "shape_predictor_68_face_landmarks.dat")
