"""The list of takedowns, and what reads it."""

from pathlib import Path

import pytest

from tests.stages.test_download import listed
from voiceface.errors import VoicefaceError
from voiceface.sources import built_videos, find_video, write_videos
from voiceface.takedowns import Takedown, add_takedowns, read_takedowns

HEAD = "video,speaker,date,reason\n"


def test_a_video_or_all_of_a_speaker_is_covered_whatever_the_case_of_the_label(
    tmp_path: Path,
) -> None:
    path = tmp_path / "takedowns.csv"
    path.write_text(f"{HEAD}web-a,,2026-11-26,asked\n,Ana,2026-11-26,left\n")
    down = read_takedowns(path)
    assert down.cover("web-a", "bo")
    assert down.cover("web-b", "ANA")
    assert not down.cover("web-b", "bo")
    assert not read_takedowns(tmp_path / "none.csv").cover("web-a", "bo")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("web-a,ana,2026-11-26,x", "line 2: either video or speaker"),
        (",,2026-11-26,x", "line 2: either video or speaker"),
        ("web-a,,yesterday,x", "line 2: date 'yesterday': must be the day"),
        ("web-a,,2026-11-26,", "line 2: reason '': must be why"),
        ("../a,,2026-11-26,x", r"line 2: video '\.\./a': must be the video's name"),
        ("web-a,2026-11-26", "line 2: 2 cells where the header has 4"),
    ],
)
def test_a_wrong_row_stops_everything_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "takedowns.csv"
    path.write_text(f"{HEAD}{row}\n")
    with pytest.raises(VoicefaceError, match=words):
        read_takedowns(path)


def test_rows_are_added_once_and_keep_what_people_wrote(tmp_path: Path) -> None:
    path = tmp_path / "takedowns.csv"
    path.write_text(f'{HEAD}web-a,,2026-01-02,"moved, and asked"\n')
    again = Takedown(video="web-a", date="2026-11-26", reason="x")
    new = Takedown(speaker="ana", date="2026-11-26", reason="x")
    add_takedowns(path, [again, new])
    add_takedowns(path, [again, new])
    assert path.read_text().splitlines()[1:] == [
        'web-a,,2026-01-02,"moved, and asked"',
        ",ana,2026-11-26,x",
    ]


def test_no_stage_is_given_what_was_taken_down_though_it_is_listed(tmp_path: Path) -> None:
    names = ["web-a", "web-b"]
    write_videos(tmp_path / "videos.csv", [listed(name, "https://a.org") for name in names])
    (tmp_path / "takedowns.csv").write_text(f"{HEAD}web-a,,2026-11-26,x\n")
    built = built_videos(tmp_path / "videos.csv", tmp_path)
    assert [video.video for video in built] == ["web-b"]
    with pytest.raises(VoicefaceError, match="web-a: was taken down"):
        find_video(tmp_path / "videos.csv", "web-a")
    assert find_video(tmp_path / "videos.csv", "web-b").video == "web-b"
