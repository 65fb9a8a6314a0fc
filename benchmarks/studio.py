"""The studio: how long after the first second of speech the first picture is on the screen.

    python benchmarks/studio.py [--quick] [--project FOLDER] [--json PATH] [--picture PNG]

The real server and the real page in a headless Chromium on the same machine, in a project that has
trained models (this folder's, after `make demo`, if none is named). Chromium's microphone is fed
with the demo world's voices: a second of silence, then speech. Written:

- `first_picture_ms`: from when the page had heard the sample that makes a second of speech full
  until the first model's face was painted, by the page's clock (p50, p95, p99, max). What the sound
  card and the browser's own capture take before that is not in it;
- `pictures_ms`: the same of each model's first picture;
- `server_start_s`: from the command to the address; `server_rss_mb`: the most it held;
- `server_cpu_share`: CPU seconds of the server in a second of somebody speaking.

`missed` names the goals that were not reached. `--picture` keeps what the page shows in the end.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
from machine import describe_machine, result_path, write_result
from playwright.sync_api import Playwright, sync_playwright
from robot import ARGUMENTS, CHROMIUM, percentiles
from server import Server

from voiceface.demo.sentences import sentence
from voiceface.demo.sound import room_tone
from voiceface.demo.traits import speaker_traits
from voiceface.demo.voice import ESPEAK_RATE_HZ, speak, voice_of

FULL, QUICK = (10, 5), (2, 2)
"""Voices, and how often each speaks."""
GOAL_MS = 300
_SPEECH_S = 5.0
_PATIENCE_S = 30.0


def main() -> None:
    """Speak, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few voices, a minute")
    parser.add_argument("--project", type=Path, default=Path(), help="with trained models")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    parser.add_argument("--picture", type=Path, help="where to write the page as it is in the end")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    voices, times = QUICK if options.quick else FULL
    server = Server(options.project, "studio", "--port=0")
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            result = _measure(server, playwright, Path(folder), voices, times)
            if options.picture:
                _spoken(playwright, server.url, _heard(Path(folder), 0), options.picture)
    finally:
        server.stop()
    result["missed"] = ["first_picture_ms"] * (result["first_picture_ms"]["p95"] > GOAL_MS)
    result["machine"] = describe_machine() | {"load_before": round(load, 1)}
    write_result(options.json or result_path("studio", quick=options.quick), result)
    print(result)


def _measure(
    server: Server, playwright: Playwright, folder: Path, voices: int, times: int
) -> dict[str, Any]:
    first: list[float] = []
    each: dict[str, list[float]] = defaultdict(list)
    process, cpu_s = psutil.Process(server.process.pid), 0.0
    for person in range(voices):
        heard = _heard(folder, person)
        for _ in range(times):
            before = process.cpu_times()
            pictures = _spoken(playwright, server.url, heard)
            after = process.cpu_times()
            cpu_s += after.user + after.system - before.user - before.system
            first.append(min(pictures.values()))
            for model, ms in pictures.items():
                each[model].append(ms)
    return {
        "first_picture_ms": percentiles(first),
        "pictures_ms": {model: percentiles(found) for model, found in each.items()},
        "times": len(first),
        "server_start_s": round(server.start_s, 2),
        "server_rss_mb": round(server.peak_rss / 1e6, 1),
        "server_cpu_share": round(cpu_s / (len(first) * (1 + _SPEECH_S)), 3),
    }


def _heard(folder: Path, person: int) -> Path:
    """A file of a second of a quiet room, then somebody of the demo world who speaks."""
    rng = np.random.default_rng(person)
    traits = speaker_traits(person, 0)
    sound = np.zeros(ESPEAK_RATE_HZ, np.float32)
    while len(sound) < (1 + _SPEECH_S) * ESPEAK_RATE_HZ:
        said = speak(sentence(traits.language, rng), voice_of(traits), "neutral")
        sound = np.append(sound, said)
    path = folder / f"{person}.wav"
    soundfile.write(path, sound + room_tone(len(sound), rng), ESPEAK_RATE_HZ)
    return path


def _spoken(
    playwright: Playwright, url: str, heard: Path, picture: Path | None = None
) -> dict[str, float]:
    """Open the page, let it hear a file, and return how long each model's first picture took.

    Args:
        picture: where the page is written once all is drawn.
    """
    microphone = [
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
        f"--use-file-for-fake-audio-capture={heard}%noloop",
    ]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *microphone])
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".model")
    models = page.locator(".model").count()
    page.keyboard.press("Space")
    page.wait_for_timeout(1000 * (1 + _SPEECH_S))
    found = (
        "performance.getEntriesByType('measure').map(m => [m.name.split(' of ')[1], m.duration])"
    )
    until = time.monotonic() + _PATIENCE_S
    # Not by `wait_for_function`: the page allows no text to be run as a script.
    while len(pictures := page.evaluate(found)) < models and time.monotonic() < until:
        page.wait_for_timeout(50)
    if picture:
        page.keyboard.press("Space")
        page.get_by_text("All is drawn.").wait_for()
        page.screenshot(path=picture, full_page=True)
    browser.close()
    if len(pictures) < models:
        sys.exit(f"{len(pictures)} of {models} models drew within {_PATIENCE_S:g} s")
    return dict(pictures)


if __name__ == "__main__":
    main()
