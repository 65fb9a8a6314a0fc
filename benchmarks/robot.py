"""A robot curator at the real page in a real Chromium: what it pressed, and how long all took."""

import random
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright
from server import Server

from voiceface.layout import REVIEWS
from voiceface.review.ledger import Event, read_ledger

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
]
KEYS = {"f": "keep", "d": "drop", "s": "unsure", "1": "drop", "4": "drop"}
_HEAP_EVERY = 200  # keys
_PATIENCE_S = 30.0

# Before any of the page's own code: notes each key with the sample that is shown, when the frame
# after it with another sample was drawn, and when the page was told that a mark is on disk.
_WATCH = """
  window.robot = { keys: [], painted: [], saved: [] };
  const shown = () => document.querySelector(".sample .about code")?.textContent ?? "";
  document.addEventListener("keydown", (event) => {
    const sample = shown();
    window.robot.keys.push([sample, event.key]);
    const look = () => {
      if (shown() === sample) return requestAnimationFrame(look);
      const channel = new MessageChannel();
      const painted = () => window.robot.painted.push(performance.now() - event.timeStamp);
      channel.port1.onmessage = painted;
      channel.port2.postMessage(null);
    };
    requestAnimationFrame(look);
  }, true);
  document.addEventListener("voiceface:saved", ({ detail }) => window.robot.saved.push(detail.ms));
"""


def at_the_page(server: Server, seconds: float, per_minute: float) -> dict[str, Any]:
    """Open the page twice, then mark at a pace for a time.

    Returns: the figures, and `pressed`: (sample, decision) of each key.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context()
        page = _opened(context, server.url)
        page.close()
        begun = time.perf_counter()
        page = _opened(context, server.url)
        first_s = time.perf_counter() - begun
        found = _mark(page, context.new_cdp_session(page), seconds, per_minute)
        browser.close()
    return {"first_sample_s": round(first_s, 3), **found}


def closed_tabs(server: Server, times: int) -> list[tuple[str, str]]:
    """Press a key and close the tab at once, again and again; what was pressed."""
    pressed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context()
        for number in range(times):
            page = _opened(context, server.url)
            pressed.append((page.locator(".about code").inner_text(), "unsure"))
            page.keyboard.press("s")
            page.wait_for_timeout(number)  # ms: before, while and after it is sent
            page.close()
        _settled(_opened(context, server.url))
        browser.close()
    return pressed


def compared(root: Path, pressed: list[tuple[str, str]]) -> dict[str, int]:
    """What was pressed against the ledger; no sample may have been pressed twice."""
    events: dict[str, list[Event]] = {}
    for event in read_ledger(root / REVIEWS):
        events.setdefault(event.sample, []).append(event)
    lost = sum(
        decision not in {event.decision for event in events.get(sample, [])}
        for sample, decision in pressed
    )
    doubled = sum(max(0, len(events.get(sample, [])) - 1) for sample, _ in pressed)
    return {"pressed": len(pressed), "lost": lost, "doubled": doubled}


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the greatest."""
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {name: round(float(value), 1) for name, value in
            {"p50": p50, "p95": p95, "p99": p99, "max": max(values)}.items()}  # fmt: skip


def _opened(context: BrowserContext, url: str) -> Page:
    """The page with its first sample: the name, and the face decoded."""
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(url)
    page.wait_for_function(
        "() => { const face = document.querySelector('.sample img.face');"
        " return face?.complete && face.naturalWidth > 0; }"
    )
    return page


def _mark(page: Page, session: CDPSession, seconds: float, per_minute: float) -> dict[str, Any]:
    session.send("Performance.enable")
    draw = random.Random(0)
    heap = []
    begun = time.perf_counter()
    count = 0
    while (now := time.perf_counter() - begun) < seconds:
        due = count * 60 / per_minute
        if now < due:
            page.wait_for_timeout(1000 * (due - now))
        page.keyboard.press(draw.choice([*KEYS]))
        if count % _HEAP_EVERY == 0:
            heap.append(_heap_mb(session))
        count += 1
    took = time.perf_counter() - begun
    _settled(page)
    heap.append(_heap_mb(session))
    robot = page.evaluate("() => window.robot")
    pressed = [(sample, KEYS[key]) for sample, key in robot["keys"] if sample]
    return {
        "marks_per_min": round(60 * len(pressed) / took, 1),
        "seconds": round(took, 1),
        "keys_without_a_sample": count - len(pressed),
        "key_to_paint_ms": percentiles(robot["painted"]),
        "ack_ms": percentiles(robot["saved"]),
        "js_heap_mb": max(heap),
        "pressed": pressed,
    }


def _settled(page: Page) -> None:
    """Wait until the page has no mark left that is not saved."""
    page.wait_for_function(
        "() => !Object.keys(localStorage).some((key) => key.startsWith('voiceface.unsaved'))",
        timeout=1000 * _PATIENCE_S,
    )


def _heap_mb(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    used = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
    return round(used / 1e6, 1)
