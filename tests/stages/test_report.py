"""The report: one file, true to its tables, handsome at any width."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.built_builder import built_project, write_experiment
from tests.conftest import needs
from voiceface.config import Report, Settings
from voiceface.errors import VoicefaceError
from voiceface.experiments import Cell, Experiment
from voiceface.files import read_table, write_json, write_table
from voiceface.reporting.charts import Curve, draw, smoothed
from voiceface.reporting.figures import apportion, read_funnel
from voiceface.reporting.words import reason_words
from voiceface.stages.report import run
from voiceface.tables import CURATED, DATASET, FUNNEL, PEOPLE, REASONS


def made(
    root: Path,
    name: str = "index.html",
    shown: int = 48,
    resolve: dict[str, Any] | None = None,
    recognisers: str = "",
    experiments: str = "",
    **changes: Any,
) -> str:
    """Run the stage on the project in `root`; returns the page."""
    settings = Settings().model_dump(mode="json")
    settings["samples"] |= changes
    settings["resolve"] |= resolve or {}
    manifests = root / "manifests"
    output = root / "reports" / name
    run(
        Report(contact_sheet=shown),
        json.dumps(settings),
        manifests / "samples.parquet",
        manifests / "funnel.parquet",
        manifests / "dataset.parquet",
        manifests / "leakage.json",
        manifests / "people.parquet",
        root / "data/faces",
        root / "models",
        root / "reports",
        "wav2pix",
        recognisers,
        experiments,
        manifests / "rubric.md",
        output,
    )
    return output.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What a reader sees, on one line."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_project(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return made(project)


def test_the_page_is_one_file_that_refers_to_nothing_outside_it(page: str) -> None:
    links = re.findall(r'(?:src|href|action|data|poster)="([^"]*)"', page)
    assert links
    assert {link.split(":")[0] for link in links if not link.startswith("#")} == {"data"}
    assert not re.search(r"@import|url\(|https?://|<script|<iframe|<object", page)


def test_equal_inputs_give_equal_bytes(project: Path, page: str) -> None:
    assert made(project, "again.html") == page


def test_the_rules_of_the_curators_are_shown_as_text(project: Path, page: str) -> None:
    assert "How the curators decided" not in page
    rubric = project / "manifests/rubric.md"
    rubric.write_text("Drop <b>laughter</b>.")
    with_rules = text_of(made(project, "ruled.html"))
    rubric.unlink()
    assert "How the curators decided Drop <b>laughter</b>." in with_rules


def test_the_page_stays_small(page: str) -> None:
    assert len(page) < 2_000_000


def test_the_funnel_on_the_page_adds_up_to_the_whole(project: Path, page: str) -> None:
    table = re.search(r'aria-label="Funnel".*?</table>', page, re.S)
    assert table is not None
    tenths = [round(float(one) * 10) for one in re.findall(r"<td>([\d.]+) %</td>", table[0])]
    *parts, whole = tenths
    assert whole == 1000
    assert sum(parts) == 1000
    rows = read_table(project / "manifests/funnel.parquet", FUNNEL).to_pylist()
    kept = sum(row["duration_us"] for row in rows if row["reason"] == "kept")
    assert abs(parts[0] - 1000 * kept / sum(row["duration_us"] for row in rows)) < 1


@pytest.mark.parametrize(
    ("parts", "whole", "expected"),
    [
        ([1, 1, 1], 1000, [334, 333, 333]),
        ([0, 5], 1000, [0, 1000]),
        ([], 1000, []),
        ([0], 7, [0]),
    ],
)
def test_rounding_keeps_the_sum(parts: list[int], whole: int, expected: list[int]) -> None:
    assert apportion(parts, whole) == expected


def test_lost_videos_are_listed_apart_and_take_no_time(project: Path, page: str) -> None:
    funnel = read_funnel(project / "manifests/funnel.parquet")
    assert [(one.video, one.words) for one in funnel.lost] == [
        ("youtube-lost", "unavailable: Private video of a_b"),
        ("file-gone", "gone: no longer at its source"),
    ]
    assert funnel.videos == 8
    assert "youtube-lost Ana unavailable: Private video of a_b" in text_of(page)
    assert "file-gone Ana gone: no longer at its source" in text_of(page)
    assert sum(share.seconds for share in funnel.shares) == funnel.total_s


def test_samples_are_shown_with_their_name_their_face_and_all_reasons(page: str) -> None:
    tiles = re.findall(r"<li>(<img.*?)</li>", page[page.index('id="kept"') :], re.S)
    dropped = page[page.index('id="dropped"') : page.index('id="splits"')]
    assert len(tiles) == 48 + 48
    for tile in tiles:
        assert 'src="data:image/webp;base64,' in tile
        assert re.search(r'title="file-[0-9a-f]{12}_\d{9}"', tile)
    assert "blurred, too quiet" in text_of(dropped)
    assert "lips not in time" in text_of(dropped)
    assert "no face found" not in text_of(dropped)  # nothing to show


def test_labels_that_are_no_one_person_are_told_with_a_face_of_each(page: str) -> None:
    section = page[page.index('id="people"') : page.index('id="kept"')]
    assert section.count('src="data:image/webp;base64,') == 4
    words = text_of(section)
    assert "Ana and Bo look like one person: their usual faces are 0.21 apart" in words
    assert "Dara looks like several people: beside the usual one (12 faces in file-" in words


def test_labels_that_are_all_one_person_take_no_room(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "other")
    write_table(tmp_path / "other/manifests/people.parquet", PEOPLE.empty_table())
    assert "Who is who" not in made(tmp_path / "other")


def test_kept_samples_are_spread_over_all_speakers(project: Path) -> None:
    shown = made(project, "few.html", shown=6)
    kept = text_of(shown[shown.index('id="kept"') : shown.index('id="dropped"')])
    for words in ("Ana 2 of 18", "Bo 2 of 18", "Chen 1 of 18", "Dara 1 of 18"):
        assert words in kept


def test_many_speakers_share_one_sheet_that_names_them(tmp_path: Path) -> None:
    speakers = tuple(f"person{number:02d}" for number in range(14))
    root = built_project(tmp_path, speakers=speakers, videos=1, segments=4)
    shown = made(root, shown=20)
    kept = text_of(shown[shown.index('id="kept"') : shown.index('id="dropped"')])
    assert len(re.findall(r"All speakers 20 of \d+", kept)) == 1
    assert all(f"{name}: " in kept for name in speakers)


@pytest.mark.parametrize("proxy", ["http://me:se@cr/et@host:1", "me:secret@host:1"])
def test_passwords_and_the_place_of_cookies_are_not_on_the_page(project: Path, proxy: str) -> None:
    shown = made(
        project, "secret.html", resolve={"proxy": proxy, "cookies_file": "/home/me/cookies.txt"}
    )
    assert "me:" not in text_of(shown)
    assert "/home" not in shown
    assert "***@host:1" in text_of(shown)
    assert "cookies.txt" in text_of(shown)


def test_every_reason_of_the_tables_has_words() -> None:
    for reason in ("kept", *REASONS, *CURATED):
        assert reason_words(reason) != reason or "_" not in reason


def test_a_sheet_of_no_samples_is_no_error(project: Path) -> None:
    assert "None are shown." in made(project, "none.html", shown=0)


def test_names_and_reasons_are_text_never_markup(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script>'
    root = built_project(tmp_path, speakers=(evil, "Bo", "<b>Cy"), videos=1)
    shown = made(root)
    assert "<script" not in shown
    assert "<b>Cy" not in shown
    assert html.escape(evil, quote=False).replace('"', "&#34;") in shown


def test_metrics_stand_beside_real_faces_chance_and_the_paper(page: str) -> None:
    seen = text_of(page)
    words = "71.2 % 98.0 % 25.0 % 44.1 % 95.0 % 25.0 % – – 76.81 % train, 50.08 % test"
    assert f"Identity accuracy ↑ {words}" in seen
    assert "Landmarks found ↑ 91.2 % 80.5 to 95.2 100.0 %" in seen
    assert "Identity, gender and emotion are told by the built-in classifier." in seen
    assert "A face is drawn from the loudest 1.02 s of a voice." in seen
    assert "FID; KID: evaluate.inception_weights is not set." in seen
    assert "Identity accuracy (unseen): these people are not in the training split." in seen
    assert "Voice-to-face matching: 1 200 000 trials in train, " in seen
    assert "FID ↓" not in seen  # what has no value takes no row


def test_metrics_are_grouped_by_what_they_answer(page: str) -> None:
    seen = text_of(page[page.index('aria-label="Metrics of wav2pix"') :])
    order = ["Is it the speaker's face?", "Voice-to-face", "Is it a face?", "Landmarks found"]
    places = [seen.index(words) for words in order]
    assert places == sorted(places)


def test_the_main_figures_stand_at_the_head_of_the_page(page: str) -> None:
    head = text_of(page[: page.index("</header>")])
    assert "wav2pix, test: identity accuracy 44.1 % real faces: 95.0 %" in head
    assert "wav2pix, unseen: voice-to-face matching 61.5 % real faces: 97.0 %" in head


def test_noise_stands_beside_speech(page: str) -> None:
    seen = text_of(page[page.index("Speech against noise") :])
    assert (
        "Voice-to-face matching 90.1 % 51.0 % 48.0 to 53.5 82.5 % 49.5 % 46.5 to 52.0 61.5 %"
        in seen
    )


def test_each_length_of_speech_is_drawn_and_told(page: str) -> None:
    chart = re.search(r'<svg class="curve lengths".*?</svg>', page, re.S)
    assert chart is not None
    label = html.unescape(re.findall(r'aria-label="([^"]*)"', chart[0])[0])
    assert label == (
        "Voice-to-face matching, train: 88.0 % at 1 s, 89.0 % at 2 s, 90.3 % at 10 s; "
        "test: 78.0 % at 1 s, 80.0 % at 2 s, 82.7 % at 10 s"
    )
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', chart[0])]
    assert len(heights) == 6
    assert heights[0] > heights[1] > heights[2]  # higher values stand higher
    assert heights[3] > heights[0]
    assert "test 78.0 % (75.0 to 80.5) 80.0 % (77.0 to 82.5) 82.7 % (79.7 to 85.2)" in text_of(page)


def test_the_leak_check_is_told(page: str, project: Path, tmp_path: Path) -> None:
    assert "No leak No video, no stretch of sound" in text_of(page)
    root = tmp_path / "leaky"
    shutil.copytree(project, root)
    proof = {"compared": {}, "shared_between_splits": 2, "videos_joined_by_content": []}
    (root / "manifests/leakage.json").write_text(json.dumps(proof))
    assert "Leak 2 things are in two splits." in text_of(made(root))


def test_changed_settings_stand_out(project: Path) -> None:
    shown = made(project, "changed.html", min_sharpness=16.5)
    assert "<b>16.5</b>" in shown
    assert len(re.findall(r"<code><b>", shown)) == 1


def test_curves_hold_all_steps_and_survive_flat_or_single_values() -> None:
    assert smoothed([1.0] * 100) == pytest.approx([1.0] * 100)
    assert smoothed([0.0, 10.0]) == [0.0, 10.0]
    for values in ([3.0], [2.0, 2.0], [0.1 * step for step in range(2000)]):
        svg = draw(Curve("<loss>", list(range(1, len(values) + 1)), values))
        assert "nan" not in svg
        assert "<loss>" not in svg
        assert svg.count("L") < 2 * 260


def test_a_missing_input_is_one_line(project: Path, tmp_path: Path) -> None:
    root = tmp_path / "gone"
    shutil.copytree(project, root)
    (root / "manifests/funnel.parquet").unlink()
    with pytest.raises(VoicefaceError, match=r"funnel\.parquet: no such file"):
        made(root)
    (root / "reports/wav2pix/metrics.json").write_text("{}")
    shutil.copy(project / "manifests/funnel.parquet", root / "manifests/funnel.parquet")
    with pytest.raises(VoicefaceError, match="not the metrics of this version"):
        made(root)


def in_chromium(page: str, folder: Path) -> dict[str, Any]:
    """What a real browser makes of the page at 400 pixels: its width, pictures and requests."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    needs(chromium is not None, "chromium")
    measure = """
      const w = frame.contentWindow, d = w.document, e = d.documentElement;
      result.textContent = JSON.stringify({
        width: Math.max(e.scrollWidth, d.body.scrollWidth), view: e.clientWidth,
        height: e.scrollHeight, images: d.images.length,
        broken: [...d.images].filter(i => !i.naturalWidth).length,
        requests: w.performance.getEntriesByType("resource").map(r => r.name)
          .filter(n => !n.startsWith("data:")),
      });"""
    # Without its own ban on requests, so that one would show, and with all pictures loaded.
    bare = re.sub(r"<meta http-equiv[^>]*>", "", page).replace(' loading="lazy"', "")
    wrapper = folder / "wrapper.html"
    wrapper.write_text(
        f'<pre id="result"></pre><iframe id="frame" style="width:400px;height:800px;border:0" '
        f"srcdoc='{html.escape(bare)}'></iframe>"
        f"<script>frame.onload = () => {{{measure}}}</script>",
        encoding="utf-8",
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--timeout=15000"]
    options += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND"]
    shown = subprocess.run(
        [str(chromium), *options, wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r'<pre id="result">(\{.*?\})</pre>', shown.stdout, re.S)
    assert found, shown.stderr[-500:]
    return json.loads(html.unescape(found[1]))


def test_in_a_browser_nothing_is_fetched_broken_or_too_wide_at_400_pixels(
    page: str, tmp_path: Path
) -> None:
    seen = in_chromium(page, tmp_path)
    assert seen["requests"] == []
    assert seen["broken"] == 0
    assert seen["images"] == 4 + 48 + 48 + 2
    assert seen["width"] <= seen["view"] <= 400
    assert seen["height"] > 3000


def test_the_browser_check_sees_a_request_a_broken_picture_and_a_wide_page(tmp_path: Path) -> None:
    bad = '<!doctype html><img src="http://example.invalid/x.png"><p style="width:600px">wide</p>'
    seen = in_chromium(bad, tmp_path)
    assert seen["requests"] == ["http://example.invalid/x.png"]
    assert seen["broken"] == 1
    assert seen["width"] > 400


def test_a_model_with_a_voice_embedding_says_how_well_that_tells_speakers(project: Path) -> None:
    card, accuracy = project / "models/wav2pix/model.json", project / "models/voice/accuracy.json"
    before = card.read_text()
    write_json(
        accuracy,
        {"test": {"n": 40, "top1": 92.5, "top5": 100.0, "chance": 12.5, "window_top1": None}},
    )
    words = "recogniser voice (92.5 % of 40 unheard recordings right; chance: 12.5 %)"
    seen = text_of(made(project, recognisers="voice"))
    assert words not in seen
    assert "voice test 40 92.5 % 100.0 % – 12.5 %" in seen
    assert "Speaker recognition" not in text_of(made(project))
    write_json(card, json.loads(before) | {"begins_with": "voice"})
    try:
        assert words in text_of(made(project, recognisers="voice"))
    finally:
        card.write_text(before)
        shutil.rmtree(accuracy.parent)


def test_an_experiment_has_a_table_with_intervals_and_a_figure(project: Path) -> None:
    metrics = ["identity/train", "identity/test", "landmarks/test", "fid/test"]
    cells = [
        Cell(label="64 px", model="wav2pix"),
        Cell(label="128 <px>", model="wav2pix", settings={"wav2pix.px": 128}),
    ]
    sizes = Experiment(title="Sizes", source="Someone, 2019", metrics=metrics, cells=cells)
    write_experiment(project, "sizes", sizes)
    shown = made(project, "sizes.html", experiments="sizes")
    section = shown[shown.index('id="experiment-sizes"') : shown.index('id="versions"')]
    seen = text_of(section)
    assert "Sizes After Someone, 2019." in seen
    assert "Means over 3 seeds, with their 95 % interval" in seen
    assert "test 42.0 % 37.0 to 47.0 paper: 50.1 % 50.0 % 45.0 to 55.0" in seen
    assert "<b>50.0 %</b>" in section
    assert "<b>42.0 %</b>" not in section
    assert "FID: evaluate.inception_weights is not set." in seen
    figures = re.findall(r'<svg class="curve lengths".*?</svg>', section, re.S)
    told = [html.unescape(re.findall(r'aria-label="([^"]*)"', one)[0]) for one in figures]
    assert told == [
        "Identity accuracy, train: 62.0 % for 64 px, 70.0 % for 128 <px>; "
        "test: 42.0 % for 64 px, 50.0 % for 128 <px>",
        "Landmarks found, test: 89.0 % for 64 px, 89.0 % for 128 <px>",
    ]
    assert figures[0].count('class="single"') == 12  # each seed of each cell and split
    assert "Of another dataset" not in seen
    assert "<px>" not in section


def test_what_is_measured_joins_the_points_and_an_old_dataset_is_told(
    project: Path, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root)
    cells = [Cell(label=f"{n} s", model="wav2pix", heard=f"{n} s") for n in (1, 2, 10)]
    length = Experiment(title="Length", axis="time", metrics=["matching/test"], cells=cells)
    write_experiment(root, "length", length, seeds=1)
    write_table(root / "manifests/dataset.parquet", DATASET.empty_table())
    shown = made(root, experiments="length")
    section = shown[shown.index('id="experiment-length"') : shown.index('id="versions"')]
    assert "Means over 1 seed" in text_of(section)
    assert "Of another dataset" in text_of(section)
    assert "Voice-to-face matching, %, by time: test" in text_of(section)
    path = re.findall(r'<g class="test"><path d="([^"]*)"', section)[0]
    assert path.count("L") == 2
