import json
from pathlib import Path

import jsonschema
import pytest

from voiceface.demo.traits import sources_rows
from voiceface.errors import VoicefaceError
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import (
    Source,
    Video,
    built_videos,
    face_places,
    find_video,
    parse_clips,
    read_sources,
    read_videos,
    source_schema,
    write_videos,
)

ROOT = Path(__file__).parents[1]
HEADER = "speaker,gender,language,location,licence,consent,note\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "sources.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaint(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(VoicefaceError) as caught:
        read_sources(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_good_row_is_read_whole(tmp_path: Path) -> None:
    row = 'ana,female,pt-BR, https://a.org/@ana ,CC-BY-4.0,given,"two\nlines, and ""quotes"""\n'
    [source] = read_sources(written(tmp_path, HEADER + row))
    assert source == Source(
        speaker="ana",
        gender="female",
        language="pt-BR",
        location="https://a.org/@ana",
        licence="CC-BY-4.0",
        consent="given",
        note='two\nlines, and "quotes"',
    )


def test_a_byte_order_mark_windows_line_ends_and_empty_lines_are_no_harm(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfspeaker,location\r\nana,a.mp4\r\n\r\n,\r\nbob,b.mp4\r\n"
    assert [one.speaker for one in read_sources(written(tmp_path, text))] == ["ana", "bob"]


def test_every_bad_row_is_named_with_its_line_all_at_once(tmp_path: Path) -> None:
    text = HEADER + (
        'ana,female,es,a.mp4,,,"a note\nof three\nlines"\n'  # lines 2 to 4
        "../up,female,es,b.mp4,,,\n"  # 5
        "bob,man,english,c.mp4,,yes,\n"  # 6: three mistakes
        "cy,,,d.mp4\n"  # 7
        "dee,,,e.mp4,,,\n"
        "eve,,,--exec=rm,,,\n"  # 9
        "fay,,,,,,\n"  # 10
    )
    told = complaint(tmp_path, text)
    assert "line 5: speaker '../up': must be letters" in told
    assert "line 6: gender 'man': must be female, male, other" in told
    assert "line 6: language 'english'" in told
    assert "line 6: consent 'yes'" in told
    assert "line 7: 4 cells where the header has 7" in told
    assert "line 9: location '--exec=rm'" in told
    assert "line 10: location ''" in told
    assert not any(f"line {line}:" in told for line in (2, 3, 4, 8))


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "ftp://example.org/a.mp4",
        "data:video/mp4;base64,AAAA",
        "ytsearch:cats",
        ":ytfav",
        "--exec",
        "-o",
        "https://",
        "https://a b",
        "",
    ],
)
def test_a_location_is_an_http_url_or_a_path_and_nothing_else(
    tmp_path: Path, location: str
) -> None:
    assert "location" in complaint(tmp_path, f'{HEADER}ana,,,"{location}",,,\n')


@pytest.mark.parametrize(
    "location",
    ["http://a.org/x", "https://a.org/@ü?list=1&v=-x", "/a/b: c.mp4", "./-x:y", "Ñandú 1/é.mp4"],
)
def test_urls_and_paths_of_every_kind_are_locations(tmp_path: Path, location: str) -> None:
    [source] = read_sources(written(tmp_path, f'{HEADER}ana,,,"{location}",,,\n'))
    assert source.location == location
    assert source.is_url == location.startswith("http")


def test_emotion_and_clips_are_optional_columns_and_are_checked(tmp_path: Path) -> None:
    header = "speaker,location,emotion,clips\n"
    [source] = read_sources(written(tmp_path, f"{header}ana,a.mp4,anger,0-2.5;4-10\n"))
    assert (source.emotion, source.clips) == ("anger", "0-2.5;4-10")
    by_time = "anger@0-2.5;fear@3-4"
    [source] = read_sources(written(tmp_path, f"{header}ana,a.mp4,{by_time},\n"))
    assert source.emotion == by_time
    assert "line 2: emotion 'fear@3-2'" in complaint(tmp_path, f"{header}ana,a.mp4,fear@3-2,\n")
    told = complaint(tmp_path, f"{header}ana,a.mp4,ANGER,\nbob,b.mp4,,2-1\ncy,c.mp4,,1:00-2:00\n")
    for part in ("line 2: emotion 'ANGER'", "line 3: clips '2-1'", "line 4: clips '1:00-2:00'"):
        assert part in told


def test_clips_are_read_as_stretches_in_order_and_joined_where_they_overlap() -> None:
    assert parse_clips("") == []
    assert parse_clips("31-40;12.5-20;39-41.25") == [
        (12_500_000, 20_000_000),
        (31_000_000, 41_250_000),
    ]
    assert parse_clips("0-2@0.25x1;1-3") == [(0, 3_000_000)]
    assert parse_clips("0-2@0.2x0.5;2-3@0.2x0.5") == [(0, 3_000_000)]
    # Two people in turn: no segment is of both.
    assert parse_clips("0-2@0.2x0.5;2-3@0.8x0.5") == [(0, 2_000_000), (2_000_000, 3_000_000)]
    with pytest.raises(ValueError, match="ends before it starts"):
        parse_clips("3-3")


@pytest.mark.parametrize("place", ["0.3", "1.2x0.5", "0.3,0.5", "0.3x-0.1", "0.3x"])
def test_the_place_of_a_clip_s_face_is_two_shares_of_the_picture(
    tmp_path: Path, place: str
) -> None:
    header = "speaker,location,clips\n"
    [source] = read_sources(written(tmp_path, f"{header}ana,a.mp4,4-5;0-2.5@0.25x0.4375\n"))
    assert face_places(source.clips) == [(0, 2_500_000, 0.25, 0.4375)]
    told = complaint(tmp_path, f'{header}ana,a.mp4,"0-2.5@{place}"\n')
    assert "line 2: clips" in told
    assert "a face's middle as in `4-9@0.3x0.45`" in told


def test_a_lock_file_without_the_newer_columns_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    write_videos(path, [video("web-a")])
    path.write_text(
        "\n".join(
            line.removesuffix(",").removesuffix(",")
            for line in path.read_text().replace(",emotion,clips", "").splitlines()
        )
    )
    assert read_videos(path) == [video("web-a")]


def test_rows_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    rows = "ana,female,,a.mp4,,,\nana,male,,b.mp4,,,\nAna,female,,c.mp4,,,\nbob,,,a.mp4,,,\n"
    told = complaint(tmp_path, HEADER + rows)
    assert "line 3: gender 'male' of 'ana' is 'female' on line 2" in told
    assert "line 4: speaker 'Ana' is 'ana' on line 2" in told
    assert "line 5: location 'a.mp4' is on line 2 already" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER, "lists no source"),
        ("speaker;location\nana;a.mp4\n", "semicolons"),
        ("speaker,place\nana,a.mp4\n", "unknown column 'place'; no column 'location'"),
        ("speaker,speaker,location\na,a,a\n", "column 'speaker' twice"),
        ("speaker,location\nana,a.mp4\nbob,\xff\n".encode("latin-1"), "not UTF-8"),
        ('speaker,location\nana,a.mp4\nbob,"b.mp4\n', "line 3: not CSV"),
    ],
)
def test_what_is_no_list_of_sources_is_refused_in_words(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    assert told in complaint(tmp_path, text)


def test_a_missing_list_is_told_with_its_mend(tmp_path: Path) -> None:
    with pytest.raises(VoicefaceError, match=r"sources.csv: no such file; .*docs/sources.md"):
        read_sources(tmp_path / "sources.csv")


def test_the_schema_file_is_the_class(tmp_path: Path) -> None:
    path = ROOT / "workflow/schemas/sources.schema.json"
    assert path.read_text() == source_schema(), "write source_schema() to it"
    schema = json.loads(path.read_text())
    jsonschema.validate({"speaker": "ana", "location": "a.mp4"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"speaker": "ana", "location": "file:///a"}, schema)


def test_the_shipped_lists_are_good() -> None:
    assert read_sources(ROOT / "manifests/sources.example.csv")


def video(name: str, **other: object) -> Video:
    values = {"title": 'Ño, "quoted"', "duration_s": 12.5, "status": "listed"} | other
    texts = ("speaker", "gender", "language", "location", "uploaded", "licence", "consent")
    return Video(video=name, source="s", **dict.fromkeys(texts, "x") | values)  # type: ignore[arg-type]


def test_a_lock_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    videos = [video("web-b"), video("web-a", duration_s=None, status="gone", title="two\nlines")]
    write_videos(path, videos)
    assert read_videos(path) == videos
    assert find_video(path, "web-a") == videos[1]
    with pytest.raises(VoicefaceError, match="no video web-c"):
        find_video(path, "web-c")


def test_a_video_that_is_gone_counts_only_while_its_file_is_here(tmp_path: Path) -> None:
    path, outcomes, media = tmp_path / "videos.csv", tmp_path / "download", tmp_path / "media"
    media.mkdir()
    url = "https://a.org/v"
    names = ["web-had", "web-private", "web-busy", "web-deleted", "web-never"]
    gone = [video(name, location=url, status="gone") for name in names]
    here = [video("file-gone", location="a.mp4", status="gone"), video("web-listed", location=url)]
    write_videos(path, [*gone, *here])
    for name, status in [
        *(("web-had", "ok"), ("web-private", "unavailable"), ("web-busy", "failed")),
        *(("web-deleted", "ok"), ("file-gone", "ok")),
    ]:
        write_outcome(outcomes / f"{name}.json", Outcome(video=name, status=status))
        (media / f"{name}.mkv").touch()
    (media / "web-deleted.mkv").unlink()
    assert [one.video for one in built_videos(path, outcomes)] == ["web-had", "web-listed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("web-b", "../b"), ("listed", "lost"), ("12.5", "long"), ("video,", "vid,"), (",x,", ",")],
)
def test_a_damaged_lock_file_is_refused_with_its_mend(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "videos.csv"
    write_videos(path, [video("web-b")])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(VoicefaceError, match="voiceface resolve"):
        read_videos(path)


def test_a_video_twice_in_the_lock_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    write_videos(path, [video("web-b"), video("web-b")])
    with pytest.raises(VoicefaceError, match="line 3: web-b stands there twice"):
        read_videos(path)


def test_the_shipped_list_is_the_demo_world() -> None:
    shipped = read_sources(Path(__file__).parents[1] / "manifests" / "sources.csv")
    told = [{"speaker": s.speaker, "gender": s.gender, "language": s.language} for s in shipped]
    assert told == sources_rows(len(shipped), 0)
    assert [s.location for s in shipped] == [f"data/demo-world/{s.speaker}" for s in shipped]
