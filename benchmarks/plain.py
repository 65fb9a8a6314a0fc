"""The pipeline that one writes without a plan, to measure ours against. Run in its own process.

    python benchmarks/plain.py VIDEO

Every frame is decoded by OpenCV and shown to dlib's HOG detector, at the width that ours looks at;
each second, the first face found gets landmarks, a crop and a descriptor; the sound goes through
ffmpeg and webrtcvad. Nothing is written.
"""

import subprocess
import sys

import cv2
import dlib
import imageio_ffmpeg
import numpy as np
import webrtcvad

from voiceface.dlib_models import path as model_path

WIDTH = 320
RATE = 16_000
FRAME = RATE * 30 // 1000


def faces(media: str) -> int:
    """Detect on every frame, describe one face a second; returns how many were described."""
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(model_path("shape_predictor_68_face_landmarks.dat")))
    network = dlib.face_recognition_model_v1(
        str(model_path("dlib_face_recognition_resnet_model_v1.dat"))
    )
    capture = cv2.VideoCapture(media)
    fps = capture.get(cv2.CAP_PROP_FPS)
    described = number = due = 0
    while True:
        there, frame = capture.read()
        if not there:
            return described
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        scale = rgb.shape[1] / WIDTH
        small = cv2.resize(rgb, (WIDTH, round(rgb.shape[0] / scale)), interpolation=cv2.INTER_AREA)
        found = detector(small, 0)
        if found and number >= due:
            sides = (found[0].left(), found[0].top(), found[0].right(), found[0].bottom())
            shape = landmarks(rgb, dlib.rectangle(*(round(side * scale) for side in sides)))
            network.compute_face_descriptor(dlib.get_face_chip(rgb, shape, 150))
            described += 1
            due = number + round(fps)
        number += 1


def voiced_s(media: str) -> float:
    """Seconds of speech in the sound."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-nostdin", "-i", media, "-vn", "-ac", "1", "-ar", str(RATE)]
    done = subprocess.run([*command, "-f", "s16le", "-"], capture_output=True, check=True)
    pcm = np.frombuffer(done.stdout, "<i2")
    vad = webrtcvad.Vad(2)
    frames = pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)
    return 0.03 * sum(vad.is_speech(frame.tobytes(), RATE) for frame in frames)


if __name__ == "__main__":
    print(f"{faces(sys.argv[1])} faces, {voiced_s(sys.argv[1]):.1f} s of speech")
