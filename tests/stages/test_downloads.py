from pathlib import Path

import pytest

from tests.stages.test_download import listed
from voiceface.errors import VoicefaceError
from voiceface.files import read_table
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import write_videos
from voiceface.stages.downloads import retry, run
from voiceface.tables import DOWNLOADS

PRIVATE = Outcome(video="", status="unavailable", reason="Private video")
BUSY = Outcome(video="", status="failed", reason="HTTP Error 429")
OK = Outcome(video="", status="ok", size=5, sha256="ab", format="mp4", duration_us=7, fps=25.0)


def project(folder: Path, *outcomes: Outcome) -> tuple[Path, Path, Path]:
    names = [f"web-{number}" for number in range(len(outcomes))]
    write_videos(folder / "videos.csv", [listed(name, "https://a.org") for name in names])
    for name, outcome in zip(names, outcomes, strict=True):
        write_outcome(folder / f"o/{name}.json", outcome.model_copy(update={"video": name}))
    return folder / "videos.csv", folder / "o", folder / "downloads.parquet"


def test_all_records_come_together(tmp_path: Path) -> None:
    paths = project(tmp_path, OK, PRIVATE, OK)
    run("0.4", *paths)
    rows = read_table(paths[2], DOWNLOADS).to_pylist()
    assert [(row["video"], row["speaker"], row["status"]) for row in rows] == [
        ("web-0", "ana", "ok"),
        ("web-1", "ana", "unavailable"),
        ("web-2", "ana", "ok"),
    ]
    assert rows[0]["duration_us"] == 7


def test_too_many_lost_videos_stop_the_build_with_counts_reasons_and_a_mend(
    tmp_path: Path,
) -> None:
    paths = project(tmp_path, OK, PRIVATE, PRIVATE, BUSY)
    with pytest.raises(VoicefaceError) as caught:
        run("0.5", *paths)
    told = str(caught.value)
    assert told.startswith("3 of 4 videos were lost")
    assert "2 × unavailable: Private video, 1 × failed: HTTP Error 429" in told
    assert "voiceface retry" in told
    assert not paths[2].exists()
    run("0.75", *paths)


def test_videos_that_are_gone_are_not_counted(tmp_path: Path) -> None:
    videos, outcomes, output = project(tmp_path, OK, PRIVATE)
    videos.write_text(videos.read_text().replace("web-1,", "web-1,", 1))
    lines = videos.read_text().splitlines()
    lines[2] = lines[2].replace(",listed,", ",gone,")
    videos.write_text("\n".join(lines) + "\n")
    run("0.0", videos, outcomes, output)
    assert read_table(output, DOWNLOADS).num_rows == 1


def test_a_damaged_or_missing_record_is_named(tmp_path: Path) -> None:
    paths = project(tmp_path, OK)
    record = paths[1] / "web-0.json"
    record.write_text('{"video": "web-0", "status": "fine"}')
    with pytest.raises(VoicefaceError, match=r"web-0.json: not a download record \(status"):
        run("0.2", *paths)
    record.unlink()
    with pytest.raises(VoicefaceError, match=r"web-0.json: no such file"):
        run("0.2", *paths)


def test_retry_takes_away_the_failed_records_only(tmp_path: Path) -> None:
    _, outcomes, _ = project(tmp_path, OK, PRIVATE, BUSY)
    assert retry(outcomes) == ["web-2"]
    assert sorted(path.stem for path in outcomes.iterdir()) == ["web-0", "web-1"]
    assert retry(outcomes) == []


def test_retry_by_reason_takes_the_unavailable_too_but_never_what_is_here(tmp_path: Path) -> None:
    _, outcomes, _ = project(tmp_path, OK, PRIVATE, BUSY)
    assert retry(outcomes, "private") == ["web-1"]
    assert retry(outcomes, "") == ["web-2"]


def test_retry_takes_up_what_waits_for_the_user(tmp_path: Path) -> None:
    blocked = Outcome(
        video="", status="blocked", reason="Sign in; it wants a login: set cookies_file"
    )
    _, outcomes, _ = project(tmp_path, OK, blocked, BUSY, PRIVATE, blocked)
    assert retry(outcomes, "BLOCKED: sign in") == ["web-1", "web-4"]
    _, outcomes, _ = project(tmp_path, OK, blocked, BUSY, PRIVATE)
    assert retry(outcomes) == ["web-1", "web-2"]
