"""The studio in a real Chromium, whose microphone is fed from a file."""

import io
import json
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, WebSocketRoute, expect, sync_playwright

from tests.conftest import needs
from tests.review.browser import ARGUMENTS, CHROMIUM, violations
from tests.studio.conftest import as_file
from tests.voice_builder import RATE


@pytest.fixture(scope="module")
def url(studio_project: Path) -> Iterator[str]:
    """The address that `voiceface studio` prints."""
    command = [sys.executable, "-m", "voiceface", "studio", "--port=0"]
    with subprocess.Popen(command, cwd=studio_project, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, voice_pcm: np.ndarray) -> Iterator[Browser]:
    """Chromium with a microphone that hears `voice_pcm` again and again."""
    needs(CHROMIUM.exists(), "Chromium")
    heard = tmp_path_factory.mktemp("microphone") / "heard.wav"
    soundfile.write(heard, voice_pcm, RATE)
    microphone = [
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
        f"--use-file-for-fake-audio-capture={heard}",
    ]
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, *microphone]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, *allowed: str, **options: object) -> Iterator[Page]:
    """The page, with what it was allowed; no error may occur in it."""
    with browser.new_context(**options) as context:
        context.grant_permissions(list(allowed))
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: line.type == "error" and problems.append(line.text))
        page.goto(url)
        page.wait_for_selector(".model")
        yield page
        assert problems == []


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with opened(browser, url, "microphone") as page:
        yield page


def take(page: Page, data: bytes, name: str = "me.wav") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "audio/wav", "buffer": data})


def test_a_face_is_drawn_while_one_speaks(page: Page) -> None:
    expect(page.locator(".drawn p")).to_have_text("draws from 1.0 s of speech")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Listening …")
    face = page.get_by_role("img", name="The face that wav2pix draws")
    expect(face).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".model .people li")).to_have_count(3)
    expect(page.locator("#speaking-people li")).to_have_count(3)
    pictures = page.locator(".people img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert pictures == [128] * 6
    colours = face.evaluate(
        "one => new Set(one.getContext('2d').getImageData(0, 0, 64, 64).data).size"
    )
    assert colours > 1
    (measure,) = page.evaluate("performance.getEntriesByType('measure').map(m => m.toJSON())")
    assert measure["name"] == "first picture of wav2pix"
    assert 0 < measure["duration"] < 5000, "benchmarks/studio.py has the goal"
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("All is drawn.")
    expect(page.get_by_role("button", name="Speak")).to_have_attribute("aria-pressed", "false")


def test_a_dropped_file_is_drawn_and_all_of_it_can_be_downloaded(
    page: Page, voice_pcm: np.ndarray
) -> None:
    expect(page.get_by_role("button", name="Download")).to_be_disabled()
    script = """bytes => {
        const all = new DataTransfer();
        all.items.add(new File([Uint8Array.from(bytes)], "me.flac"));
        for (const name of ["dragover", "drop"])
            dispatchEvent(new DragEvent(name, {dataTransfer: all, cancelable: true}));
    }"""
    page.evaluate(script, list(as_file(voice_pcm, "FLAC")))
    expect(page.get_by_role("status")).to_have_text("All is drawn.")
    assert float(page.locator("#amount").inner_text().split()[0]) > 2.5
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "voiceface.zip"
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    about = json.loads(archive.read("studio.json"))
    names = page.locator(".model .people .name").all_inner_texts()
    assert [one["name"] for one in about["models"][0]["nearest"]] == names


def test_a_file_without_speech_is_told_of_and_the_next_one_drawn(
    page: Page, voice_pcm: np.ndarray
) -> None:
    take(page, as_file(np.zeros(2 * RATE, np.int16)), "still.wav")
    expect(page.get_by_role("alert")).to_contain_text("still.wav: no speech in 2.0 s of sound")
    expect(page.get_by_role("img", name="The face")).to_have_count(0)
    take(page, as_file(voice_pcm))
    expect(page.get_by_role("status")).to_have_text("All is drawn.")
    expect(page.get_by_role("alert")).to_be_hidden()
    take(page, b"x", "x.wav")
    expect(page.get_by_role("alert")).to_contain_text("x.wav: can't be read")
    expect(page.get_by_role("button", name="Download")).to_be_disabled()


def test_without_a_microphone_the_page_says_what_to_do(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        refuse = "throw new DOMException('', 'NotAllowedError')"
        page.evaluate(
            f"() => {{ navigator.mediaDevices.getUserMedia = async () => {{ {refuse} }} }}"
        )
        page.get_by_role("button", name="Speak").click()
        expect(page.get_by_role("alert")).to_contain_text("allow it beside the address")
        expect(page.get_by_role("button", name="Speak")).to_be_visible()


def test_while_a_microphone_is_asked_for_no_earlier_face_comes(
    page: Page, voice_pcm: np.ndarray
) -> None:
    sockets: list[WebSocketRoute] = []
    faces: list[str | bytes] = []

    def keep(socket: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            if '"face"' in str(message):
                faces.append(message)
            socket.send(message)

        socket.connect_to_server().on_message(pass_on)
        sockets.append(socket)

    page.route_web_socket("**/live", keep)
    take(page, as_file(voice_pcm))
    expect(page.get_by_role("status")).to_have_text("All is drawn.")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}) }")
    page.keyboard.press("Space")
    expect(page.get_by_role("img", name="The face")).to_have_count(0)
    sockets[0].send(faces[0])  # as if it had been on its way
    page.wait_for_timeout(300)
    expect(page.get_by_role("img", name="The face")).to_have_count(0)
    expect(page.get_by_role("button", name="Download")).to_be_disabled()


def test_a_microphone_that_is_unplugged_ends_the_recording(page: Page) -> None:
    keep = """() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => (window.stream = await ask(what));
    }"""
    page.evaluate(keep)
    page.keyboard.press("Space")
    expect(page.get_by_role("img", name="The face that wav2pix draws")).to_be_visible()
    page.evaluate("window.stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("status")).to_have_text("All is drawn.")
    expect(page.get_by_role("button", name="Speak")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anybody(
    browser: Browser, url: str, scheme: str, voice_pcm: np.ndarray
) -> None:
    size = {"width": 360, "height": 780}
    with opened(browser, url, color_scheme=scheme, viewport=size) as page:
        assert violations(page) == []
        take(page, as_file(voice_pcm))
        expect(page.get_by_role("status")).to_have_text("All is drawn.")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_file_that_is_too_large_is_not_sent(page: Page) -> None:
    script = """() => {
        const all = new DataTransfer();
        all.items.add(new File([new ArrayBuffer((64 << 20) + 1)], "large.mp4"));
        dispatchEvent(new DragEvent("drop", {dataTransfer: all, cancelable: true}));
    }"""
    page.evaluate(script)
    expect(page.get_by_role("alert")).to_contain_text("large.mp4: over 64 MiB")


def test_a_page_that_lost_its_server_says_so(page: Page) -> None:
    sockets: list[WebSocketRoute] = []

    def keep(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/live", keep)
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Listening …")
    sockets[0].close()
    expect(page.get_by_role("alert")).to_contain_text("start `voiceface studio` again")
    expect(page.get_by_role("button", name="Speak")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Listening …")
