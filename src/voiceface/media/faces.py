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


@dataclass(frozen=True)
class Face:
    """A detected face in a picture.

    Attributes:
        left, top, right, bottom: its box in pixels of the picture.
        score: dlib HOG's score; above 0 is a face.
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


def find_faces(rgb: np.ndarray, detect_width: int, upsample_on_miss: int) -> list[Face]:
    """Faces in a picture, best first.

    Args:
        rgb: uint8 (height, width, 3).
        detect_width: length in pixels of the longer side at which the detector looks first.
        upsample_on_miss: how often that is doubled until a face is found.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    longer = max(grey.shape)
    for doublings in range(upsample_on_miss + 1):
        scale = detect_width * 2**doublings / longer
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=method)
        boxes, scores, _ = _detector().run(small, 0, 0.0)
        if boxes:
            break
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


def find_landmarks(rgb: np.ndarray, face: Face) -> np.ndarray:
    """The 68 landmarks of a face: float32 (68, 2), x and y in pixels of the picture."""
    box = dlib.rectangle(face.left, face.top, face.right, face.bottom)
    shape = _landmark_model()(rgb, box)
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


def descriptor_chip(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The crop that the descriptor is computed from: uint8 (150, 150, 3)."""
    return align(rgb, landmarks, 150, 0.25)[0]


def describe_chip(chip: np.ndarray) -> np.ndarray:
    """dlib's face descriptor of what `descriptor_chip` cut out: float32 (128,).

    Two of one person lie nearer than about 0.6 (dlib's documentation).
    """
    return np.array(_descriptor_model().compute_face_descriptor(chip), np.float32)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation (-1 to 1) of the colours of two aligned crops, uint8 (size, size, 3)."""
    small = [cv2.resize(crop, (24, 24), interpolation=cv2.INTER_AREA) for crop in (one, other)]
    return float(np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1])


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


def sharpness(crop: np.ndarray) -> float:
    """Variance of the Laplacian of the crop's grey levels (Pech-Pacheco 2000): low is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def brightness(crop: np.ndarray) -> float:
    """Mean grey level (0 to 255) of the crop's middle half, which is face whatever is behind it."""
    side = len(crop)
    middle = crop[side // 4 : side - side // 4, side // 4 : side - side // 4]
    return float(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY).mean())


def _shape(landmarks: np.ndarray) -> dlib.full_object_detection:
    points = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in landmarks])
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    return dlib.full_object_detection(
        dlib.rectangle(int(left), int(top), int(right), int(bottom)), points
    )


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib_models.detector()


@cache
def _landmark_model() -> dlib.shape_predictor:
    return dlib_models.load("shape_predictor", "shape_predictor_68_face_landmarks.dat")


@cache
def _descriptor_model() -> dlib.face_recognition_model_v1:
    return dlib_models.load(
        "face_recognition_model_v1", "dlib_face_recognition_resnet_model_v1.dat"
    )
