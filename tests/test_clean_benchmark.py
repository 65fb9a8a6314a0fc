"""The measure of the clean flag: what it counts as right, wrong, found and missed."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clean import _stretches, as_markdown, compare  # benchmarks/ is on the path, see pyproject.toml
from people import mislabelled
from verdicts import TELLS, judge

from voiceface.demo.script import TROUBLES
from voiceface.demo.truth import TRUTH, Row
from voiceface.sources import Video, write_videos
from voiceface.tables import REASONS

S = 1_000_000
SPOILS = {"overlap": {"voice": "both"}, "two": {"face": "two"}, "noise": {"noise": True}}


def row(start_s: float, end_s: float, trouble: str = "", **changes: Any) -> Row:
    """A stretch of truth, clean but for its trouble."""
    good = {field.name: False for field in TRUTH if field.type == pa.bool_()}
    good |= {"speaker": "demo-01", "file": "demo-01/a.mp4", "face": "main", "voice": "main"}
    good |= {"speaking": True, "emotion": "neutral", "repeats": "", "repeats_us": 0}
    times = {"start_us": round(start_s * S), "end_us": round(end_s * S), "trouble": trouble}
    return {**good, **times, **SPOILS.get(trouble, {}), **changes}


def sample(start_s: float, *flags: str, frame_s: float | None = None, **more: Any) -> Row:
    """A segment of 4 s as the manifest has it."""
    at = start_s + 2 if frame_s is None else frame_s
    return {
        "sample": f"s{start_s}", "video": "file-a", "face_number": 0,
        "start_us": round(start_s * S), "end_us": round((start_s + 4) * S),
        "frame_us": round(at * S), "flags": list(flags), "clean": not flags, **more,
    }  # fmt: skip


def test_each_trouble_has_reasons_that_tell_it_and_they_are_real() -> None:
    told = set(TELLS)
    assert told == {*TROUBLES, "jingle"} - {"cuts"}  # cuts are to be borne
    assert set().union(*TELLS.values()) <= set(REASONS)


def test_sound_spoils_a_segment_that_it_overlaps_and_a_picture_one_whose_frame_it_holds() -> None:
    rows = [row(0, 6), row(6, 10, "overlap"), row(10, 20), row(20, 24, "two"), row(24, 30)]
    assert judge(sample(4, frame_s=5), rows, []).spoilt == {"overlap"}
    before = judge(sample(18, frame_s=19), rows, [])
    assert (before.good, before.touched, before.spoilt) == (True, {"two"}, set())
    within = judge(sample(18, frame_s=21), rows, [])
    assert (within.good, within.spoilt) == (False, {"two"})


def test_a_missed_face_is_a_mistake_only_where_one_was_to_be_seen_all_the_time() -> None:
    rows = [row(0, 10), row(10, 16, "none", face="none")]
    assert judge(sample(2, "no_face") | {"frame_us": None}, rows, []).good
    missed = judge(sample(8, "no_face") | {"frame_us": None}, rows, [])
    assert (missed.good, missed.spoilt) == (False, {"none"})


@pytest.fixture
def built(tmp_path: Path) -> dict[str, Any]:
    """The measure on a world of two files, of which b repeats a from second 1 on."""
    first = [row(0, 12), row(12, 16, "noise"), row(16, 24), row(24, 28, "overlap")]
    again = row(0, 9, file="demo-01/b.mkv", repeats="demo-01/a.mp4", repeats_us=S)
    samples = [
        sample(0), sample(4), sample(8, "blurred"), sample(12, "noise_or_music"),
        sample(20, "wrong_person"), sample(24),
        sample(0, "duplicate", video="file-b"), sample(5, video="file-b"),
    ]  # fmt: skip
    places = {"file-a": "demo-01/a.mp4", "file-b": "demo-01/b.mkv"}
    pq.write_table(pa.Table.from_pylist([*first, again], TRUTH), tmp_path / "truth.parquet")
    pq.write_table(pa.Table.from_pylist(samples), tmp_path / "manifest.parquet")
    videos = [listed(name, "demo-01", str(tmp_path / file)) for name, file in places.items()]
    write_videos(tmp_path / "videos.csv", videos)
    return compare(tmp_path, tmp_path / "manifest.parquet", tmp_path / "videos.csv")


def listed(video: str, speaker: str, location: str) -> Video:
    return Video(
        video, speaker, "", "", location, "", None, "", "", "synthetic", "listed", location
    )


def test_precision_and_recall_are_shares_of_what_is_truly_there(built: dict[str, Any]) -> None:
    assert built["precision"] == 3 / 4  # the overlap passed
    assert built["recall"] == built["recall_inside"] == 1 / 2  # nothing was found in 16 to 24 s
    assert built["recall_of_windows"] == 3 / 5
    assert built["counts"]["flagged_duplicate"] == 1


def test_a_stretch_is_found_by_a_good_sample_that_lies_mostly_in_it() -> None:
    rows = [row(0, 6, "two"), row(6, 12), row(12, 20, "overlap")]
    for start, mostly, inside in ((4.5, 1, 0), (7, 1, 1), (3.5, 0, 0), (9.5, 1, 0), (10.5, 0, 0)):
        span = (round(start * S), round((start + 4) * S))
        counts = _stretches(rows, [span])
        assert (counts["stretches_found"], counts["stretches_found_inside"]) == (mostly, inside)


def test_a_reason_is_measured_by_its_own_troubles(built: dict[str, Any]) -> None:
    noise, voice = built["by_reason"]["noise_or_music"], built["by_reason"]["second_voice"]
    assert (noise["precision"], noise["recall"], noise["recall_own"]) == (1.0, 1.0, 1.0)
    assert (voice["flagged"], voice["precision"]) == (0, None)
    assert (voice["troubles"], voice["found"], voice["recall"]) == (1, 0, 0.0)
    assert built["by_reason"]["blurred"]["precision"] == 0.0
    assert built["by_trouble"]["overlap"]["passed_wrongly"] == 1


def test_a_re_upload_is_told_when_one_of_the_two_is_left(built: dict[str, Any]) -> None:
    # b's 0 to 4 s are a's 1 to 5 s: they meet two of a's segments; its 5 to 9 s meet one more.
    assert built["duplicates"] == {"pairs": 3, "told": 2, "recall": 0.6667}
    assert built["by_reason"]["duplicate"]["precision"] == 1.0


def test_the_tables_name_every_reason_and_trouble(built: dict[str, Any]) -> None:
    text = as_markdown(built)
    for name in (*built["by_reason"], *built["by_trouble"]):
        assert f"| {name} |" in text


def test_wrong_labels_are_made_of_right_ones() -> None:
    people = [f"demo-{n:02d}" for n in range(1, 8)]
    videos = [
        listed(f"{name}-{number}", name, f"{name}/{number}.mp4")
        for name in people
        for number in (1, 2)
    ]
    cases = mislabelled(videos)
    labels = {video.video: video.speaker for video in cases.videos}
    assert cases.alien == {"demo-03-2": "demo-01"}
    assert labels["demo-03-2"] == "demo-01"
    assert cases.split == {frozenset(("demo-02", "demo-02-again"))}
    assert {labels["demo-02-1"], labels["demo-02-2"]} == {"demo-02", "demo-02-again"}
    assert {labels[f"demo-0{n}-{m}"] for n in (4, 6) for m in (1, 2)} == {"demo-04"}
    assert labels["demo-07-1"] == "demo-07"
