"""How good the picture of a face is, and what tells it from others."""

import math

import cv2
import numpy as np

_PRINT_SIDE = 17  # of the grey picture whose neighbours are compared: 16 × 16 bits
_EYES = slice(36, 48)  # of the 68 landmarks, six each: a corner, two above, a corner, two below
_BLOCKS_SIDE = 8
_FACE_BLOCKS = (slice(1, 7), slice(2, 6))
_LEAST_SEEN = 4
_SHUT, _OPEN = 0.13, 0.26  # height / width of an eye (Soukupová and Čech 2016)


def sharpness(crop: np.ndarray) -> float:
    """Variance of the Laplacian of the crop's grey levels (Pech-Pacheco 2000): low is blurred."""
    return float(cv2.Laplacian(_grey(crop), cv2.CV_64F).var())


def brightness(crop: np.ndarray) -> float:
    """Mean grey level (0 to 255) of the crop's middle half, which is face whatever is behind it."""
    return float(_grey(_middle(crop)).mean())


def eyes_open(landmarks: np.ndarray) -> float:
    """Height over width of the eyes, mean of both: about 0.1 when shut, 0.3 when open.

    Args:
        landmarks: (68, 2), any scale.
    """
    eyes = landmarks[_EYES].reshape(2, 6, 2)
    widths = np.hypot(*(eyes[:, 0] - eyes[:, 3]).T)
    heights = np.hypot(*(eyes[:, [1, 2]] - eyes[:, [5, 4]]).T).mean(axis=0)
    return float((heights / np.maximum(widths, 1e-6)).mean())


def frame_score(
    *, eyes: float, yaw_deg: float, pitch_deg: float, sharp: float, bright: float, sure: float
) -> float:
    """How good a frame is to stand for its segment, 0 to 1.

    The product of five terms, each from 0.1 to 1, so that none makes up for another:

    - eyes: their opening from 0.13 (shut) to 0.26 (open);
    - pose: 1 frontal, falling with yaw² + pitch² (30° together: 0.61);
    - sharp: s / (s + 60) of the Laplacian's variance s, to the power 1/2;
    - light: 1 from 70 to 190 mean grey levels, falling to both sides;
    - sure: the detector's score from -0.5 to 1, to the power 1/2.

    Args:
        eyes: see `eyes_open`.
        sharp: see `sharpness`.
        bright: see `brightness`.
        sure: dlib HOG's score.
    """
    light = min(1.0, bright / 70, (255 - bright) / 65)
    terms = (
        best_score(eyes),
        math.exp(-(yaw_deg**2 + pitch_deg**2) / (2 * 30**2)),
        math.sqrt(sharp / (sharp + 60)),
        light,
        math.sqrt(max(0.0, (sure + 0.5) / 1.5)),
    )
    return math.prod(min(max(term, 0.1), 1.0) for term in terms)


def best_score(eyes: float) -> float:
    """The greatest `frame_score` that is possible with eyes so far open."""
    return min(max((eyes - _SHUT) / (_OPEN - _SHUT), 0.1), 1.0)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation (-1 to 1) of the grey levels of two aligned crops of one size."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def face_print(crop: np.ndarray) -> bytes:
    """Perceptual hash of a crop: 256 bit in 32 bytes.

    Each bit says whether a pixel of the 17 × 16 grey crop is lighter than its right neighbour
    (difference hash); a new encoding or size of the same picture changes a few of them.

    Args:
        crop: uint8 (size, size, 3).
    """
    grey = cv2.GaussianBlur(_grey(crop), (0, 0), len(crop) / 64)
    small = cv2.resize(grey, (_PRINT_SIDE, _PRINT_SIDE - 1), interpolation=cv2.INTER_AREA)
    values = small.astype(np.int16)
    return np.packbits(values[:, :-1] > values[:, 1:]).tobytes()


class UsualFace:
    """What the main person's aligned face usually looks like in this video."""

    def __init__(self) -> None:
        self._mean = np.zeros((_BLOCKS_SIDE, _BLOCKS_SIDE))
        self._spread = np.zeros((_BLOCKS_SIDE, _BLOCKS_SIDE))
        self._count = 0

    def occlusion(self, thumb: np.ndarray) -> float | None:
        """Share (0 to 1) of the face's blocks that are unlike what is usual there.

        Of 8 × 8 blocks of the grey thumb those of the face are compared, after the light of the
        whole has been taken off. None before four faces have been seen.

        Args:
            thumb: uint8 grey (64, 64), see `faces.thumb`.
        """
        if self._count < _LEAST_SEEN:
            return None
        unlike = np.abs(_blocks(thumb) - self._mean) > 0.8 + 2 * self._spread
        return float(unlike[_FACE_BLOCKS].mean())

    def add(self, thumb: np.ndarray) -> None:
        """Take in a face; the last 50 count."""
        self._count += 1
        share = 1 / min(self._count, 50)
        apart = _blocks(thumb) - self._mean
        self._mean += share * apart
        self._spread += share * (np.abs(apart) - self._spread)


def _blocks(thumb: np.ndarray) -> np.ndarray:
    """Mean levels of 8 × 8 blocks, in standard deviations from that of the face."""
    small = cv2.resize(thumb, (_BLOCKS_SIDE, _BLOCKS_SIDE), interpolation=cv2.INTER_AREA)
    levels = small.astype(np.float64)
    face = levels[_FACE_BLOCKS]
    return np.asarray((levels - np.median(face)) / max(float(face.std()), 4.0))


def _middle(crop: np.ndarray) -> np.ndarray:
    side = len(crop)
    return crop[side // 4 : side - side // 4, side // 4 : side - side // 4]


def _grey(crop: np.ndarray) -> np.ndarray:
    return crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
